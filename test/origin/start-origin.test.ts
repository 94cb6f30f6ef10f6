import { createServer, type IncomingMessage, type Server } from 'node:http'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ChannelsRequest } from '../../src/client/index.ts'
import { instant, type NodeId } from '../../src/core/index.ts'
import { startOrigin, type OriginOptions } from '../../src/origin/index.ts'
import { mintNodeToken, newNodeKey, type NodeIdentity } from '../../src/signing/index.ts'
import { objectKey, openStore } from '../../src/storage/index.ts'
import { ffmpeg } from '../e2e/media-tools.ts'
import { channel, handOver, PATH, until } from './live/live-under-test.ts'
import { packageJob } from './origin-under-test.ts'

const identity = (role: NodeIdentity['role']): NodeIdentity => ({
  id: `${role}-1` as NodeId,
  role,
  ...newNodeKey(),
}) // a made-up id

/** As much of control as an origin asks for: a snapshot, jobs, and an ear for what becomes of them. */
class Control {
  readonly heard: { what: string; body: unknown }[] = []
  readonly jobs: unknown[] = []
  /** Of live channels. */
  readonly reports: ChannelsRequest[] = []
  readonly #server: Server
  readonly #held = new Set<() => void>()

  constructor(nodes: NodeIdentity[]) {
    const snapshot = {
      ...{
        version: 1,
        distributions: [],
        fallbackDistribution: null,
        keyGroups: [],
        issuers: [],
        originAccess: [],
        channels: [channel()],
        sequence: 0,
        invalidations: [],
      },
      nodes: nodes.map(({ id, role, publicJwk }) => ({ id, role, publicKey: publicJwk })),
    }
    this.#server = createServer((request, response) => {
      const answer = (status: number, body?: unknown) => {
        response.writeHead(status, { 'content-type': 'application/json', 'sluice-epoch': 'one' })
        response.end(body === undefined ? undefined : JSON.stringify(body))
      }
      const url = request.url ?? ''
      if (url.startsWith('/v1/node/snapshot')) {
        if (request.headers['if-none-match'] === undefined) return answer(200, snapshot)
        return this.#hold(request, () => answer(304))
      }
      void json(request).then(body => {
        const what = url.split('/').at(-1) ?? ''
        if (what === 'channels') {
          this.reports.push(body as ChannelsRequest) // asserted by the tests
          return answer(204)
        }
        if (what !== 'lease') {
          this.heard.push({ what, body })
          return answer(200, {})
        }
        const job = this.jobs.shift()
        if (job !== undefined) return answer(200, { job, leaseSeconds: 10, attempt: 1 })
        this.#hold(request, () => answer(204))
      })
    })
  }

  #hold(request: IncomingMessage, release: () => void): void {
    this.#held.add(release)
    request.once('close', () => this.#held.delete(release))
    // Long enough that nobody turns in circles, short enough that a new job is found at once.
    setTimeout(release, 100).unref()
  }

  async listen(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` // it listens on TCP
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }
}

let folder: string
let control: Control
let options: OriginOptions
const edge = identity('edge')
const gateway = identity('gateway')
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-start-'))
  const self = identity('origin')
  control = new Control([edge, gateway, self])
  options = {
    listen: { host: '127.0.0.1', port: await freePort() },
    controlUrl: await control.listen(),
    identity: self,
    stateDir: join(folder, 'state'),
    workDir: join(folder, 'work'),
    storage: { kind: 'filesystem', folder: join(folder, 'storage') },
    logLevel: 'silent',
  }
})
afterEach(async () => {
  await control.close()
  await rm(folder, { recursive: true, force: true })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  await new Promise(resolve => server.close(resolve))
  return port
}

it('an origin follows control, does its jobs, serves nodes, and drains', async () => {
  const file = join(folder, 'film.mp4')
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=160x120:duration=5',
    '-c:v',
    'libx264',
    '-pix_fmt',
    'yuv420p',
    file,
  )
  const store = await openStore(options.storage)
  await store.put(objectKey('uploads/p1'), await readFile(file))

  const origin = await startOrigin(options)
  try {
    await expect.poll(() => origin.health(), { timeout: 10_000 }).toEqual({ kind: 'ready' })
    control.jobs.push(packageJob())
    await expect
      .poll(() => control.heard.find(({ what }) => what === 'finish'), { timeout: 10_000 })
      .toMatchObject({
        body: {
          result: {
            kind: 'packaged',
            durationSeconds: 5,
            renditions: [{ kind: 'video', width: 160, height: 120 }],
          },
        },
      })
    const url = `http://127.0.0.1:${options.listen.port}/films/one/index.m3u8`
    expect((await fetch(url)).status).toBe(403)
    const token = await mintNodeToken(edge, 'origin', instant(Date.now()))
    expect((await fetch(url, { headers: { 'sluice-node': token } })).status).toBe(200)
    expect(await origin.metrics()).toContain(
      'sluice_origin_requests_total{kind="multivariant",role="origin"} 1\n',
    )

    control.jobs.push({ kind: 'remove', id: 'job2', assetId: 'a1', path: '/films/one' })
    await expect
      .poll(() => control.heard.filter(({ what }) => what === 'finish').length, { timeout: 10_000 })
      .toBe(2)
    expect(control.heard.at(-1)).toMatchObject({ body: { result: { kind: 'removed' } } })
    expect((await fetch(url, { headers: { 'sluice-node': token } })).status).toBe(404)
  } finally {
    await origin.close()
  }
})

it('an origin that closes during a job gives it back and leaves the upload', async () => {
  const file = join(folder, 'long.avi')
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30:duration=60', '-c:v', 'mpeg4', file)
  const store = await openStore(options.storage)
  await store.put(objectKey('uploads/p1'), await readFile(file))
  const origin = await startOrigin(options)
  control.jobs.push(packageJob())
  try {
    await expect
      .poll(
        () => control.heard.map(({ body }) => (body as { progress?: { stage: string } }).progress?.stage),
        { timeout: 20_000 },
      ) // heartbeats
      .toContain('encoding')
  } finally {
    await origin.close()
  }
  expect(control.heard.map(({ what }) => what)).toContain('release')
  expect(control.heard.map(({ what }) => what)).not.toContain('finish')
  const left: string[] = []
  for await (const { key } of store.list('')) left.push(key)
  expect(left).toEqual(['uploads/p1'])
})

it('an origin tells control what becomes of its channels', async () => {
  const origin = await startOrigin(options)
  try {
    await expect.poll(() => origin.health(), { timeout: 10_000 }).toEqual({ kind: 'ready' })
    const node = await mintNodeToken(gateway, 'origin', instant(Date.now()))
    const given = await handOver(options.listen, { node })
    await until(() => control.reports.length > 0, 'a report')
    expect(control.reports.at(-1)).toMatchObject({
      channels: [{ path: PATH, state: 'connected', broadcast: { id: given.broadcast } }],
    })
    given.request.end()
    await until(() => control.reports.at(-1)?.channels.length === 0, 'that it is idle')
    const events = control.reports.flatMap(report => report.events.map(({ id, kind }) => `${kind} ${id}`))
    expect([...new Set(events)].map(event => event.split(' ')[0])).toEqual(['connected', 'ended'])
    expect(await origin.metrics()).toContain(
      'sluice_origin_hand_overs_total{result="unpublished",role="origin"} 1\n',
    )
    const last = await handOver(options.listen, { node })
    // Its publisher never ends it, so the origin has to.
    await Promise.all([origin.close(), last.closed()])
  } finally {
    await origin.close()
  }
})

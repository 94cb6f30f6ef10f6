import { createServer, type AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { instant, type RunningRole } from '../../src/core/index.ts'
import { startOrigin } from '../../src/origin/index.ts'
import { mintNodeToken, type NodeIdentity } from '../../src/signing/index.ts'
import type { StorageOptions } from '../../src/storage/index.ts'
import { S3Server } from '../contracts/s3-server.ts'
import { ControlFixture, sourceOf, until } from '../control/fixture.ts'
import { ROOT } from '../house/tree.ts'
import { openOrigin, publish, type OriginUnderTest } from './origin-under-test.ts'

const OWNER = { accessKeyId: 'AKOWNER', secretAccessKey: 'owner/secret+', may: ['films:read', 'films:write'] }

let double: S3Server
let storage: StorageOptions
let control: ControlFixture
let origin: RunningRole
let url: string
/** The same film from a folder: what viewers must get, to the byte. */
let folder: OriginUnderTest
let film: Buffer

beforeAll(async () => {
  double = await S3Server.start()
  double.users = [OWNER]
  double.bucket('films')
  const { accessKeyId, secretAccessKey } = OWNER
  storage = {
    ...{ kind: 's3', bucket: 'films', prefix: '', endpoint: double.url, region: 'eu-central-1' },
    ...{ addressing: 'path', accessKeyId, secretAccessKey },
  }
  control = await ControlFixture.open({}, undefined, { storage })
  ;({ origin, url } = await start(control.origin))
  folder = await openOrigin()
  film = await readFile(join(ROOT, 'media/sample.mp4'))
  await publish(folder, film, { path: '/films/one' })
}, 30_000)

afterAll(async () => {
  await origin.close()
  await folder.close()
  await control.end()
  await double.close()
})

beforeEach(() => {
  double.fault = () => undefined
  double.asked.length = 0
})

async function start(identity: NodeIdentity): Promise<{ origin: RunningRole; url: string }> {
  const port = await freePort()
  const running = await startOrigin({
    ...{
      listen: { host: '127.0.0.1', port },
      controlUrl: control.url,
      identity,
      storage,
      logLevel: 'silent',
    },
    ...{
      stateDir: join(control.root, identity.id, 'state'),
      workDir: join(control.root, identity.id, 'work'),
    },
  })
  await until('the origin has a snapshot', () => running.health().kind === 'ready')
  return { origin: running, url: `http://127.0.0.1:${port}` }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  await new Promise(resolve => server.close(resolve))
  return port
}

async function get(at: string, path: string, sequence = 0): Promise<{ status: number; body: Buffer }> {
  const token = await mintNodeToken(control.edge, 'origin', instant(Date.now()))
  const headers = { 'sluice-node': token, 'sluice-seq': String(sequence) }
  const response = await fetch(at + path, { headers })
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
}

/** Every file of a film that a player would ask for. */
async function everything(at: string, path: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  const follow = async (name: string): Promise<void> => {
    const { status, body } = await get(at, `${path}/${name}`)
    expect([name, status]).toEqual([name, 200])
    found.set(name, body)
    if (!name.endsWith('.m3u8')) return
    const below = name.includes('/') ? `${name.slice(0, name.lastIndexOf('/'))}/` : ''
    const uris = [...body.toString().matchAll(/URI="([^"]+)"|^([^#\s].*)$/gm)].map(
      ([, quoted, plain]) => quoted ?? plain,
    )
    await Promise.all(uris.map(uri => follow(below + String(uri))))
  }
  await follow('index.m3u8')
  return found
}

async function publishFilm(path: string): Promise<void> {
  const publication = await control.client.publish({
    path,
    fileName: 'a.mp4',
    size: film.length,
    ladder: 'none',
  })
  await control.client.upload(publication, sourceOf(film))
  await until('the film is ready', async () => {
    const { state, error } = await control.client.publication(publication.id)
    expect(error).toBeNull()
    return state === 'ready'
  })
}

const inBucket = (): string[] => [...double.buckets.get('films')!.objects.keys()].sort()

describe('a film in a bucket', () => {
  test('is published through control, and every byte that viewers get is that of a film in a folder', async () => {
    await publishFilm('/films/one')
    expect(inBucket().map(key => key.replace(/(assets|pointers)\/.*?(\/v1.*)?$/, '$1$2'))).toEqual([
      ...['objects/assets/v1/index', 'objects/assets/v1/source.mp4', 'objects/pointers'],
    ])
    expect(double.buckets.get('films')!.uploads.size).toBe(0)
    double.asked.length = 0
    const [bucket, own] = [await everything(url, '/films/one'), await everything(folder.url, '/films/one')]
    expect([...bucket.keys()].sort()).toEqual([...own.keys()].sort())
    expect([...own.keys()].filter(name => name.endsWith('.m4s')).length).toBeGreaterThan(4)
    for (const [name, body] of own) expect(body.equals(bucket.get(name)!)).toBe(true)
    const asked = double.asked.filter(({ target }) => target.includes('/v1/'))
    const segments = [...own.keys()].filter(name => name.endsWith('.m4s'))
    expect(asked.length).toBeLessThan(segments.length)
    double.asked.length = 0
    await everything(url, '/films/one')
    expect(double.asked.filter(({ target }) => target.includes('assets'))).toEqual([])
  })

  test('is served by a second origin on the same bucket, and replaced for both at once', async () => {
    // Its keys are the first one's: control knows one origin here.
    const second = await start(control.origin)
    try {
      expect((await everything(second.url, '/films/one')).size).toBeGreaterThan(4)
      await publishFilm('/films/one')
      const sequence = 1
      const entries = await Promise.all(
        [url, second.url].map(each => get(each, '/films/one/index.m3u8', sequence)),
      )
      expect(entries.map(({ status }) => status)).toEqual([200, 200])
      expect(inBucket().filter(key => key.endsWith('/v2/source.mp4'))).toHaveLength(1)
    } finally {
      await second.origin.close()
    }
  })

  test('is 503 while the bucket is away, plays on when it is back, and one that is published meanwhile waits', async () => {
    const [name = ''] = [...(await everything(folder.url, '/films/one')).keys()].filter(each =>
      each.endsWith('.m4s'),
    )
    double.fault = () => ({ kind: 'hang-up' })
    await until('the pointer is forgotten', async () => (await get(url, `/films/one/${name}`)).status === 503)
    const publishing = publishLater('/films/two')
    await until('the upload was tried', () => double.asked.some(({ target }) => target.includes('uploads')))
    double.fault = () => undefined
    expect((await get(url, `/films/one/${name}`)).status).toBe(200)
    await publishing
    expect((await get(url, '/films/two/index.m3u8')).status).toBe(200)
  })

  test('is gone for everybody who has applied its invalidation, and from the bucket', async () => {
    expect((await get(url, '/films/two/index.m3u8')).status).toBe(200)
    await control.client.unpublish('/films/two')
    await until('it is removed', async () => (await control.client.assets('/films/two')).length === 0)
    expect((await get(url, '/films/two/index.m3u8', 1_000_000)).status).toBe(404)
    await control.client.unpublish('/films/one')
    await until('nothing is left', () => inBucket().length === 0)
  })
})

/** Begins an upload that finds the bucket away. */
async function publishLater(path: string): Promise<unknown> {
  for (;;) {
    try {
      return await publishFilm(path)
    } catch (error) {
      if (!String(error).includes('cannot be reached')) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createChannel, encode } from './live.ts'
import { metric } from './roles.ts'
import { cli, startRole, startSluice, temporaryFolder, until, type RoleReady, type Sluice } from './sluice.ts'

/** Where other machines would come from; a machine without such an address can be joined by nobody. */
const address = Object.values(networkInterfaces())
  .flatMap(each => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

describe.skipIf(address === undefined)('nodes that join from other machines', () => {
  let folder: string
  let sluice: Sluice
  let edge: Sluice<RoleReady>
  let gateway: Sluice<RoleReady>

  beforeAll(async () => {
    folder = temporaryFolder('joined')
    const args = ['--control', `${address}:0`, '--origin', `${address}:0`]
    sluice = await startSluice({ sample: 'published', args })
    const tokens = await Promise.all([tokenFor('edge', 'fra1'), tokenFor('gateway', 'fra2')])
    ;[edge, gateway] = await Promise.all([
      startRole('edge', tokens[0], { data: path.join(folder, 'edge') }),
      startRole('gateway', tokens[1], { data: path.join(folder, 'gateway') }),
    ])
  }, 120_000)

  afterAll(async () => {
    await Promise.all([edge?.close(), gateway?.close(), sluice?.close()])
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  async function tokenFor(role: string, pop: string): Promise<string> {
    const { json } = await sluice.cli<{ token: string }>('nodes', 'token', '--role', role, '--pop', pop)
    return json.token
  }

  interface Listed {
    id: string
    role: string
    pop: string | null
    state: string
    version: number | null
    sequence: number | null
    traffic: { bytesPerSecond: number } | null
    hitRatio: number | null
    clockOffset: number | null
    software: string | null
    controlSoftware: string
  }

  async function readiness({ ready }: Sluice<RoleReady>): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${ready.admin}/readyz`)
    return { status: answer.status, body: await answer.json() }
  }

  async function listed(id: string): Promise<Listed | undefined> {
    return (await sluice.cli<Listed[]>('nodes')).json.find(each => each.id === id)
  }

  test('are listed with their place, and keep what they show for themselves', async () => {
    expect(await listed(edge.ready.id)).toMatchObject({ role: 'edge', pop: 'fra1', state: 'live' })
    expect(await listed(gateway.ready.id)).toMatchObject({ role: 'gateway', pop: 'fra2', state: 'live' })
    const kept = path.join(edge.data, 'nodes', 'edge.membership.json')
    expect(statSync(kept).mode & 0o777).toBe(0o600)
    expect(existsSync(path.join(edge.data, 'client.json'))).toBe(false)
  })

  test('commands from another machine reach control with its authority, and without it do not', async () => {
    const { stdout } = await sluice.cli<{ authority: string }>('nodes', 'authority')
    const file = path.join(folder, 'ca.pem')
    writeFileSync(file, (JSON.parse(stdout) as { authority: string }).authority) // as it was just printed
    const { token } = JSON.parse(readFileSync(path.join(sluice.data, 'client.json'), 'utf8')) as {
      token: string
    } // as `up` writes it
    const env = {
      SLUICE_CONTROL: sluice.ready.control.replace('http:', 'https:'),
      SLUICE_TOKEN: token,
    }
    const [known, unknown] = await Promise.all([
      cli<Listed[]>(['nodes'], { ...env, NODE_EXTRA_CA_CERTS: file }),
      cli(['nodes'], env),
    ])
    expect(known.json.map(({ id }) => id)).toContain(edge.ready.id)
    expect(unknown.code).toBe(1)
  })

  test('an edge serves a film from the origin elsewhere, byte for byte', async () => {
    const get = async (base: string, at: string): Promise<{ text: string; pop: string | null }> => {
      const answer = await fetch(new URL(at, base))
      expect(answer.status).toBe(200)
      return { text: await answer.text(), pop: answer.headers.get('x-sluice-pop') }
    }
    const entry = await get(edge.ready.http ?? '', '/sample/index.m3u8')
    expect(entry).toEqual({ ...(await get(sluice.ready.http, '/sample/index.m3u8')), pop: 'fra1' })
    const media = `/sample/${entry.text.split('\n').find(line => line.endsWith('.m3u8'))}`
    const playlist = await get(edge.ready.http ?? '', media)
    const segment = playlist.text.split('\n').find(line => line !== '' && !line.startsWith('#')) ?? ''
    const at = `${path.posix.dirname(media)}/${segment}`
    expect((await get(edge.ready.http ?? '', at)).text).toBe((await get(sluice.ready.http, at)).text)
  })

  test('a gateway hands a stream over to the origin elsewhere, and viewers at the joined edge see it', async () => {
    const url = await createChannel(sluice, '/live/afar')
    const { host } = new URL(gateway.ready.rtmp ?? '')
    const encoder = encode(url.replace(/^rtmp:\/\/[^/]+/, `rtmp://${host}`))
    const playlist = await until('a live playlist at the joined edge', async () => {
      const answer = await fetch(`${edge.ready.http}/live/afar/index.m3u8`)
      return answer.status === 200 ? answer.text() : undefined
    })
    expect(playlist).toContain('#EXT-X-STREAM-INF')
    await encoder.kill()
  }, 40_000)

  test('a regional cache that joins is asked by all edges, and killed in the middle it is missed by nobody', async () => {
    const token = await tokenFor('regional', 'eu1')
    const data = path.join(folder, 'regional')
    const regional = await startRole('regional', token, { data, args: ['--regional', `${address}:0`] })
    const bases = [edge.ready.http ?? '', sluice.ready.http]
    const answered = (of: { ready: { admin: string } }): Promise<number> =>
      metric(of, 'sluice_regional_questions_total', 'result="answered"')
    await until('both edges have asked it', async () => {
      await Promise.all(bases.map(base => fetch(`${base}/sample/none-${Math.random()}.m3u8`)))
      return (await answered(edge)) > 0 && (await answered(sluice)) > 0 ? true : undefined
    })
    await sluice.cli('invalidate', '/*')
    const before = await metric(sluice, 'sluice_origin_requests_total')
    const entries = await Promise.all(
      bases.map(async base => (await fetch(`${base}/sample/index.m3u8`)).text()),
    )
    expect(entries[0]).toBe(entries[1])
    expect((await metric(sluice, 'sluice_origin_requests_total')) - before).toBe(1)
    process.kill(regional.ready.pid, 'SIGKILL')
    const video = entries[0]?.split('\n').find(line => line.endsWith('.m3u8')) ?? ''
    const playlists = await Promise.all(
      bases.map(async base => (await fetch(`${base}/sample/${video}`)).text()),
    )
    expect(playlists[0]).toMatch(/^#EXTM3U/)
    expect(playlists[0]).toBe(playlists[1])
    await sluice.cli('nodes', 'remove', regional.ready.id)
  }, 60_000)

  test('a change counts when they have it', async () => {
    const made = await sluice.cli('invalidate', '/sample/index.m3u8')
    const { nodes } = made.json as { nodes: { id: string }[] } // INTERFACE.md promises its shape
    expect(nodes.map(({ id }) => id)).toEqual(expect.arrayContaining([edge.ready.id, gateway.ready.id]))
  })

  test('say how they do: what they have, their traffic and hits, their clock and version', async () => {
    const at = `${edge.ready.http}/sample/index.m3u8`
    const { version } = (await listed(edge.ready.id)) ?? {}
    const seen = await until('traffic and hits', async () => {
      for (let asked = 0; asked < 5; asked++) await (await fetch(at)).text()
      const node = await listed(edge.ready.id)
      return node?.hitRatio && node.traffic && node.traffic.bytesPerSecond > 0 ? node : undefined
    })
    expect(seen.sequence).toBeGreaterThan(0)
    expect([seen.version, seen.software]).toEqual([version, seen.controlSoftware])
    expect(Math.abs(seen.clockOffset ?? 99_999)).toBeLessThan(1_000)
    const all = (await sluice.cli<Listed[]>('nodes')).json
    expect(all.map(({ software }) => software)).toEqual(all.map(() => seen.controlSoftware))
  }, 30_000)

  test('an edge that drains says so where load balancers ask, serves on, and comes back', async () => {
    const { id } = edge.ready
    expect((await sluice.cli('nodes', 'drain', id)).code).toBe(0)
    expect(await listed(id)).toMatchObject({ state: 'draining' })
    expect(await readiness(edge)).toEqual({ status: 503, body: { status: 'draining', draining: ['edge'] } })
    expect((await fetch(`${edge.ready.http}/sample/index.m3u8`)).status).toBe(200)
    const { data } = edge
    expect(await edge.close()).toBe(0)
    edge = await startRole('edge', '', { data })
    expect((await readiness(edge)).status).toBe(503)
    expect((await sluice.cli('nodes', 'undrain', id)).code).toBe(0)
    expect(await readiness(edge)).toEqual({ status: 200, body: { status: 'ready' } })
  }, 60_000)

  test('an edge starts again without a token, and one that was removed gets nothing of the origin any more', async () => {
    const { data } = edge
    const { id } = edge.ready
    expect(await edge.close()).toBe(0)
    edge = await startRole('edge', '', { data })
    expect(edge.ready.id).toBe(id)
    const at = '/sample/index.m3u8'
    expect((await fetch(`${edge.ready.http}${at}?one`)).status).toBe(200)
    expect((await sluice.cli('nodes', 'remove', id)).code).toBe(0)
    expect((await sluice.cli('invalidate', '/*')).code).toBe(0)
    await until('a refusal of the origin', async () => {
      const { status } = await fetch(`${edge.ready.http}/sample/none-${Math.random()}.m3u8`)
      return status === 502 ? true : undefined
    })
    expect(await listed(id)).toBeUndefined()
  }, 60_000)

  test('without a token, or with one that was used, a start ends with a sentence', async () => {
    const data = path.join(folder, 'other')
    const none = await cli(['edge', '--data', data, '--http', '0', '--https', '0', '--admin', '0'])
    expect([none.code, none.json]).toEqual([
      2,
      { error: { code: 'not-joined', message: expect.stringContaining('sluice nodes token') as unknown } },
    ])
    const token = await tokenFor('gateway', 'x')
    const wrong = await cli([
      'edge',
      '--join',
      token,
      '--data',
      data,
      '--http',
      '0',
      '--https',
      '0',
      '--admin',
      '0',
    ])
    expect([wrong.code, wrong.json]).toMatchObject([5, { error: { code: 'wrong-role' } }])
  })

  test('no log of any of them has a join token or a key', () => {
    const logs = [sluice, edge, gateway].map(({ data }) => path.join(data, 'logs'))
    const texts = logs.map((each, at) =>
      readFileSync(path.join(each, ['control.log', 'edge.log', 'gateway.log'][at] ?? ''), 'utf8'),
    )
    for (const text of texts) expect(text).not.toMatch(/sluice-join-|PRIVATE KEY/)
  })

  test('a gateway that starts while control is away serves with what it has, and says so', async () => {
    const { data } = gateway
    expect([await gateway.close(), await sluice.close()]).toEqual([0, 0])
    gateway = await startRole('gateway', '', { data })
    const told = await until('it notices', async () => {
      const answer = await readiness(gateway)
      return 'notes' in (answer.body as object) ? answer : undefined // JSON of ours
    })
    const away = expect.stringMatching(/^gateway: control is away since \d{4}-/) as unknown
    expect(told).toEqual({ status: 200, body: { status: 'ready', notes: [away] } })
    const metrics = await (await fetch(`${gateway.ready.admin}/metrics`)).text()
    expect(metrics).toMatch(/^sluice_control_away_seconds\{role="gateway"\} \d+$/m)
    const log = readFileSync(path.join(data, 'logs', 'gateway.log'), 'utf8')
    expect(log).toContain('control does not answer: this node serves on with the configuration that it has')
  }, 60_000)
})

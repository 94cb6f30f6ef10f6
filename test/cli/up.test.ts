import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { lockPath, lockState } from '../../src/app/lock.ts'
import { until } from '../app/folder.ts'
import { sign } from '../control/cloudfront/signed.ts'
import { unnamedMetrics } from '../house/metric-names.ts'
import { childrenOf, command, FREE_PORTS, up, type Up } from './running.ts'

const sample = new URL('../../media/sample.mp4', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'sluice-up-'))
const data = join(folder, 'the data')
const env = { SLUICE_DATA: data }

/** A start makes a database and may share its cores with other tests. */
const START_LIMIT = 120_000

let running: Up | undefined

async function start(...args: string[]): Promise<Up> {
  running = await up([...FREE_PORTS, ...args], env)
  return running
}

beforeAll(async () => {
  const script: string = new URL('../../src/build.mjs', import.meta.url).href
  const { build } = (await import(script)) as { build: () => void } // plain JavaScript without types
  build()
}, 120_000)

afterAll(async () => {
  if (running && running.process.exitCode === null) await running.end()
  rmSync(folder, { recursive: true, force: true })
})

/** The status and the reason of a refusal. */
async function ask(url: string, headers: Record<string, string> = {}): Promise<[number, string | null]> {
  const response = await fetch(url, { headers })
  await response.body?.cancel()
  return [response.status, response.headers.get('x-sluice-reason')]
}

function roleOf(pid: number, role: string): number {
  return childrenOf(pid).find(child => child.role === role)?.pid ?? 0
}

describe('sluice up', () => {
  test(
    'the ready line says where everything is, and the sample plays',
    async () => {
      const { ready, stdout, process: child } = await start()
      expect(ready).toEqual({
        event: 'ready',
        pid: child.pid,
        http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
        https: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/) as string,
        rtmp: expect.stringMatching(/^rtmp:\/\/127\.0\.0\.1:\d+$/) as string,
        rtmps: expect.stringMatching(/^rtmps:\/\/127\.0\.0\.1:\d+$/) as string,
        control: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
        origin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
        admin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
        distribution: {
          id: expect.stringMatching(/^E[A-Z0-9]+$/) as string,
          domain: `${ready.distribution.id.toLowerCase()}.cdn.localhost`,
        },
        data,
        accessKeyId: expect.stringMatching(/^SLCE[A-Z2-7]{16}$/) as string,
        sample: '/sample/index.m3u8',
      })
      expect(stdout().trim().split('\n')).toHaveLength(1)
      expect(await ask(`${ready.http}${ready.sample}`)).toEqual([200, null])
      expect(await ask(`${ready.admin}/livez`)).toEqual([200, null])
      expect(await ask(`${ready.admin}/readyz`)).toEqual([200, null])
      expect(
        childrenOf(ready.pid)
          .map(each => each.role)
          .sort(),
      ).toEqual(['control', 'edge', 'gateway', 'origin'])
    },
    START_LIMIT,
  )

  test('its access key signs, as AWS tools are told by sluice env', async () => {
    const { json } = await command(['env', '--data', data, '--json'])
    const url = String(json['AWS_ENDPOINT_URL'])
    const key = { id: String(json['AWS_ACCESS_KEY_ID']), secret: String(json['AWS_SECRET_ACCESS_KEY']) }
    const body = 'Action=GetCallerIdentity&Version=2011-06-15'
    const signed = await sign(url, key, { method: 'POST', target: '/', service: 'sts', body })
    expect(await (await fetch(url, signed)).text()).toContain(`<UserId>${key.id}</UserId>`)
  })

  test('what is secret is for this user alone', () => {
    const keys = readdirSync(join(data, 'keys'))
    expect(keys).toHaveLength(1)
    const secret = [
      'client.json',
      `keys/${keys[0]}`,
      'nodes/edge.json',
      'nodes/gateway.json',
      'nodes/origin.json',
      'certificates/ca.key.pem',
    ]
    for (const name of secret) expect(statSync(join(data, name)).mode & 0o777, name).toBe(0o600)
    expect(statSync(data).mode & 0o777).toBe(0o700)
  })

  test('a film in the members area is refused without a signature and plays with one', async () => {
    const { ready } = running as Up // started above
    const published = await command(['publish', sample, '/members/film', '--json'], env)
    expect(published, published.stderr).toMatchObject({
      code: 0,
      json: { path: '/members/film', state: 'ready' },
    })
    const playlist = `${ready.http}/members/film/index.m3u8`
    expect(published.json['playlist']).toBe(playlist)
    expect(await ask(playlist)).toEqual([403, 'missing'])
    expect(await ask(String(published.json['open']))).toEqual([200, null])
    const opened = await command(['open', '/members/film', '--json'], env)
    expect(await ask(String(opened.json['url']))).toEqual([200, null])
    const curl = await command(['sign', 'cookies', '/members/film', '--json'], env)
    const cookie = Object.entries(curl.json)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join('; ')
    expect(await ask(playlist, { cookie })).toEqual([200, null])
    expect(await ask(`${ready.http}/members/film2/index.m3u8`, { cookie })).toEqual([403, 'wrong-resource'])
    const url = await command(['sign', 'url', '/members/film', '--json'], env)
    expect(await ask(String(url.json['url']))).toEqual([200, null])
  })

  test('a key that is deleted opens nothing from the moment the command returns', async () => {
    const { ready } = running as Up // started above
    const made = await command(['keys', 'create', 'short', '--json'], env)
    expect(made, made.stderr).toMatchObject({ code: 0, json: { name: 'short', group: 'default' } })
    const id = String(made.json['id'])
    const signed = await command(['sign', 'path', '/members/film', '--key', id, '--json'], env)
    expect(await ask(String(signed.json['url']))).toEqual([200, null])
    expect((await command(['keys', 'delete', id, '--json'], env)).code).toBe(0)
    expect(await ask(String(signed.json['url']))).toEqual([403, 'unknown-key'])
    expect(ready.pid).toBeGreaterThan(0)
  })

  test('HTTPS is served with the certificate that "trust" names', async () => {
    const { ready } = running as Up // started above
    const trust = await command(['trust', '--json'], env)
    const ca = readFileSync(String(trust.json['certificate']))
    const options = {
      ca,
      servername: ready.distribution.domain,
      headers: { host: ready.distribution.domain },
    }
    const asked = request(`${ready.https}${ready.sample}`, options)
    asked.end()
    const [response] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }]
    response.resume()
    expect(response.statusCode).toBe(200)
  })

  test('invalidate tells which nodes have it', async () => {
    const ran = await command(['invalidate', '/sample/*', '--json'], env)
    expect(ran).toMatchObject({
      code: 0,
      json: { id: expect.stringMatching(/^I/) as string, status: 'Completed' },
    })
    const nodes = ran.json['nodes'] as { id: string; ms: number }[]
    expect(nodes.map(node => node.id.split('-')[0]).sort()).toEqual(['edge', 'gateway', 'origin'])
  })

  test('the data folder is locked: a second start and a reset end with one sentence', async () => {
    const { ready } = running as Up // started above
    const second = await command(['up', ...FREE_PORTS, '--json'], env)
    const sentence = `The data folder ${data} is in use by another Sluice (process ${ready.pid}): end that one, or choose another with --data.`
    expect(second).toMatchObject({
      code: 4,
      json: { error: { code: 'data-folder-in-use', message: sentence } },
    })
    expect((await command(['reset', '--yes', '--json'], env)).code).toBe(4)
    expect(existsSync(join(data, 'client.json'))).toBe(true)
  })

  test(
    'each role that is killed comes back where it was',
    async () => {
      const { ready } = running as Up // started above
      for (const role of ['gateway', 'edge', 'origin', 'control']) {
        const pid = roleOf(ready.pid, role)
        process.kill(pid, 'SIGKILL')
        await until(`${role} has a new process`, () => ![0, pid].includes(roleOf(ready.pid, role)), 60_000)
        await until(`${role} is ready`, async () => (await ask(`${ready.admin}/readyz`))[0] === 200, 60_000)
        expect(await ask(`${ready.http}/sample/index.m3u8`)).toEqual([200, null])
      }
      expect((await command(['assets', '/members/film', '--json'], env)).code).toBe(0)
      const metrics = await (await fetch(`${ready.admin}/metrics`)).text()
      expect(await unnamedMetrics(metrics)).toEqual([])
      for (const role of ['control', 'origin', 'edge', 'gateway']) {
        expect(metrics).toContain(`sluice_role_restarts_total{role="${role}"} 1\n`)
      }
    },
    START_LIMIT,
  )

  test('SIGTERM drains and exits 0, and nothing is left behind', async () => {
    const { ready, end, stderr } = running as Up // started above
    const roles = childrenOf(ready.pid)
    expect((await end()).code).toBe(0)
    expect(stderr()).not.toContain('took too long to end')
    for (const { pid } of roles) expect(existsSync(`/proc/${pid}`)).toBe(false)
    expect((await lockState(lockPath(data))).kind).toBe('free')
  })

  test(
    'a second start keeps everything: films, keys, token, distribution',
    async () => {
      const before = readFileSync(join(data, 'client.json'), 'utf8')
      const keys = readdirSync(join(data, 'keys')).sort()
      const { ready } = await start()
      const distributions = await command(['distribution', 'list', '--json'], env)
      expect(distributions.json).toMatchObject([{ id: ready.distribution.id }])
      expect(ready.sample).toBe('/sample/index.m3u8')
      expect((JSON.parse(before) as { token: string }).token).toBe(
        (JSON.parse(readFileSync(join(data, 'client.json'), 'utf8')) as { token: string }).token,
      )
      expect(readdirSync(join(data, 'keys')).sort()).toEqual(keys)
      const opened = await command(['open', '/members/film', '--json'], env)
      expect(await ask(String(opened.json['url']))).toEqual([200, null])
    },
    START_LIMIT,
  )

  test(
    'a sample that somebody took away does not come back; a supervisor that was killed is replaced at once',
    async () => {
      const { ready, process: child } = running as Up // started above
      expect((await command(['unpublish', '/sample', '--json'], env)).json).toEqual({ path: '/sample' })
      expect((await ask(`${ready.http}/sample/index.m3u8`))[0]).toBe(404)
      child.kill('SIGKILL')
      await once(child, 'exit')
      // The same ports: they are free again only when the roles of the killed one have ended.
      const ports = (['http', 'https', 'rtmp', 'rtmps', 'control', 'origin', 'admin'] as const).flatMap(
        name => [`--${name}`, new URL(ready[name]).host],
      )
      const next = await start(...ports)
      expect(next.ready).toMatchObject({ http: ready.http, control: ready.control, sample: null })
      expect((await next.end()).code).toBe(0)
    },
    START_LIMIT,
  )

  test('reset deletes the whole of it when it has ended', async () => {
    expect((await command(['reset', '--yes', '--json'], env)).code).toBe(0)
    expect(existsSync(data)).toBe(false)
  })
})

describe('a start that cannot be ends with one sentence', () => {
  test('a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const ran = await command([
      'up',
      ...FREE_PORTS,
      '--http',
      `127.0.0.1:${port}`,
      '--data',
      join(folder, 'other'),
    ])
    const sentence = `error: Port ${port} (viewers, HTTP) is taken by another program: end that one, or choose another port with --http, such as --http 0 for any free one.\n`
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([1, '', `Sluice is starting …\n${sentence}`])
  })

  test('an unknown key, a bad flag, a data folder that is a file', async () => {
    const yaml = join(folder, 'sluice.yaml')
    writeFileSync(yaml, 'htp: 80\n')
    const unknown = await command(['up', '--config', yaml, '--json'])
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      `error: ${yaml} has an unknown key "htp": did you mean "http"?\n`,
    ])
    const flag = await command(['up', '--http', 'eighty', '--json'])
    expect([flag.code, flag.json]).toMatchObject([2, { error: { code: 'bad-setting' } }])
    const file = await command(['up', '--data', yaml, ...FREE_PORTS, '--json'])
    expect([file.code, file.stderr]).toEqual([
      1,
      `error: The data folder ${yaml} is a file: move it away, or choose another with --data.\n`,
    ])
  })

  test('a signal during the start ends it with 0', async () => {
    const { spawn } = await import('node:child_process')
    const { main } = await import('./running.ts')
    const child = spawn(process.execPath, [main, 'up', ...FREE_PORTS, '--data', join(folder, 'early')], {
      stdio: 'ignore',
    })
    await until('the roles are forked', () => childrenOf(child.pid ?? 0).length === 4, 30_000)
    child.kill('SIGTERM')
    expect((await once(child, 'exit'))[0]).toBe(0)
  })
})

import { rmSync, writeFileSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { request } from 'node:https'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rawGet, type Answer } from '../delivery/raw-get.ts'
import { askDns } from './ask-dns.ts'
import { look, openBrowser, type Browser } from './browser.ts'
import { childOf, metric } from './roles.ts'
import {
  makeFilm,
  startRole,
  startSluice,
  temporaryFolder,
  until,
  type RoleReady,
  type Sluice,
} from './sluice.ts'

/** Where other machines would come from; a machine without such an address can be joined by nobody. */
const address = Object.values(networkInterfaces())
  .flatMap(each => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

/** Networks of documentation, as the country file of this test has them. */
const IN_FRANCE = '198.51.100.7'
const IN_NEW_ZEALAND = '203.0.113.7'
const OUT_WITHIN = 5_000

const PARIS = '127.0.0.2'
const SYDNEY = '127.0.0.3'

/** A page of somebody's own that plays with hls.js, and buffers little, so that it has to fetch all the time. */
const PAGE = `<!doctype html><video muted autoplay></video><script src="/hls.js"></script><script>
const hls = new Hls({ maxBufferLength: 4, maxMaxBufferLength: 4 })
window.said = { steered: [], fragments: [], fatal: [] }
hls.on(Hls.Events.STEERING_MANIFEST_LOADED, (_, { steeringManifest }) => said.steered.push(steeringManifest['PATHWAY-PRIORITY']))
hls.on(Hls.Events.FRAG_LOADED, (_, { frag }) => said.fragments.push(new URL(frag.url).host))
hls.on(Hls.Events.ERROR, (_, { fatal, details }) => { if (fatal) said.fatal.push(details) })
hls.loadSource(decodeURIComponent(location.hash.slice(1)))
hls.attachMedia(document.querySelector('video'))
</script>`

interface Said {
  steered: string[][]
  fragments: string[]
  fatal: string[]
}

describe.skipIf(address === undefined)('a viewer is sent to the nearest edge', () => {
  let folder: string
  let sluice: Sluice
  let paris: Sluice<RoleReady>
  let sydney: Sluice<RoleReady>
  let router: Sluice<RoleReady>
  let id: string
  let domain: string
  let pages: Server
  let browser: Browser

  beforeAll(async () => {
    folder = temporaryFolder('nearest')
    await makeFilm(path.join(folder, 'film.mp4'), 90)
    const args = ['--control', `${address}:0`, '--origin', `${address}:0`]
    sluice = await startSluice({ args })
    expect((await sluice.cli('publish', path.join(folder, 'film.mp4'), '/open/film')).code).toBe(0)
    const countries = path.join(folder, 'countries.csv')
    writeFileSync(countries, '198.51.100.0/24,FR\n203.0.113.0/24,NZ\n')
    const port = await freePort(PARIS)
    const edge = async (at: string, location: string, ...more: string[]): Promise<Sluice<RoleReady>> => {
      const own = ['--http', `${at}:${port}`, '--https', `${at}:0`, '--viewers', at, '--location', location]
      return startRole('edge', await tokenFor('edge'), {
        data: path.join(folder, at),
        args: [...own, ...more],
      })
    }
    ;[paris, sydney] = await Promise.all([
      edge(PARIS, '48.9,2.4'),
      edge(SYDNEY, '-33.9,151.2', '--edge-workers', '2'),
    ])
    router = await startRole('router', await tokenFor('router'), {
      data: path.join(folder, 'router'),
      args: ['--viewers', '127.0.0.1', '--country-file', countries, '--trusted-proxies', '127.0.0.1'],
    })
    const { json } = await sluice.cli<{ id: string; domain: string }[]>('distribution', 'list')
    ;({ id = '', domain = '' } = json[0] ?? {})
    const shown = await sluice.cli<object>('distribution', 'show', id)
    writeFileSync(path.join(folder, 'd.json'), JSON.stringify({ ...shown.json, steering: true }))
    const updated = await sluice.cli('distribution', 'update', id, '--file', path.join(folder, 'd.json'))
    expect([updated.code, updated.stderr]).toEqual([0, ''])
    pages = createServer((asked, answer) => {
      const hls = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js')
      if (asked.url === '/hls.js') answer.setHeader('Content-Type', 'text/javascript').end(readFileSync(hls))
      else answer.setHeader('Content-Type', 'text/html').end(PAGE)
    })
    await new Promise<void>(resolve => pages.listen(0, '127.0.0.1', resolve))
  }, 180_000)

  afterAll(async () => {
    await browser?.close()
    pages?.close()
    await Promise.all([paris, sydney, router].map(each => each?.close()))
    await sluice?.close()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  async function tokenFor(role: string): Promise<string> {
    const { json } = await sluice.cli<{ token: string }>('nodes', 'token', '--role', role, '--pop', 'x')
    return json.token
  }

  const portOf = ({ ready }: Sluice<RoleReady>): string => new URL(ready.http ?? '').port

  const byDns = (client: string, over: 'udp' | 'tcp' = 'udp'): Promise<string[]> =>
    askDns(router.ready.dns ?? '', { name: domain, subnet: `${client}/24`, over }).catch(() => [])

  const redirected = (client: string, method = 'GET'): Promise<Answer> =>
    rawGet(router.ready.http ?? '', '/open/film/index.m3u8?a=%2F', {
      method,
      headers: { host: domain, 'x-forwarded-for': client },
    })

  const steered = async (client: string): Promise<string[]> => {
    const answer = await rawGet(router.ready.http ?? '', `/.sluice/steering?d=${id}&port=${portOf(paris)}`, {
      headers: { host: 'router.cdn.localhost', 'x-forwarded-for': client },
    })
    return (JSON.parse(answer.body) as { 'PATHWAY-PRIORITY': string[] })['PATHWAY-PRIORITY']
  }

  /** Where each of the three sends a client; the last without the playlist's own place. */
  async function sentTo(client: string): Promise<string> {
    const host = new URL((await redirected(client)).headers.location ?? 'http://nowhere').hostname
    return [
      (await byDns(client)).join('+'),
      host.replace(/^.*--|\..*$/g, ''),
      (await steered(client)).join(' '),
    ].join(', ')
  }

  const toParis = (): string => `${PARIS}, ${paris.ready.id}, ${paris.ready.id} ${sydney.ready.id} .`
  const toSydney = (): string => `${SYDNEY}, ${sydney.ready.id}, ${sydney.ready.id} ${paris.ready.id} .`
  const alone = (at: string, edge: Sluice<RoleReady>): string => `${at}, ${edge.ready.id}, ${edge.ready.id} .`

  const settles = (client: string, wanted: string, within = OUT_WITHIN): Promise<true> => {
    let last = ''
    return until(
      () => `${client} is sent to ${wanted}, not ${last}`,
      async () => ((last = await sentTo(client)) === wanted ? true : undefined),
      within,
    )
  }

  test('by DNS, by redirect and by what players are told', async () => {
    await settles(IN_FRANCE, toParis(), 15_000)
    await settles(IN_NEW_ZEALAND, toSydney())
    expect([await byDns(IN_FRANCE, 'tcp'), await byDns(IN_NEW_ZEALAND, 'tcp')]).toEqual([[PARIS], [SYDNEY]])
    const label = domain.split('.')[0]
    const name = `${label}--${paris.ready.id}.cdn.localhost`
    expect(await askDns(router.ready.dns ?? '', { name, subnet: `${IN_NEW_ZEALAND}/24` })).toEqual([PARIS])
  })

  test('with path and query as they were, and is served there', async () => {
    const { status, headers } = await redirected(IN_FRANCE)
    const port = new URL(paris.ready.http ?? '').port
    const host = `${domain.split('.')[0]}--${paris.ready.id}.cdn.localhost:${port}`
    expect([status, headers.location]).toEqual([302, `http://${host}/open/film/index.m3u8?a=%2F`])
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-sluice-edge': paris.ready.id,
      'x-sluice-routed-by': 'distance',
    })
    expect((await redirected(IN_FRANCE, 'POST')).status).toBe(307)
    const served = await rawGet(`http://${PARIS}:${port}`, '/open/film/index.m3u8?a=%2F', {
      headers: { host },
    })
    const tag = `#EXT-X-CONTENT-STEERING:SERVER-URI="http://router.cdn.localhost:${new URL(router.ready.http ?? '').port}/.sluice/steering?d=${id}&port=${port}"`
    expect([served.status, served.body.split('\n').slice(0, 2)]).toEqual([200, ['#EXTM3U', tag]])
  })

  test('and operators see where edges are', async () => {
    const { stdout } = await sluice.cli('nodes')
    const nodes = JSON.parse(stdout) as { id: string; viewers: unknown }[]
    const http = Number(new URL(paris.ready.http ?? '').port)
    const https = Number(new URL(paris.ready.https ?? '').port)
    expect(nodes.find(node => node.id === paris.ready.id)?.viewers).toEqual({
      ...{ addresses: [PARIS], http, https, priceClass: '100' },
      location: { latitude: 48.9, longitude: 2.4 },
    })
  })

  test('that drains no more, and again when it serves', async () => {
    expect((await sluice.cli('nodes', 'drain', paris.ready.id)).code).toBe(0)
    await settles(IN_FRANCE, alone(SYDNEY, sydney))
    expect((await sluice.cli('nodes', 'undrain', paris.ready.id)).code).toBe(0)
    await settles(IN_FRANCE, toParis())
  })

  test('that was measured to be near, whatever the map says', async () => {
    // Of an edge with workers, each of which sees viewers of its own.
    await overTls(sydney.ready)
    await until(
      'the router knows of a network',
      async () => ((await metric(router, 'sluice_router_networks')) > 0 ? true : undefined),
      30_000,
    )
    const { headers } = await redirected('127.0.0.1')
    expect([headers['x-sluice-routed-by'], headers['x-sluice-edge']]).toEqual(['latency', sydney.ready.id])
  })

  /** A handshake of TLS under a name of the edge; what it shows is an edge's own certificate. */
  function overTls({ https = '', id: node }: RoleReady): Promise<void> {
    const servername = `${domain.split('.')[0]}--${node}.cdn.localhost`
    return new Promise((resolve, reject) => {
      const asked = request({
        ...{ host: new URL(https).hostname, port: new URL(https).port, path: '/.sluice/alive', servername },
        ...{ headers: { host: servername }, rejectUnauthorized: false, agent: false },
      })
      asked.on('response', answer => answer.resume().on('end', () => resolve()))
      asked.on('error', reject)
      asked.end()
    })
  }

  test('and a player goes on by another edge when its own is killed in mid-stream; then nobody is sent there', async () => {
    // As its resolver would tell it, that asked the router.
    const nameAt = ({ ready }: Sluice<RoleReady>): string =>
      `${domain.split('.')[0]}--${ready.id}.cdn.localhost`
    const rules = [
      `MAP ${nameAt(paris)} ${PARIS}`,
      `MAP ${nameAt(sydney)} ${SYDNEY}`,
      `MAP ${domain} ${PARIS}`,
      'MAP router.cdn.localhost 127.0.0.1',
      'MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.*',
    ]
    browser = await openBrowser({ flags: [`--host-resolver-rules=${rules.join(', ')}`] })
    const page = await browser.page()
    const { port } = pages.address() as AddressInfo // it listens on TCP
    const source = `http://${domain}:${new URL(paris.ready.http ?? '').port}/open/film/index.m3u8`
    await page.goto(`http://localhost:${port}/#${encodeURIComponent(source)}`)
    const said = (): Promise<Said> => page.evaluate(() => (window as unknown as { said: Said }).said) // the page's own
    const hostAt = (edge: Sluice<RoleReady>): string => `${nameAt(edge)}:${portOf(edge)}`
    let heard: Said | undefined
    const first = await until(
      () =>
        `the player fetches from an edge that it was told of: ${JSON.stringify(heard)}\n${browser.trouble()}`,
      async () => (heard = await said()).fragments.find(host => host.includes('--')),
      30_000,
    )
    const [its, other] = first === hostAt(paris) ? [paris, sydney] : [sydney, paris]
    await killWhole(its)
    const at = (await look(page)).seconds
    await until(
      () => `the player goes on by the other edge\n${browser.trouble()}`,
      async () => ((await said()).fragments.at(-1) === hostAt(other) ? true : undefined),
      30_000,
    )
    await until(
      'the film goes on',
      async () => ((await look(page)).seconds > at + 8 ? true : undefined),
      40_000,
    )
    expect((await said()).fatal).toEqual([])
    const left = its === paris ? alone(SYDNEY, sydney) : alone(PARIS, paris)
    expect([await sentTo(IN_FRANCE), await sentTo(IN_NEW_ZEALAND)]).toEqual([left, left])
  }, 120_000)

  /** Nobody is there to start it again, and whoever asks there hears nothing. */
  async function killWhole({ ready }: Sluice<RoleReady>): Promise<void> {
    const role = await childOf(ready.pid, 'edge')
    process.kill(ready.pid, 'SIGKILL')
    if (role !== undefined) process.kill(role, 'SIGKILL')
    // Before the player has noticed anything.
    await settles(IN_FRANCE, ready === paris.ready ? alone(SYDNEY, sydney) : alone(PARIS, paris))
  }
})

/** At which somebody can listen there in a moment. */
async function freePort(host: string): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  await new Promise(resolve => server.close(resolve))
  return port
}

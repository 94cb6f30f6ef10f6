import { once } from 'node:events'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import { readFacts, standardLine, STANDARD_HEAD, standardValues } from '../../src/logs/index.ts'
import { snapshotOf } from './edge-bench.ts'
import { grantFor } from './grants.ts'
import { SiteBench, getOverHttp2 } from './site-bench.ts'
import { startTlsEdge } from './tls-edge.ts'

const AROUND = { pop: 'local', domain: 'films.cdn.localhost' }
const LOGS = { cookies: true }
const KEY_GROUPS = snapshotOf().keyGroups.map(({ id }) => id)

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** Of whom nobody is answered before the viewer has left. */
const late: ServerResponse[] = []

/** Answers by path: what is long and cut, late, not changed, or an error. */
function site(asked: IncomingMessage, response: ServerResponse): void {
  const at = asked.url?.split('?')[0]
  if (at === '/late') return void late.push(response)
  if (at === '/error') return void response.writeHead(503).end()
  if (at === '/long' || at === '/cut') {
    response.writeHead(200, { 'Content-Type': 'video/mp4', 'Content-Length': 50_000_000 })
    response.write(Buffer.alloc(100_000))
    if (at === '/cut') setImmediate(() => response.destroy())
    return
  }
  if (asked.headers['if-none-match'] !== undefined) return void response.writeHead(304).end()
  const kept = at === '/old' ? 'max-age=0' : 'max-age=60'
  const fields = { 'Content-Type': 'text/plain', 'Content-Length': 4, 'Cache-Control': kept, ETag: '"1"' }
  response.writeHead(200, fields).end('film')
}

async function start(): Promise<SiteBench> {
  const gate = { keyGroups: KEY_GROUPS, issuers: [] as IssuerId[] }
  const bench = await SiteBench.start(
    site,
    { query: 'all' },
    {
      distribution: { logs: LOGS },
      others: [
        { pattern: '/gated/*', gate },
        { pattern: '/secure/*', viewerProtocol: 'redirect-to-https' },
      ],
    },
  )
  closers.push(() => bench.close())
  return bench
}

/** Asks, and leaves when the answer begins, or before. */
async function leave(base: string, at: string, when: 'before' | 'begun'): Promise<void> {
  const asked = request(`${base}${at}`, { agent: false }).on('error', () => {})
  asked.end()
  if (when === 'begun') await once(asked, 'response')
  else await once(asked, 'socket').then(() => once(asked, 'finish'))
  return new Promise(resolve => {
    setTimeout(() => resolve(void asked.destroy()), 50)
  })
}

async function valuesOf({ bench }: SiteBench, count: number): Promise<ReturnType<typeof standardValues>[]> {
  await expect.poll(() => bench.lines.length).toBe(count)
  return bench.lines.map(line => {
    const facts = readFacts(JSON.stringify(line))
    if (facts === undefined) throw new Error('a line is none')
    return standardValues(facts, AROUND)
  })
}

test('a line has what the 33 fields need, of a miss and of what is answered at once', async () => {
  const bench = await start()
  const headers = { 'User-Agent': 'Player 1', Referer: 'http://a.example/page', Cookie: 'a=1', Accept: '*/*' }
  for (let n = 0; n < 3; n++) await bench.get('/a?x=1', headers)
  await bench.get('/a?x=1', { Range: 'bytes=1-2' })
  const [miss, hit, again, part] = await valuesOf(bench, 4)
  const common = {
    'cs-method': 'GET',
    'cs-uri-stem': '/a',
    'cs-uri-query': 'x=1',
    'cs(Referer)': 'http://a.example/page',
    'cs(User-Agent)': 'Player 1',
    'cs(Cookie)': 'a=1',
    'sc-content-type': 'text/plain',
    'sc-content-len': '4',
    'c-port': expect.stringMatching(/^\d+$/) as string,
    'cs-bytes': expect.stringMatching(/^\d+$/) as string,
    'time-to-first-byte': expect.stringMatching(/^\d+\.\d{3}$/) as string,
  }
  expect(miss).toMatchObject({ ...common, 'x-edge-result-type': 'Miss' })
  expect(hit).toMatchObject({ ...common, 'x-edge-result-type': 'Hit' })
  expect(again).toMatchObject({ ...common, 'x-edge-result-type': 'Hit' })
  expect(part).toMatchObject({
    'sc-status': '206',
    'sc-range-start': '1',
    'sc-range-end': '2',
    'sc-content-len': '2',
  })
})

test('a distribution without logs has lines as before', async () => {
  const bench = await SiteBench.start(site)
  closers.push(() => bench.close())
  await bench.get('/a?x=1', { 'User-Agent': 'Player 1' })
  await expect.poll(() => bench.bench.lines.length).toBe(1)
  expect(Object.keys(bench.bench.lines[0] ?? {})).toEqual([
    ...['time', 'id', 'distribution', 'address', 'scheme', 'host', 'method', 'path', 'status', 'bytes', 'ms'],
    ...['result', 'complete', 'protocol'],
  ])
})

/** Each way in which a request can end, as its three types say it, with its status. */
async function everyEnd(bench: SiteBench): Promise<[string, string, string, string][]> {
  const { url } = bench.bench
  await bench.get('/a')
  await bench.get('/a')
  await bench.get('/old')
  await bench.get('/old')
  await bench.get('/secure/a')
  await bench.get('/gated/a')
  await bench.get(`/gated/a?${grantFor('*/other/*').query}`)
  await bench.get(`/gated/a?${grantFor('*', { seconds: -60 }).query}`)
  await bench.get('/error')
  await bench.ask('POST', '/a')
  await bench.get('/cut').catch(() => {})
  await expect.poll(() => bench.bench.lines.length).toBe(11)
  await leave(url, '/long', 'begun')
  await expect.poll(() => bench.bench.lines.length).toBe(12)
  await leave(url, '/late', 'before')
  // What is asked after it is answered when the edge has seen him go.
  await bench.get('/a')
  for (const response of late.splice(0)) response.end('film')
  return (await valuesOf(bench, 14)).map(values => [
    values['sc-status'] ?? '',
    values['x-edge-response-result-type'] ?? '',
    values['x-edge-result-type'] ?? '',
    values['x-edge-detailed-result-type'] ?? '',
  ])
}

test('every end of a request is told by its result types, who left by the pair of them', async () => {
  expect(await everyEnd(await start())).toEqual([
    ['200', 'Miss', 'Miss', 'Miss'],
    ['200', 'Hit', 'Hit', 'Hit'],
    ['200', 'Miss', 'Miss', 'Miss'],
    ['200', 'RefreshHit', 'RefreshHit', 'RefreshHit'],
    ['301', 'Redirect', 'Redirect', 'Redirect'],
    ['403', 'Error', 'Error', 'ClientGrantMissing'],
    ['403', 'Error', 'Error', 'ClientGrantWrongResource'],
    ['403', 'Error', 'Error', 'ClientGrantExpired'],
    ['503', 'Error', 'Error', 'Error'],
    ['405', 'Error', 'Error', 'InvalidRequestMethod'],
    ['200', 'Miss', 'Error', 'AbortedOrigin'],
    ['200', 'Miss', 'Error', 'ClientCommError'],
    ['200', 'Hit', 'Hit', 'Hit'],
    ['000', 'Miss', 'Error', 'ClientHungUpRequest'],
  ])
})

test('nothing that lets a reader in stands in a line, however it was sent', async () => {
  const bench = await start()
  const grant = grantFor('*')
  const nested = encodeURIComponent(encodeURIComponent(`/gated/a?${grant.query}`))
  await bench.get(`/gated/a?x=1&${grant.query}`)
  await bench.get(`${grant.token}/gated/a`)
  const secrets = { Cookie: `a=1; ${grant.cookie}`, Authorization: `Bearer ${grant.signature}` }
  await bench.get('/gated/a', { ...secrets, Referer: `http://a.example/gated/a?${grant.query}` })
  await bench.get(`/a?next=${nested}`, {
    Referer: `http://a.example${grant.token}/b`,
    'CMCD-Request': `nor="${nested}"`,
  })
  await expect.poll(() => bench.bench.lines.length).toBe(4)
  const text = JSON.stringify(bench.bench.lines)
  for (const secret of [grant.signature, grant.policy, grant.policy.slice(0, 40), 'Bearer'])
    expect(text).not.toContain(secret)
  expect(bench.bench.lines.map(({ query, cookie }) => [query, cookie])).toEqual([
    ['x=1', undefined],
    [undefined, undefined],
    [undefined, 'a=1'],
    ['…', undefined],
  ])
})

test('a line says in what a viewer has spoken', async () => {
  const snapshot = snapshotOf()
  const distributions = snapshot.distributions.map(each => ({ ...each, logs: LOGS }))
  const edge = await startTlsEdge((_, response) => response.end('film'), {
    snapshot: { ...snapshot, distributions },
  })
  closers.push(edge.close)
  await getOverHttp2(edge.bench.url, '/a', { 'cmcd-request': 'bl=100,su' })
  await expect.poll(() => edge.bench.lines.length).toBe(1)
  expect(edge.bench.lines[0]).toMatchObject({
    ...{ protocol: '2.0', tls: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_AES_/) as string },
    cmcd: { request: 'bl=100,su' },
  })
})

const GOACCESS = spawnSync('goaccess', ['--version']).status === 0

test.skipIf(!GOACCESS)(
  `GoAccess reads every line${GOACCESS ? '' : ' (it is not installed here)'}`,
  async () => {
    const bench = await start()
    await everyEnd(bench)
    await bench.get('/a?b=%22%20%C3%A9', { 'User-Agent': 'a\tb "c" \\ 100 %', Cookie: 'x="y z"' })
    await expect.poll(() => bench.bench.lines.length).toBe(15)
    const lines = bench.bench.lines.flatMap(line => readFacts(JSON.stringify(line)) ?? [])
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-goaccess-'))
    closers.push(() => Promise.resolve(rmSync(folder, { recursive: true })))
    const file = path.join(folder, 'log')
    writeFileSync(file, STANDARD_HEAD + lines.map(each => standardLine(each, AROUND)).join(''), 'latin1')
    const report = path.join(folder, 'report.json')
    // CloudFront's 000 is a status to none but its own.
    const ran = spawnSync(
      'goaccess',
      [file, '--log-format=CLOUDFRONT', '--no-strict-status', '--no-global-config', '-o', report],
      {
        input: '',
        encoding: 'utf8',
      },
    )
    expect(ran.status, ran.stderr).toBe(0)
    const { general } = JSON.parse(readFileSync(report, 'utf8')) as { general: Record<string, unknown> }
    expect(general).toMatchObject({ valid_requests: 15, failed_requests: 0 })
  },
)

import { afterEach, describe, expect, test } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import type { Distribution } from '../../src/distribution/index.ts'
import { snapshotOf } from './edge-bench.ts'
import { keptLog } from './foreign-origin.ts'
import { counting, SiteBench, type SiteOptions } from './site-bench.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const PLACES: Record<string, string> = { '192.0.2.1': 'NZ', '192.0.2.2': 'CH', '192.0.2.3': 'US' }
const COUNTRIES = { isThere: true, of: (address: string) => PLACES[address] }

async function site(geo: Distribution['geo'], options: SiteOptions = {}): Promise<SiteBench> {
  const { distribution, ...more } = options
  const bench = await SiteBench.start(
    counting({ 'Cache-Control': 'max-age=60' }),
    { methods: 'all' },
    { distribution: { ...(geo && { geo }), ...distribution }, trustedProxies: ['127.0.0.1/32'], ...more },
  )
  closers.push(() => bench.close())
  return bench
}

const from = (address: string): Record<string, string> => ({ 'X-Forwarded-For': address })

async function letIn(bench: SiteBench): Promise<number[]> {
  const statuses: number[] = []
  for (const at of [...Object.keys(PLACES), '203.0.113.1'])
    statuses.push((await bench.get('/a', from(at))).status)
  return statuses
}

const ALLOW = { mode: 'allow', countries: ['NZ', 'CH'] } as const
const DENY = { mode: 'deny', countries: ['NZ', 'CH'] } as const

describe('a distribution for some countries', () => {
  test.each<[string, Distribution['geo'], number[]]>([
    [
      'those listed, and nobody who is nowhere known',
      { ...ALLOW, countries: [...ALLOW.countries] },
      [200, 200, 403, 403],
    ],
    ['all but those listed', { ...DENY, countries: [...DENY.countries] }, [403, 403, 200, 200]],
    ['all, where it names none', undefined, [200, 200, 200, 200]],
  ])('lets in %s', async (_, geo, expected) => {
    expect(await letIn(await site(geo, { countries: COUNTRIES }))).toEqual(expected)
  })

  test('refuses with a reason, whatever the method, before its gate and before a redirect', async () => {
    const gate = { keyGroups: snapshotOf().keyGroups.map(({ id }) => id), issuers: [] as IssuerId[] }
    const bench = await site(
      { ...ALLOW, countries: ['NZ'] },
      {
        countries: COUNTRIES,
        others: [
          { pattern: '/gated/*', gate },
          { pattern: '/secure/*', viewerProtocol: 'redirect-to-https' },
        ],
      },
    )
    for (const [method, path] of [
      ['GET', '/a'],
      ['POST', '/a'],
      ['OPTIONS', '/a'],
      ['GET', '/gated/a'],
      ['GET', '/secure/a'],
    ] as const) {
      const { status, headers } = await bench.ask(method, path, from('192.0.2.3'))
      expect([method, path, status, headers['x-sluice-reason'], headers['cache-control']]).toEqual([
        ...[method, path, 403, 'geo', 'no-store'],
      ])
    }
    expect(bench.asked).toEqual([])
    expect(bench.bench.lines.map(line => line['reason'])).toEqual(Array(5).fill('geo'))
  })

  test.each([
    ['without a file', undefined],
    ['with one that cannot be read', { isThere: false, of: () => undefined }],
  ])('lets nobody in %s, and says so once', async (_, countries) => {
    const { log, lines } = keptLog()
    const bench = await site({ ...DENY, countries: ['NZ'] }, { log, ...(countries && { countries }) })
    expect(await letIn(bench)).toEqual([403, 403, 403, 403])
    expect(lines.filter(line => line.includes('there is no country file'))).toHaveLength(1)
  })

  test('shows the page for a 403 in the place of the refusal', async () => {
    const errors = [{ status: 403, page: '/sorry.html', respondWith: 451 }]
    const bench = await site(
      { ...ALLOW, countries: ['NZ'] },
      { countries: COUNTRIES, distribution: { errors } },
    )
    const { status, headers, body } = await bench.get('/a', from('192.0.2.3'))
    expect([status, body, headers['x-sluice-reason'], headers['cache-control']]).toEqual([
      ...[451, '1', 'geo', 'no-store'],
    ])
    expect(bench.asked.map(({ target }) => target)).toEqual(['/sorry.html'])
    await bench.origin.close()
    const direct = await bench.get('/sorry.html', from('192.0.2.3'))
    expect([direct.status, direct.headers['x-sluice-reason']]).toEqual([403, 'geo'])
  })
})

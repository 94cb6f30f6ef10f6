import { expect, test } from 'vitest'
import { isSampled, REAL_TIME_FIELDS, realTimeLine } from '../../src/logs/index.ts'
import { AROUND, FULL, PLAIN } from './facts.ts'

test('a line has the chosen fields, in the order in which CloudFront has them', () => {
  const chosen = ['cmcd-session-id', 'c-country', 'sc-status', 'timestamp', 'cs-uri-stem', 'no-such-field']
  expect(realTimeLine({ ...FULL, query: 'a=b&CMCD=sid%3D%22s%22' }, AROUND, chosen)).toBe(
    '{"timestamp":"1795352399.998","sc-status":"206","cs-uri-stem":"/live/a%20b.m3u8?a=b&CMCD=sid%3D%22s%22",' +
      '"c-country":"CH","cmcd-session-id":"s"}\n',
  )
})

test('with all of them a line says all that is known', () => {
  const line = JSON.parse(realTimeLine(FULL, AROUND, REAL_TIME_FIELDS)) as Record<string, string>
  expect(Object.keys(line)).toEqual(REAL_TIME_FIELDS)
  expect(line).toMatchObject({
    'c-ip-version': 'IPv4',
    'cs-user-agent': FULL.agent,
    'cs-header-names': 'Host,Accept',
    'cs-headers-count': '2',
    'cs-headers': '-',
    'cache-behavior-path-pattern': '/live/*',
    'origin-fbl': '0.008',
    'origin-lbl': '0.060',
    'cmcd-encoded-bitrate': '3200',
    'cmcd-buffer-starvation': 'true',
    'cmcd-object-type': 'v',
    asn: '-',
  })
  const bare = JSON.parse(realTimeLine(PLAIN, AROUND, REAL_TIME_FIELDS)) as Record<string, string>
  expect(bare).toMatchObject({ 'c-ip': '-', 'cs-uri-stem': '-', 'x-edge-result-type': 'Hit' })
})

test('cookies are cut where CloudFront cuts them', () => {
  const line = realTimeLine({ ...FULL, cookie: `a=${'b'.repeat(2000)}` }, AROUND, ['cs-cookie'])
  expect(line).toBe(`{"cs-cookie":"a=${'b'.repeat(798)}"}\n`)
})

test('the id alone decides, a higher rate tells what a lower one tells, and each is exact in the mean', () => {
  const ids = Array.from({ length: 50_000 }, (_, at) => `Ab3dEf9h${at.toString(36).padStart(6, '0')}`)
  const told = (rate: number): Set<string> => new Set(ids.filter(id => isSampled(id, rate)))
  let before = new Set<string>()
  for (const rate of [1, 5, 33, 50, 90, 99]) {
    const now = told(rate)
    // Five standard deviations of a share of 50,000.
    const slack = 5 * Math.sqrt((ids.length * rate * (100 - rate)) / 10_000)
    expect(Math.abs(now.size - (ids.length * rate) / 100)).toBeLessThan(slack)
    expect([...before].every(id => now.has(id))).toBe(true)
    before = now
  }
  expect(told(100).size).toBe(ids.length)
})

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canonicalPath, type CanonicalPath } from '../../src/core/index.ts'
import { cacheKey } from '../../src/http/index.ts'
import { DISTRIBUTION, EdgeBench, handClock, snapshotOf } from './edge-bench.ts'
import { grantFor } from './grants.ts'
import { RawConnection, type RawAnswer } from './raw-connection.ts'

const BODY = Buffer.from(Array.from({ length: 600 }, (_, at) => at % 256))
const FIELDS = {
  ...{ 'Cache-Control': 'public, max-age=60, s-maxage=600', 'Content-Type': 'video/mp4' },
  ...{ ETag: '"film"', 'X-Latin': '\u00e9\u00ff', 'X-Cache': 'theirs', 'Accept-Ranges': 'none' },
}

/** What the origin answers, by the path. */
const ANSWERS: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>> = {
  plain: FIELDS,
  'two-lines': { ...FIELDS, 'X-Two': ['1', '2'] },
  'says-who-reads': {
    ...FIELDS,
    ...{ 'Access-Control-Allow-Origin': 'https://a.example', 'Access-Control-Expose-Headers': 'X-Two' },
  },
  'for-caches': { ...FIELDS, 'CDN-Cache-Control': 'max-age=600', 'Surrogate-Control': 'max-age=9' },
  'without-lifetime': { ETag: '"film"' },
}

let bench: EdgeBench
let viewer: RawConnection
let asked: string[] = []
const clock = handClock()

beforeAll(async () => {
  bench = await EdgeBench.start(
    (request, response) => {
      const name = (request.url ?? '').split('/').at(-1) ?? ''
      asked.push(name)
      for (const [field, value] of Object.entries(ANSWERS[name] ?? FIELDS)) response.setHeader(field, value)
      response.end(BODY)
    },
    { clock },
  )
  viewer = new RawConnection(bench.url)
})
beforeEach(() => {
  asked = []
  bench.node.apply(snapshotOf())
})
afterAll(async () => {
  viewer.close()
  await bench.close()
})

const ask = (path: string, ...lines: string[]) =>
  viewer.ask([`GET ${path} HTTP/1.1`, `Host: ${new URL(bench.url).host}`, ...lines])

function glance(path: string) {
  const canonical = canonicalPath(path)
  if (canonical.kind === 'bad') throw new Error(path)
  const at: CanonicalPath = canonical.path
  const key = cacheKey(DISTRIBUTION, at, '')
  return bench.node.cache.glance({ key, distributionId: DISTRIBUTION, path: at }, clock.now())
}

/** Its lines in any order, less those that differ from answer to answer. */
function told({ head, body }: RawAnswer) {
  const lines = head.split('\r\n').map(line => line.replace(/^(X-Sluice-Id|Date): .+/, '$1'))
  return { lines: lines.sort(), body: Buffer.from(body, 'latin1') }
}

test.each(
  Object.keys(ANSWERS).flatMap(name => [
    [name, 'open', '/a', []] as const,
    [name, 'open to a page', '/b', ['Origin: https://p.example']] as const,
    [name, 'behind a gate', '/members/a', ['cookie']] as const,
    [name, 'behind a gate, for a page', '/members/b', ['cookie', 'Origin: http://localhost:5173']] as const,
  ]),
)('%s, %s, is the same answer out of the pack and as an object', async (name, _, folder, own) => {
  const path = `${folder}/${name}`
  const { cookie } = grantFor('*://*/members/*')
  const lines = own.map(line => (line === 'cookie' ? `Cookie: ${cookie}` : line))
  await ask(path, ...lines)
  clock.move(7_000)
  const packed = told(await ask(path, ...lines))
  expect(glance(path)).toBeDefined()
  expect((await ask(path, 'If-None-Match: "other"', ...lines)).status).toBe(200)
  expect(glance(path)).toBeUndefined()
  const object = told(await ask(path, ...lines))
  expect(packed).toEqual(object)
  expect(packed.lines).toContain('X-Cache: Hit from sluice')
  expect(packed.lines).toContain('Age: 7')
  expect(packed.body).toEqual(BODY)
  expect(asked).toEqual([name])
})

test.each([
  ['a range', 206, ['Range: bytes=0-9']],
  ['a condition that does not hold', 304, ['If-None-Match: "film"']],
  ['a condition on what may be overwritten', 412, ['If-Match: "other"']],
])('%s is judged', async (name, status, lines) => {
  const path = `/c/${name.replaceAll(' ', '-')}`
  await ask(path)
  expect(glance(path)).toBeDefined()
  expect((await ask(path, ...lines)).status).toBe(status)
})

test('what has become stale or was invalidated is asked for anew', async () => {
  await ask('/d/plain')
  clock.move(601_000)
  expect(glance('/d/plain')).toBeUndefined()
  await ask('/d/plain')
  expect(glance('/d/plain')).toBeDefined()
  const invalidation = { sequence: 1, distributionId: DISTRIBUTION, pattern: '/d/*' }
  bench.node.apply(snapshotOf({ version: 2, sequence: 1, invalidations: [invalidation] }))
  expect(glance('/d/plain')).toBeUndefined()
  await ask('/d/plain')
  expect(glance('/d/plain')).toBeDefined()
  expect(asked).toEqual(['plain', 'plain', 'plain'])
})

test('what was written to is used no more', async () => {
  await ask('/e/plain')
  clock.move(1)
  void bench.node.forget({ distributionId: DISTRIBUTION, path: '/e/plain', keys: [] })
  expect(glance('/e/plain')).toBeUndefined()
  await ask('/e/plain')
  expect(asked).toEqual(['plain', 'plain'])
})

import { afterEach, describe, expect, test } from 'vitest'
import type { ErrorRule } from '../../src/distribution/index.ts'
import { handClock } from './edge-bench.ts'
import { SiteBench, type Script } from './site-bench.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Seconds for which an error is kept, as viewers find out who come each second; at most 99. */
async function keptFor(
  status: number,
  control: string | undefined,
  errors: ErrorRule[] = [],
): Promise<number> {
  const clock = handClock()
  const script: Script = (_request, response) =>
    void response
      .writeHead(status, { ...(control && { 'Cache-Control': control }), 'Content-Length': 0 })
      .end()
  const bench = await SiteBench.start(script, {}, { clock, distribution: { errors } })
  closers.push(() => bench.close())
  expect((await bench.get('/a')).status).toBe(status)
  let seconds = 0
  for (; seconds < 99; seconds++) {
    await bench.get('/a')
    if (bench.asked.length > 1) break
    clock.move(1_000)
  }
  return Math.max(0, seconds - 1)
}

describe('an error of an origin is kept', () => {
  test.each([404, 414, 500, 501, 502, 503, 504])(
    'for ten seconds where nothing is said: %i',
    async status => {
      expect(await keptFor(status, undefined)).toBe(9)
    },
  )

  test.each([400, 403, 412, 415])('where the origin says for how long, and else not: %i', async status => {
    expect([await keptFor(status, undefined), await keptFor(status, 'max-age=3')]).toEqual([0, 2])
  })

  test('never, where it is about a range', async () => {
    expect(await keptFor(416, 'max-age=60')).toBe(0)
  })

  test.each<[string, string | undefined, number]>([
    ['of the origin, where that is longer', 's-maxage=7', 6],
    ['of the distribution, where that is longer', 'max-age=2', 4],
    ['of the distribution, where the origin sets none', undefined, 4],
    ['of neither, where the origin forbids it', 'no-store', 0],
  ])('for the time %s', async (_, control, seconds) => {
    expect(await keptFor(503, control, [{ status: 503, ttl: 5 }])).toBe(seconds)
    expect(await keptFor(403, control, [{ status: 403, ttl: 5 }])).toBe(seconds)
  })
})

test.each([
  [500, 200],
  [503, 200],
  [404, 404],
  [403, 403],
])('what is over stands in for trouble, and not for an answer that says no: %i', async (then, expected) => {
  const clock = handClock()
  let status = 200
  const script: Script = (_request, response) =>
    void response.writeHead(status, { 'Cache-Control': 'max-age=5', 'Content-Length': 0 }).end()
  const bench = await SiteBench.start(script, {}, { clock })
  closers.push(() => bench.close())
  await bench.get('/a')
  clock.move(30_000)
  status = then
  expect((await bench.get('/a')).status).toBe(expected)
})

test('an origin is asked below its path, with its own fields in the place of a viewer’s', async () => {
  const bench = await SiteBench.start(
    (_request, response) => response.end(),
    { methods: 'all', forward: ['x-secret', 'x-room'] },
    {
      origin: { headers: [{ name: 'X-Secret', value: 'ours' }] },
      distribution: {},
    },
  )
  closers.push(() => bench.close())
  const { node } = bench.bench
  const snapshot = node.snapshot
  if (snapshot === undefined) throw new Error('it was told one')
  node.apply({
    ...snapshot,
    distributions: snapshot.distributions.map(each => ({
      ...each,
      origins: each.origins.map(origin =>
        origin.kind === 'http' ? { ...origin, url: `${origin.url}/app/v1` } : origin,
      ),
    })),
  })
  for (const method of ['GET', 'POST'])
    await bench.ask(method, '/a/b', { 'X-Secret': 'mine', x_secret: 'mine', 'X-Room': 'blue' })
  expect(
    bench.asked.map(({ method, target, fields }) => [
      method,
      target,
      fields['x-secret'],
      fields['x_secret'],
      fields['x-room'],
    ]),
  ).toEqual([
    ['GET', '/app/v1/a/b', 'ours', undefined, 'blue'],
    ['POST', '/app/v1/a/b', 'ours', undefined, 'blue'],
  ])
})

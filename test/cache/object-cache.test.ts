import { describe, expect, test } from 'vitest'
import { after } from '../../src/core/index.ts'
import { Bench, read, ScriptedBody, settle, START, type Scripted } from './scripted-upstream.ts'

describe('a lookup', () => {
  test('fetches once, then hits until the lifetime ends, then revalidates', async () => {
    const bench = new Bench()
    bench.answer({}, { status: 304, headers: ['Cache-Control', 'max-age=60', 'ETag', '"1"', 'X-New', 'yes'] })
    expect(await bench.body()).toEqual(['filling', 'hello'])
    await settle()
    bench.now = after(START, 59_999)
    expect(await bench.body()).toEqual(['hit', 'hello'])
    bench.now = after(START, 60_000)
    const refreshed = await bench.get()
    expect([refreshed.kind, await read(refreshed)]).toEqual(['refreshed', 'hello'])
    expect('object' in refreshed && refreshed.object.headers).toEqual([
      ...['ETag', '"1"', 'Cache-Control', 'max-age=60', 'X-New', 'yes'],
    ])
    expect(bench.asked.map(question => question.validators)).toEqual([
      undefined,
      { etag: '"1"', lastModified: undefined },
    ])
    expect(await bench.body()).toEqual(['hit', 'hello'])
  })

  test('takes the news of a 304, but not what describes another body or an age that is over', async () => {
    const bench = new Bench()
    const stored = ['Cache-Control', 'max-age=60', 'ETag', '"1"', 'Age', '7', 'Content-Encoding', 'br']
    const news = [
      'Cache-Control',
      'max-age=30',
      'ETag',
      '"1"',
      'Content-Encoding',
      'gzip',
      'Content-Length',
      '0',
    ]
    bench.answer({ headers: stored }, { status: 304, headers: news })
    await bench.body()
    await settle()
    bench.now = after(START, 60_000)
    const refreshed = await bench.get()
    expect('object' in refreshed && refreshed.object.headers).toEqual([
      ...['ETag', '"1"', 'Content-Encoding', 'br', 'Cache-Control', 'max-age=30'],
    ])
  })

  test('keeps nothing of a status that may not be stored', async () => {
    const bench = new Bench()
    const moved = { status: 302, headers: ['Location', '/b'] }
    bench.answer(moved, moved)
    expect((await bench.get()).kind).toBe('passing')
    expect((await bench.get()).kind).toBe('passing')
    expect(bench.cache.objects).toBe(0)
  })

  test('passes an object that is larger than the largest one kept', async () => {
    const bench = new Bench({ largestObject: 4 })
    bench.answer({ headers: ['Cache-Control', 'max-age=60', 'Content-Length', '5'] })
    expect(await bench.get()).toMatchObject({ kind: 'passing', reason: 'too-large' })
  })

  test('lets the least recently used go when the memory is full', async () => {
    const bench = new Bench({ maxBytes: 2_500 })
    bench.answer({}, {}, {}, {}, {})
    for (const path of ['/1', '/2', '/3', '/4']) await bench.body(path)
    await settle()
    expect(bench.cache.bytes).toBeLessThanOrEqual(2_500)
    expect((await bench.get('/4')).kind).toBe('hit')
    expect((await bench.get('/1')).kind).toBe('filling')
  })
})

describe('a fill', () => {
  test('is one upstream request however many ask, and each gets the bytes as they arrive', async () => {
    const bench = new Bench()
    const body = new ScriptedBody()
    bench.answer({ body })
    const viewers = await Promise.all(Array.from({ length: 200 }, () => bench.get()))
    expect(bench.asked.length).toBe(1)
    expect(viewers.filter(found => found.kind === 'filling' && !found.joined).length).toBe(1)
    const first = viewers.map(found =>
      found.kind === 'filling' ? found.fill.read(0)[Symbol.asyncIterator]() : undefined,
    )
    body.push('he')
    for (const reader of first)
      expect(Buffer.from((await reader?.next())?.value as Uint8Array).toString()).toBe('he')
    body.push('llo', 'end')
    for (const reader of first)
      expect(Buffer.from((await reader?.next())?.value as Uint8Array).toString()).toBe('llo')
    expect(bench.asked.length).toBe(1)
  })

  test('gives a late joiner what is there at once, and any range of it', async () => {
    const bench = new Bench()
    const body = new ScriptedBody().push('0123')
    bench.answer({ body })
    const leader = await bench.get()
    await settle()
    const joiner = await bench.get()
    expect(joiner).toMatchObject({ kind: 'filling', joined: true })
    body.push('456789', 'end')
    expect([await read(leader), await read(joiner)]).toEqual(['0123456789', '0123456789'])
    const range: string[] = []
    if (joiner.kind === 'filling')
      for await (const chunk of joiner.fill.read(2, 5)) range.push(Buffer.from(chunk).toString())
    expect(range.join('')).toBe('2345')
  })

  test('that fails midway cuts its readers and leaves nothing', async () => {
    const bench = new Bench()
    const body = new ScriptedBody().push('he')
    bench.answer({ body }, {})
    const [one, two] = await Promise.all([bench.get(), bench.get()])
    body.push(new Error('reset'))
    await expect(read(one)).rejects.toThrow('reset')
    await expect(read(two)).rejects.toThrow('reset')
    expect(await bench.body()).toEqual(['filling', 'hello'])
  })

  test.each([
    ['short', '7', 'the origin sent 5 of 7 bytes'],
    ['long', '3', 'the origin sent more than the 3 bytes that it announced'],
  ])('that is too %s never looks whole and is not stored', async (_, length, sentence) => {
    const bench = new Bench()
    bench.answer({ headers: ['Cache-Control', 'max-age=60', 'Content-Length', length] })
    await expect(bench.body()).rejects.toThrow(sentence)
    expect(bench.cache.objects).toBe(0)
  })

  test('goes on when the one who started it leaves', async () => {
    const bench = new Bench()
    const body = new ScriptedBody().push('he')
    bench.answer({ body })
    const [leader, joiner] = await Promise.all([bench.get(), bench.get()])
    if (leader.kind === 'filling') await leader.fill.read(0)[Symbol.asyncIterator]().next()
    body.push('llo', 'end')
    expect(await read(joiner)).toBe('hello')
  })
})

describe('memory', () => {
  const sized = (body: ScriptedBody) => ({
    headers: ['Cache-Control', 'max-age=60', 'Content-Length', '100000'],
    body,
  })

  test('of fills under way is bounded: what there is none for reaches its viewers and is not kept', async () => {
    const bench = new Bench({ maxBytes: 400_000, largestObject: 100_000 })
    const bodies = Array.from({ length: 4 }, () => new ScriptedBody())
    bench.answer(...bodies.map(sized))
    const all = await Promise.all(bodies.map((_body, each) => bench.get(`/${each}`)))
    const parts = bodies.map(body => body.push('x'.repeat(90_000)))
    await settle()
    for (const body of parts) body.push('y'.repeat(10_000), 'end')
    const texts = await Promise.all(all.map(read))
    expect(texts).toEqual(texts.map(() => 'x'.repeat(90_000) + 'y'.repeat(10_000)))
    await settle()
    // One owner takes no more of it than it leaves to others.
    expect([bench.cache.fills, bench.cache.objects]).toEqual([0, 1])
  })

  test('of fills of unknown length counts as they grow', async () => {
    const bench = new Bench({ maxBytes: 400_000, largestObject: 200_000 })
    const growing = new ScriptedBody().push('x'.repeat(150_000))
    const second = (): ScriptedBody => new ScriptedBody().push('y'.repeat(100_000), 'end')
    bench.answer({ body: growing }, sized(second()), sized(second()))
    const first = await bench.get('/growing')
    await settle()
    expect(await bench.body('/second')).toEqual(['filling', 'y'.repeat(100_000)])
    growing.push('end')
    expect(await read(first)).toHaveLength(150_000)
    await settle()
    expect(bench.cache.objects).toBe(1)
    expect((await bench.body('/second'))[0]).toBe('filling')
    await settle()
    expect(bench.cache.objects).toBe(2)
  })
})

describe('a 304', () => {
  const stale = after(START, 60_000)

  test('with an entity tag where a date was asked for is not believed: the whole is asked for', async () => {
    const bench = new Bench()
    const dated = { headers: ['Cache-Control', 'max-age=60', 'Last-Modified', 'yesterday'] }
    bench.answer(dated, { status: 304, headers: ['ETag', '"2"'] }, { headers: ['ETag', '"2"'] })
    await bench.body()
    await settle()
    bench.now = stale
    expect(await bench.body()).toEqual(['filling', 'hello'])
    expect(bench.asked.map(question => question.validators?.lastModified)).toEqual([
      ...[undefined, 'yesterday', undefined],
    ])
  })

  test('that nobody asked for is an error of the upstream', async () => {
    const bench = new Bench()
    bench.answer({ status: 304 })
    await expect(bench.get()).rejects.toMatchObject({ code: 'upstream-unasked', side: 'upstream' })
  })

  test('that forbids to share goes to the one whose question it answers', async () => {
    const bench = new Bench()
    const own = { headers: ['Cache-Control', 'private'], body: new ScriptedBody().push('own', 'end') }
    const session = ['ETag', '"1"', 'Cache-Control', 'private', 'Set-Cookie', 'session=1']
    bench.answer({}, { status: 304, headers: session }, own)
    await bench.body()
    await settle()
    bench.now = stale
    const [leader, other] = await Promise.all([bench.get(), bench.get()])
    expect([leader.kind, other.kind]).toEqual(['refreshed', 'passing'])
    expect(await read(other)).toBe('own')
  })
})

describe('what must not be shared', () => {
  test('is fetched by each for itself, all at once, after the first answer told so', async () => {
    const bench = new Bench()
    const own = { headers: ['Cache-Control', 'no-store'] }
    bench.answer(own, own, own)
    const viewers = await Promise.all([bench.get(), bench.get(), bench.get()])
    expect(viewers.map(found => found.kind)).toEqual(['passing', 'passing', 'passing'])
    expect(bench.asked.length).toBe(3)
  })

  test('is not waited for by those who come later', async () => {
    const bench = new Bench()
    const own = { headers: ['Cache-Control', 'private'] }
    const slow = new Promise<typeof own>(() => {})
    bench.answer(own, slow, own)
    await bench.get()
    void bench.get() // never answered
    expect((await bench.get()).kind).toBe('passing')
  })

  test('becomes shareable again as soon as the origin says so', async () => {
    const bench = new Bench()
    bench.answer({ headers: ['Cache-Control', 'no-store'] }, {})
    await bench.get()
    expect(await bench.body()).toEqual(['filling', 'hello'])
    await settle()
    expect((await bench.get()).kind).toBe('hit')
  })

  test('is not waited for by the first crowd of a folder where nothing is shared', async () => {
    const bench = new Bench()
    const own = { headers: ['Cache-Control', 'private'] }
    bench.answer(own, own, own)
    for (const path of ['/api/1', '/api/2', '/api/3']) await bench.get(path)
    const slow = new Promise<typeof own>(() => {})
    bench.answer(slow, own, own)
    void bench.get('/api/new') // never answered
    const crowd = await Promise.all([bench.get('/api/new'), bench.get('/api/new')])
    expect(crowd.map(found => found.kind)).toEqual(['passing', 'passing'])
  })

  test('in a folder says nothing of others, nor of that folder once something of it is shared', async () => {
    const bench = new Bench()
    const own = { headers: ['Cache-Control', 'private'] }
    bench.answer(own, own, own, {}, {}, {})
    for (const path of ['/api/1', '/api/2', '/api/3']) await bench.get(path)
    await Promise.all([bench.get('/api/x/1'), bench.get('/api/x/1')])
    await bench.body('/api/4')
    await Promise.all([bench.get('/api/5'), bench.get('/api/5')])
    expect(bench.asked.length).toBe(6)
  })
})

describe('an upstream that fails', () => {
  test('is the error of everybody who waits, and the next request tries again', async () => {
    const bench = new Bench()
    bench.answer(new Error('down'), {})
    const both = [bench.get(), bench.get()]
    for (const one of both) await expect(one).rejects.toThrow('down')
    expect(bench.asked.length).toBe(1)
    expect(await bench.body()).toEqual(['filling', 'hello'])
  })

  test('is asked once, however many wait, and not for each alone afterwards', async () => {
    const bench = new Bench()
    const busy = { status: 503, headers: ['Cache-Control', 'no-store'] }
    bench.answer(busy, {})
    const asked = await Promise.allSettled([bench.get(), bench.get(), bench.get()])
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(asked[1]).toMatchObject({ reason: { code: 'upstream-trouble', side: 'upstream' } })
    const [next, joining] = await Promise.all([bench.get(), bench.get()])
    expect([next.kind, joining.kind, bench.asked.length]).toEqual(['filling', 'filling', 2])
  })

  test('leaves viewers with the stale object, asked for briefly and not more than once a second', async () => {
    const bench = new Bench()
    bench.answer({}, new Error('down'), { status: 503, headers: [] })
    await bench.body()
    await settle()
    bench.now = after(START, 61_000)
    expect(await bench.body()).toEqual(['stale', 'hello'])
    expect(await bench.body()).toEqual(['stale', 'hello'])
    expect(bench.asked.map(question => question.patience)).toEqual(['full', 'brief'])
  })

  test('is not covered up where the origin demands revalidation', async () => {
    const bench = new Bench()
    bench.answer(
      { headers: ['Cache-Control', 'max-age=60, must-revalidate', 'ETag', '"1"'] },
      new Error('down'),
    )
    await bench.body()
    await settle()
    bench.now = after(START, 61_000)
    await expect(bench.body()).rejects.toThrow('down')
  })
})

describe('an invalidation', () => {
  test('undoes what was stored before it, and not what was stored after', async () => {
    const bench = new Bench()
    bench.answer({}, { body: new ScriptedBody().push('newer', 'end') })
    await bench.body()
    await settle()
    bench.sequence = bench.newest = 1
    expect(await bench.body()).toEqual(['filling', 'newer'])
    await settle()
    expect(await bench.body()).toEqual(['hit', 'newer'])
  })

  test('undoes a fetch under way: later requests do not join it', async () => {
    const bench = new Bench()
    const old = new ScriptedBody().push('ol')
    bench.answer({ body: old }, { body: new ScriptedBody().push('new', 'end') })
    const before = await bench.get()
    bench.sequence = bench.newest = 1
    expect(await bench.body()).toEqual(['filling', 'new'])
    old.push('d', 'end')
    expect(await read(before)).toBe('old')
    await settle()
    expect(await bench.body()).toEqual(['hit', 'new'])
  })

  test('also undoes what a tier answered that had not applied it yet', async () => {
    const bench = new Bench()
    bench.sequence = bench.newest = 5
    bench.answer({ sequence: 4 }, {})
    await bench.body()
    await settle()
    expect((await bench.get()).kind).toBe('filling')
  })

  test('is not made good by a tier that had not applied it when it said that nothing had changed', async () => {
    const bench = new Bench()
    bench.sequence = bench.newest = 5
    bench.answer({}, { status: 304, headers: ['ETag', '"1"'], sequence: 4 }, {})
    await bench.body()
    await settle()
    bench.now = after(START, 61_000)
    expect((await bench.get()).kind).toBe('refreshed')
    expect((await bench.get()).kind).toBe('filling')
  })
})

test('what is gone takes away what it was asked about, and nothing that has come since', async () => {
  const bench = new Bench()
  const { distributionId, path } = bench.request()
  let tell: (answer: Scripted) => void = () => {}
  const late = new Promise<Scripted>(resolve => (tell = resolve))
  bench.answer({}, late, { body: new ScriptedBody().push('new', 'end') })
  await bench.body()
  await settle()
  bench.now = after(START, 61_000)
  const asking = bench.get()
  void bench.cache.forget({ distributionId, path })
  expect(await bench.body()).toEqual(['filling', 'new'])
  await settle()
  tell({ status: 404, headers: ['Cache-Control', 'no-store'] })
  expect((await asking).kind).toBe('passing')
  expect(await bench.body()).toEqual(['hit', 'new'])
})

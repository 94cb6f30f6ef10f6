import { describe, expect, test } from 'vitest'
import type { CacheRequest, Found } from '../../src/cache/index.ts'
import type { DistributionId } from '../../src/core/index.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { bodyOf, bytes, LargeBench, settle as rest } from './large-bench.ts'
import { Bench, read, ScriptedBody, settle, type Scripted } from './scripted-upstream.ts'

const kept = ['Cache-Control', 'max-age=60']
const unkept = ['Cache-Control', 'no-store']

describe('who waits for another viewer\u2019s answer', () => {
  const refused: Scripted = { status: 400, headers: [], forwarded: ['x-odd'] }

  test('asks for himself where that one was told that he asks badly', async () => {
    const bench = new Bench()
    let answer: (scripted: Scripted) => void = () => {}
    bench.answer(new Promise<Scripted>(resolve => (answer = resolve)), { headers: kept })
    const [first, second] = [bench.get('/a', ['x-odd', '\u00ff']), bench.get('/a', [])]
    await settle()
    answer(refused)
    expect(await first).toMatchObject({ kind: 'passing', answer: { status: 400 } })
    expect(await read(await second)).toBe('hello')
    await settle()
    expect((await bench.get('/a', [])).kind).toBe('hit')
  })

  test.each([
    ['is given what one of them is told, where what that one has sent made the origin fail', 200, 2],
    ['is refused with the others, where it fails once more', 500, 2],
  ])('%s', async (_, second, asked) => {
    const bench = new Bench()
    let answer: (scripted: Scripted) => void = () => {}
    const then: Scripted =
      second === 200 ? { headers: kept } : { status: second, headers: unkept, forwarded: ['x-even'] }
    bench.answer(new Promise<Scripted>(resolve => (answer = resolve)), then)
    const bad = bench.get('/a', ['x-odd', '\u00ff'])
    const others = Array.from({ length: 20 }, () => bench.get('/a', []).then(read, () => 'refused'))
    await settle()
    answer({ status: 500, headers: unkept, forwarded: ['x-odd'] })
    expect(await bad).toMatchObject({ kind: 'passing', answer: { status: 500 } })
    const all = await Promise.all(others)
    expect([all.filter(each => each === 'hello').length, bench.asked.length]).toEqual([
      second === 200 ? 20 : 1, // who found out is told by the origin itself
      asked,
    ])
  })
})

describe('an error that answers the question for a range', () => {
  test.each([
    ['403 is that viewer\u2019s alone', 403, 'passing', 2],
    ['431 too', 431, 'passing', 2],
    ['404 is everybody\u2019s', 404, 'filling', 1],
    ['500 as well, so that an origin in trouble is left alone', 500, 'filling', 1],
  ])('%s', async (_, status, kind, asked) => {
    const bench = new Bench()
    bench.answer({ status, headers: kept }, { headers: kept })
    const found = await bench.cache.lookup({ ...bench.request('/a', []), range: 'bytes=99-' })
    expect(found.kind).toBe(kind)
    await read(found)
    await settle()
    await bench.body('/a', [])
    expect(bench.asked).toHaveLength(asked)
  })
})

describe('when bodies that do not end take what they can of the memory for fills', () => {
  const MAX = 16_000_000
  const LARGEST = 2_000_000
  const sized = (length: number, body: ScriptedBody): Scripted => ({
    headers: [...kept, 'Content-Length', String(length)],
    body,
  })
  const text = (length: number): ScriptedBody => new ScriptedBody().push('y'.repeat(length), 'end')
  const bench = (): Bench => new Bench({ maxBytes: MAX, largestObject: LARGEST, patience: 20 })

  /** A site's own, of which all but the last byte has come. */
  const hold = async (of: Bench, site: string, count: number): Promise<ScriptedBody[]> => {
    const bodies = Array.from({ length: count }, () => new ScriptedBody().push('x'.repeat(LARGEST - 1)))
    of.answer(...bodies.map(body => sized(LARGEST, body)))
    for (let n = 0; n < count; n++) {
      const request = of.request(`/${site}/${n}`)
      const distributionId = site as DistributionId // a test's own
      await of.cache.lookup({ ...request, distributionId })
    }
    await settle()
    return bodies
  }

  test('that were only announced, they take nothing', async () => {
    const node = bench()
    node.answer(...Array.from({ length: 8 }, () => sized(LARGEST, new ScriptedBody().push('x'))))
    for (let n = 0; n < 8; n++) await node.get(`/slow-${n}`)
    node.answer(sized(5, text(5)), sized(LARGEST, text(LARGEST)))
    const founds = await Promise.all(Array.from({ length: 300 }, () => node.get('/hot')))
    expect(new Set(founds.map(({ kind }) => kind))).toEqual(new Set(['filling']))
    await node.body('/large')
    await settle()
    expect([node.asked.length, node.cache.objects]).toEqual([10, 2])
  })

  test('small ones of all sites are asked for once, at once, and kept', async () => {
    const node = bench()
    for (let site = 0; site < 8; site++) await hold(node, `site-${site}`, 4)
    const before = node.asked.length
    const lengths = [5, 200_000]
    node.answer(...lengths.map(length => sized(length, text(length))))
    for (const length of lengths) {
      const founds = await Promise.all(Array.from({ length: 300 }, () => node.get(`/hot-${length}`)))
      expect((await Promise.all(founds.map(read))).filter(body => body !== 'y'.repeat(length))).toEqual([])
    }
    expect([node.asked.length - before, node.cache.objects]).toEqual([2, 2])
  })

  test('large ones of other sites are kept where one site alone is to blame', async () => {
    const node = bench()
    await hold(node, 'sick', 8)
    node.answer(sized(LARGEST, text(LARGEST)), sized(LARGEST, text(LARGEST)))
    await node.body('/well')
    await settle()
    expect((await node.get('/well')).kind).toBe('hit')
  })

  test('what finds none is asked for once by all who want it then, goes to them as it comes, and is not kept', async () => {
    const node = bench()
    const held: ScriptedBody[] = []
    for (let site = 0; site < 8; site++) held.push(...(await hold(node, `site-${site}`, 4)))
    const before = node.asked.length
    const body = new ScriptedBody()
    node.answer(sized(LARGEST, body))
    const founds = await Promise.all(Array.from({ length: 50 }, () => node.get('/large')))
    const texts = founds.map(read)
    for (let part = 0; part < 20; part++) {
      body.push('y'.repeat(LARGEST / 20))
      await settle()
    }
    body.push('end')
    expect((await Promise.all(texts)).filter(each => each !== 'y'.repeat(LARGEST))).toEqual([])
    expect([node.asked.length - before, node.cache.objects]).toEqual([1, 0])
    for (const each of held) each.push(new Error('cut'))
    await settle()
    node.answer(sized(LARGEST, text(LARGEST)))
    await node.body('/large')
    await settle()
    expect((await node.get('/large')).kind).toBe('hit')
  })

  test('what finds none and breaks off does not look whole', async () => {
    const node = bench()
    for (let site = 0; site < 8; site++) await hold(node, `site-${site}`, 4)
    node.answer(sized(LARGEST, text(LARGEST - 1)), sized(LARGEST, text(LARGEST + 1)))
    for (const [path, code] of [
      ['/short', 'upstream-short'],
      ['/long', 'upstream-long'],
    ])
      await expect(node.body(path)).rejects.toMatchObject({ code })
  })
})

describe('when slow readers of large objects hold as many transfers as there is memory for', () => {
  const one = (bench: LargeBench, name: string): CacheRequest => {
    const request = bench.request()
    return { ...request, key: `${request.key}?${name}` as CacheKey } // with a query
  }
  const slow = async (bench: LargeBench, count: number): Promise<AsyncIterator<Uint8Array>[]> => {
    const readers: AsyncIterator<Uint8Array>[] = []
    for (let n = 0; n < count; n++) {
      const found = await bench.cache.lookup(one(bench, `slow-${n}`))
      if (found.kind !== 'filling') throw new Error(found.kind)
      const reader = found.fill.read(0)[Symbol.asyncIterator]()
      await reader.next()
      readers.push(reader)
    }
    await rest()
    return readers
  }
  const crowd = (bench: LargeBench): Promise<Found[]> =>
    Promise.all(Array.from({ length: 100 }, async () => bench.cache.lookup(one(bench, 'hot'))))

  test('others are asked for once and kept all the same, and the slow go on by asking for the rest', async () => {
    const bench = new LargeBench({ length: 4000 }, { maxBytes: 3_000 })
    const readers = await slow(bench, 16)
    const before = bench.asked.length
    const founds = await crowd(bench)
    expect(new Set(founds.map(({ kind }) => kind))).toEqual(new Set(['filling']))
    const bodies = await Promise.all(founds.map(found => bodyOf(found)))
    expect(bodies.every(body => body.equals(bytes(1, 0, 3999)))).toBe(true)
    expect(bench.asked.length - before).toBe(1)
    expect(await bench.cache.lookup(one(bench, 'hot'))).toMatchObject({ source: 'hit' })
    const rests = await Promise.all(
      readers.map(async reader => {
        let length = 0
        for (let next = await reader.next(); next.done !== true; next = await reader.next())
          length += next.value.length
        return length
      }),
    )
    expect(rests.every(length => length === 4000 - bench.origin.chunk)).toBe(true)
  })

  test('and their origins are slow as well, others are asked for once, and not kept', async () => {
    const bench = new LargeBench({ length: 4000 }, { maxBytes: 3_000 })
    let isOpen = false
    let open = (): void => {}
    const gate = new Promise<void>(resolve => (open = resolve))
    bench.gate = () => (isOpen ? Promise.resolve() : gate)
    for (let n = 0; n < 16; n++) await bench.cache.lookup(one(bench, `slow-${n}`))
    const before = bench.asked.length
    const founds = await crowd(bench)
    const bodies = founds.map(found => bodyOf(found))
    isOpen = true
    open()
    expect((await Promise.all(bodies)).every(body => body.equals(bytes(1, 0, 3999)))).toBe(true)
    expect(bench.asked.length - before).toBe(1)
  })
})

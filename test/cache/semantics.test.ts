import { describe, expect, test } from 'vitest'
import { after } from '../../src/core/index.ts'
import type { CacheTier, StoredObject } from '../../src/cache/index.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { Bench, read, ScriptedBody, settle, START, type Scripted } from './scripted-upstream.ts'

const later = after(START, 61_000)

function varied(text: string, vary = 'Foo', more: Partial<Scripted> = {}): Scripted {
  const headers = ['Cache-Control', 'max-age=60', 'ETag', `"${text}"`, 'Vary', vary]
  return { headers, forwarded: [], body: new ScriptedBody().push(text, 'end'), ...more }
}

async function filled(bench: Bench, fields: string[], path?: string): Promise<string> {
  const [kind, text] = await bench.body(path, fields)
  await settle()
  return `${kind} ${text}`
}

function promised(): { promise: Promise<Scripted>; resolve: (scripted: Scripted) => void } {
  let resolve: (scripted: Scripted) => void = () => {}
  const promise = new Promise<Scripted>(settled => (resolve = settled))
  return { promise, resolve }
}

const [ONE, TWO] = [
  ['foo', '1'],
  ['foo', '2'],
]

describe('an answer that varies', () => {
  test.each([
    ['an invalidation', (bench: Bench) => void (bench.sequence = bench.newest = 1)],
    [
      'a change',
      (bench: Bench) =>
        void bench.cache.forget({ distributionId: bench.request().distributionId, path: '/a' }),
    ],
  ])('from before %s leaves the way open to what is fetched behind it', async (_what, undo) => {
    const bench = new Bench()
    const [before, behind] = [promised(), promised()]
    bench.answer(before.promise, behind.promise, varied('two'), varied('never'))
    const old = bench.get(undefined, ONE)
    undo(bench)
    const body = new ScriptedBody().push('on')
    const current = bench.get(undefined, ONE)
    before.resolve(varied('old'))
    expect(await read(await old)).toBe('old')
    await settle()
    behind.resolve(varied('one', 'Foo', { body }))
    const found = await current
    // It is on its way still, and this viewer wants another variant.
    expect(await filled(bench, TWO)).toBe('filling two')
    body.push('e', 'end')
    expect(await read(found)).toBe('one')
    expect(bench.asked).toHaveLength(3)
  })

  test('is kept once for each selection, and told apart from what is not known', async () => {
    const bench = new Bench()
    bench.answer(varied('one'), varied('two'), varied('none'))
    expect(await filled(bench, ONE)).toBe('filling one')
    expect(await bench.get(undefined, TWO)).toMatchObject({ kind: 'filling', reason: 'vary-miss' })
    await settle()
    expect(await filled(bench, [])).toBe('filling none')
    const again = [await filled(bench, ONE), await filled(bench, TWO), await filled(bench, [])]
    expect(again).toEqual(['hit one', 'hit two', 'hit none'])
    expect(await filled(bench, [...ONE, 'other', 'x'])).toBe('hit one')
    expect(bench.asked.length).toBe(3)
  })

  test('by what the origin is never shown does not vary', async () => {
    const bench = new Bench()
    bench.answer(varied('one', 'Accept-Encoding'))
    await filled(bench, ONE)
    expect([await filled(bench, TWO), bench.cache.objects]).toEqual(['hit one', 1])
  })

  test('by anything, or by more than can be told apart, is nobody else\u2019s', async () => {
    const bench = new Bench()
    const many = Array.from({ length: 20 }, (_, each) => `F${each}`).join()
    bench.answer(varied('one', '*'), varied('two', many))
    expect(await bench.get('/a', ONE)).toMatchObject({ kind: 'passing', reason: 'vary' })
    expect(await bench.get('/b', ONE)).toMatchObject({ kind: 'passing', reason: 'vary' })
    expect(bench.cache.objects).toBe(0)
  })

  test('is shared by those of a crowd who select the same, and fetched once for each other selection', async () => {
    const bench = new Bench()
    bench.answer(varied('one'), varied('two'))
    const crowd = await Promise.all([ONE, TWO, ONE, TWO, TWO].map(fields => bench.get(undefined, fields)))
    expect(await Promise.all(crowd.map(read))).toEqual(['one', 'two', 'one', 'two', 'two'])
    expect(bench.asked.length).toBe(2)
  })

  test('is revalidated in the variant that was asked for', async () => {
    const bench = new Bench()
    bench.answer(varied('one'), varied('two'), { status: 304, headers: ['ETag', '"two"'], forwarded: [] })
    await filled(bench, ONE)
    await filled(bench, TWO)
    bench.now = later
    expect(await filled(bench, TWO)).toBe('refreshed two')
    expect(bench.asked.at(-1)?.validators?.etag).toBe('"two"')
  })

  test('by other fields than before is told apart by all of them', async () => {
    const bench = new Bench()
    bench.answer(varied('one'), varied('bar', 'Bar'), varied('both', 'Bar'))
    await filled(bench, ONE)
    await filled(bench, ['bar', 'x'])
    expect(await filled(bench, ['bar', 'x'])).toBe('hit bar')
    expect(await filled(bench, ['bar', 'x', 'foo', '2'])).toBe('filling both')
  })

  test('that does not say so this time is kept for its own selection alone', async () => {
    const bench = new Bench()
    bench.answer(varied('one'), varied('two', ''), varied('three'))
    await filled(bench, ONE)
    await filled(bench, TWO)
    expect([await filled(bench, TWO), await filled(bench, ['foo', '3'])]).toEqual([
      'hit two',
      'filling three',
    ])
  })

  test('goes with an invalidation, in all its variants', async () => {
    const bench = new Bench()
    bench.answer(varied('one'), varied('two'), varied('new'), varied('newer'))
    await filled(bench, ONE)
    await filled(bench, TWO)
    bench.sequence = bench.newest = 1
    expect([await filled(bench, TWO), await filled(bench, ONE)]).toEqual(['filling new', 'filling newer'])
  })
})

describe('a field that is one viewer\u2019s', () => {
  test('goes to him, and is neither stored nor given to who joins', async () => {
    const bench = new Bench()
    const body = new ScriptedBody()
    const headers = ['Cache-Control', 'no-cache="a", private="b", max-age=60', 'A', '1', 'B', '2', 'C', '3']
    bench.answer({ headers, body })
    const [leader, joiner] = await Promise.all([bench.get(), bench.get()])
    body.push('end')
    await settle()
    const fields = [leader, joiner, await bench.get()].map(found =>
      ('object' in found ? found.object : 'fill' in found ? found.fill : found.answer).headers.slice(2),
    )
    expect(fields).toEqual([
      ['A', '1', 'B', '2', 'C', '3'],
      ['C', '3'],
      ['C', '3'],
    ])
  })
})

describe('stale-while-revalidate', () => {
  const SWR = { headers: ['Cache-Control', 'max-age=60, stale-while-revalidate=30', 'ETag', '"1"'] }

  test('serves what is there at once and refreshes it once behind the viewers', async () => {
    const bench = new Bench()
    let fresh: (answer: Scripted) => void = () => {}
    bench.answer(SWR, new Promise<Scripted>(resolve => (fresh = resolve)))
    await filled(bench, [])
    bench.now = later
    for (let viewer = 0; viewer < 3; viewer++)
      expect(await bench.get()).toMatchObject({ kind: 'stale', why: 'revalidating' })
    expect(bench.asked.length).toBe(2)
    fresh({ ...SWR, body: new ScriptedBody().push('new', 'end') })
    await settle()
    expect(await bench.body()).toEqual(['hit', 'new'])
  })

  test('ends with its window: then it is waited for', async () => {
    const bench = new Bench()
    bench.answer(SWR, { status: 304, headers: [] })
    await filled(bench, [])
    bench.now = after(START, 90_000)
    expect(await bench.body()).toEqual(['refreshed', 'hello'])
  })

  test('leaves the stale object alone for a moment when its refreshing fails', async () => {
    const bench = new Bench()
    bench.answer(SWR, new Error('down'))
    await filled(bench, [])
    bench.now = later
    expect(await bench.get()).toMatchObject({ kind: 'stale', why: 'revalidating' })
    await settle()
    expect(await bench.get()).toMatchObject({ kind: 'stale', why: 'upstream-failed' })
    expect(bench.asked.length).toBe(2)
  })

  test('hands on nothing of what the origin keeps to itself now', async () => {
    const bench = new Bench()
    const own = { headers: ['Cache-Control', 'no-store'], body: new ScriptedBody() }
    bench.answer(SWR, own, own)
    await filled(bench, [])
    bench.now = later
    await bench.get()
    await settle()
    expect(own.body.destroyed).toBe(true)
    expect((await bench.get()).kind).toBe('passing')
  })
})

describe('stale-if-error', () => {
  test('lets a stale object stand in until its window ends', async () => {
    const bench = new Bench()
    bench.answer({ headers: ['Cache-Control', 'max-age=60, stale-if-error=30'] })
    bench.answer(new Error('down'), new Error('down'))
    await filled(bench, [])
    bench.now = after(START, 89_999)
    expect(await bench.get()).toMatchObject({ kind: 'stale', why: 'upstream-failed' })
    bench.now = after(START, 90_000)
    await expect(bench.get()).rejects.toThrow('down')
  })
})

describe('what is forgotten', () => {
  const { key, distributionId, path } = new Bench().request()

  test('is not used any more, in whatever variant, and what is asked for afterwards is', async () => {
    const bench = new Bench()
    bench.answer(varied('one'), varied('two'), varied('new'), varied('newer'), {})
    await filled(bench, ONE)
    await filled(bench, TWO)
    await filled(bench, [], '/b').catch(() => {})
    void bench.cache.forget({ distributionId, path })
    expect([await filled(bench, ONE), await filled(bench, TWO)]).toEqual(['filling newer', 'filling hello'])
    expect([await filled(bench, ONE), await filled(bench, TWO)]).toEqual(['hit newer', 'hit hello'])
    expect(await filled(bench, [], '/b')).toBe('hit new')
  })

  test('is not joined while it is fetched, nor found once it is whole', async () => {
    const bench = new Bench()
    const old = new ScriptedBody().push('ol')
    bench.answer({ body: old }, { body: new ScriptedBody().push('new', 'end') })
    const before = await bench.get()
    void bench.cache.forget({ distributionId, path })
    expect(await bench.body()).toEqual(['filling', 'new'])
    old.push('d', 'end')
    expect(await read(before)).toBe('old')
    await settle()
    expect(await bench.body()).toEqual(['hit', 'new'])
  })

  test('takes nothing from what has come to vary meanwhile, when its fetch ends', async () => {
    const bench = new Bench()
    const old = new ScriptedBody().push('ol')
    bench.answer({ body: old }, varied('one'))
    const before = await bench.get(undefined, ONE)
    void bench.cache.forget({ distributionId, path })
    expect(await filled(bench, ONE)).toBe('filling one')
    old.push('d', 'end')
    expect(await read(before)).toBe('old')
    await settle()
    expect(await filled(bench, ONE)).toBe('hit one')
  })

  test.each([
    ['in the same moment', START],
    ['after the clock was set back', after(START, -3_600_000)],
  ])('can be forgotten anew %s', async (_when, now) => {
    const bench = new Bench()
    bench.answer({}, {}, { body: new ScriptedBody().push('new', 'end') })
    await filled(bench, [])
    void bench.cache.forget({ distributionId, path })
    bench.now = now
    await filled(bench, [])
    void bench.cache.forget({ distributionId, path })
    expect(await filled(bench, [])).toBe('filling new')
    expect(await filled(bench, [])).toBe('hit new')
  })

  test('stays so when the clock is set back', async () => {
    const bench = new Bench()
    bench.answer({}, { body: new ScriptedBody().push('new', 'end') })
    await bench.body()
    await settle()
    void bench.cache.forget({ distributionId, path })
    bench.now = after(START, -3_600_000)
    expect(await bench.body()).toEqual(['filling', 'new'])
    await settle()
    expect(await bench.body()).toEqual(['hit', 'new'])
  })

  test('is all that is as old when there are too many paths to tell apart', async () => {
    const bench = new Bench()
    bench.answer({}, {})
    await filled(bench, [])
    bench.now = after(START, 1_000)
    await filled(bench, [], '/young')
    bench.now = START
    for (let each = 0; each <= 10_000; each++) void bench.cache.forget({ distributionId, path: `/${each}` })
    bench.answer({})
    bench.now = after(START, 2_000)
    expect([await filled(bench, []), await filled(bench, [], '/young')]).toEqual([
      'filling hello',
      'hit hello',
    ])
  })

  test('is all of its own distribution then, and of no other', async () => {
    const bench = new Bench()
    bench.answer({})
    await filled(bench, [])
    bench.now = after(START, 1_000)
    const other = 'EOTHER' as typeof distributionId // a test's own
    for (let each = 0; each <= 10_000; each++)
      void bench.cache.forget({ distributionId: other, path: `/${each}` })
    expect(await filled(bench, [])).toBe('hit hello')
  })

  test('is deleted under its own key, so that a restart does not bring it back', async () => {
    const disk = new SlowDisk()
    const bench = new Bench({ disk })
    bench.answer({})
    await filled(bench, [])
    expect(disk.objects).toBe(1)
    void bench.cache.forget({ distributionId, path, keys: [key] })
    expect(disk.objects).toBe(0)
  })
})

describe('a disk', () => {
  test('answers when memory does not, in the variant that is asked for, and nobody upstream is asked', async () => {
    const disk = new SlowDisk()
    const first = new Bench({ disk })
    first.answer(varied('one'), varied('two'))
    await filled(first, ONE)
    await filled(first, TWO)
    const second = new Bench({ disk })
    expect(second.cache.lookup(second.request(undefined, TWO))).toBeInstanceOf(Promise)
    expect(await second.body(undefined, TWO)).toEqual(['hit', 'two'])
    expect(second.cache.lookup(second.request(undefined, TWO))).toMatchObject({ kind: 'hit' })
    expect(second.asked).toEqual([])
  })

  test('that has nothing costs one fetch, however many ask', async () => {
    const bench = new Bench({ disk: new SlowDisk() })
    bench.answer({})
    const crowd = await Promise.all([bench.get(), bench.get(), bench.get()])
    expect(crowd.map(found => found.kind === 'filling' && found.joined)).toEqual([false, true, true])
  })
})

/** Answers in a later turn. */
class SlowDisk implements CacheTier {
  readonly #kept = new Map<CacheKey, StoredObject>()

  get(key: CacheKey): Promise<StoredObject | undefined> {
    return Promise.resolve(this.#kept.get(key))
  }

  set(object: StoredObject): void {
    this.#kept.set(object.key, object)
  }

  delete(key: CacheKey): void {
    this.#kept.delete(key)
  }

  get objects(): number {
    return this.#kept.size
  }

  get bytes(): number {
    return 0
  }
}

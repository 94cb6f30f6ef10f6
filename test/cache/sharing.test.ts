import { describe, expect, test } from 'vitest'
import { after } from '../../src/core/index.ts'
import type { Found } from '../../src/cache/index.ts'
import { Bench, read, ScriptedBody, settle, START, type Scripted } from './scripted-upstream.ts'

const later = after(START, 61_000)
const ALICE = ['cookie', 'user=alice']
const BOB = ['cookie', 'user=bob']

function says(text: string, headers: string[], more: Partial<Scripted> = {}): Scripted {
  return { headers, forwarded: [], body: new ScriptedBody().push(text, 'end'), ...more }
}

const page = (text: string, control: string, more: Partial<Scripted> = {}): Scripted =>
  says(text, ['Cache-Control', control, 'ETag', `"${text}"`], more)

const kept = (text: string): Scripted => page(text, 'max-age=60')

async function filled(bench: Bench, path?: string, fields?: string[]): Promise<string> {
  const [kind, text] = await bench.body(path, fields)
  await settle()
  return `${kind} ${text}`
}

const isJoined = (found: Found): unknown => 'joined' in found && found.joined

describe('an answer of which the origin says that it is asked each time', () => {
  const CONTROLS = [
    'no-cache',
    'max-age=0',
    'no-cache, max-age=60',
    'public, s-maxage=0',
    'max-age=0, stale-if-error=9',
  ]

  test.each(CONTROLS)('goes to no other viewer who waits: %s', async control => {
    const bench = new Bench()
    bench.answer(page('alice', control), page('bob', control))
    const both = await Promise.all([bench.get('/me', []), bench.get('/me', [])])
    expect(both.map(isJoined)).toEqual([false, false])
    expect(await Promise.all(both.map(read))).toEqual(['alice', 'bob'])
  })

  test.each(CONTROLS)('nor to one who comes while it is on its way: %s', async control => {
    const bench = new Bench()
    const slow = new ScriptedBody().push('ali')
    bench.answer(page('alice', control, { body: slow }), page('bob', control))
    const first = await bench.get('/me', [])
    expect(await filled(bench, '/me', [])).toBe('filling bob')
    slow.push('ce', 'end')
    expect(await read(first)).toBe('alice')
  })

  test('is confirmed for each who waits by a question of his own, none behind the other', async () => {
    const bench = new Bench()
    const same = says('', ['ETag', '"page"'], { status: 304 })
    bench.answer(page('page', 'no-cache'), same, same, same)
    await filled(bench)
    const all = await Promise.all([bench.get(), bench.get(), bench.get()])
    expect(all.map(({ kind }) => kind)).toEqual(['refreshed', 'refreshed', 'refreshed'])
    expect(bench.asked.map(({ validators }) => validators?.etag)).toEqual([
      ...[undefined, '"page"', '"page"', '"page"'],
    ])
  })

  test('is not queued for again once that is known', async () => {
    const bench = new Bench()
    bench.answer(page('one', 'no-cache'), new Promise<Scripted>(() => {}), page('two', 'no-cache'))
    await filled(bench)
    void bench.get() // never answered
    expect(await filled(bench)).toBe('filling two')
  })

  test.each([
    ['cookies that it sets', ['Set-Cookie', 'sid=BOB'], []],
    ['cookies that were brought', [], ['cookie']],
  ])('is not kept with %s', async (_, more, forwarded) => {
    const bench = new Bench()
    const headers = ['Cache-Control', 'public, max-age=0', 'ETag', 'W/"page"', ...more]
    bench.answer(says('bob', headers, { forwarded }), says('carol', headers, { forwarded }))
    await filled(bench, '/', BOB)
    expect(await filled(bench, '/', ['cookie', 'user=carol'])).toBe('passing carol')
    expect([bench.asked[1]?.validators, bench.cache.objects]).toEqual([undefined, 0])
  })

  test('is joined where a node says how long it lives, and where it may be served stale meanwhile', async () => {
    const bench = new Bench()
    bench.answer(says('node', ['Cache-Control', 'no-cache', 'Sluice-Cache-Control', 'max-age-ms=0']))
    bench.answer(page('stale', 'max-age=0, stale-while-revalidate=60'))
    const found = await Promise.all([bench.get('/1'), bench.get('/1'), bench.get('/2'), bench.get('/2')])
    expect(found.map(isJoined)).toEqual([false, true, false, true])
  })
})

describe('an answer that is on its way', () => {
  test.each([
    ['and has outlived its freshness', 'max-age=2', 2_000],
    ['and of which nothing is said, for a moment,', 'x', 1_000],
  ])('%s is joined no more', async (_, control, over) => {
    const bench = new Bench()
    const slow = new ScriptedBody().push('old')
    bench.answer(page('old', control, { body: slow }), page('new', control))
    const request = (): ReturnType<typeof bench.request> => ({
      ...{ ...bench.request(), bounds: { minimum: 0, default: 0, maximum: 60 } },
    })
    await bench.cache.lookup(request())
    await settle()
    bench.now = after(START, over - 1)
    expect(isJoined(await bench.cache.lookup(request()))).toBe(true)
    bench.now = after(START, over)
    const found = await bench.cache.lookup(request())
    expect([isJoined(found), await read(found)]).toEqual([false, 'new'])
    slow.push('end')
  })

  test('and may be reused is for all who have waited for it, however long that was', async () => {
    const bench = new Bench()
    bench.answer(
      page('slow', 'max-age=1', { headers: ['Cache-Control', 'max-age=1', 'Age', '5', 'ETag', '"1"'] }),
    )
    const both = await Promise.all([bench.get(), bench.get()])
    expect(both.map(isJoined)).toEqual([false, true])
  })
})

describe('a 304 that says for the first time that the answer varies', () => {
  const varies = ['Cache-Control', 'max-age=60', 'ETag', '"one"', 'Vary', 'Foo']

  test('keeps it for those who select the same', async () => {
    const bench = new Bench()
    bench.answer(kept('one'), says('', varies, { status: 304 }), says('two', varies))
    const [ONE, TWO] = [
      ['foo', '1'],
      ['foo', '2'],
    ]
    await filled(bench, '/a', ONE)
    bench.now = later
    const [first, second, third] = await Promise.all([ONE, TWO, ONE].map(each => bench.get('/a', each)))
    expect([first?.kind, third?.kind]).toEqual(['refreshed', 'refreshed'])
    expect(second && (await read(second))).toBe('two')
    await settle()
    const again = [await filled(bench, '/a', ONE), await filled(bench, '/a', TWO)]
    expect([again, bench.asked.length]).toEqual([['hit one', 'hit two'], 3])
  })

  test('by other fields than it did keeps it under all of them', async () => {
    const bench = new Bench()
    const both = ['foo', '1', 'bar', '1']
    bench.answer(
      says('one', varies),
      says('', [...varies, 'Vary', 'Bar'], { status: 304 }),
      says('two', varies),
    )
    await filled(bench, '/a', both)
    bench.now = later
    expect(await filled(bench, '/a', both)).toBe('refreshed one')
    expect(await filled(bench, '/a', ['foo', '1', 'bar', '2'])).toBe('filling two')
    expect(await filled(bench, '/a', both)).toBe('hit one')
  })
})

describe('a 304 with another strong entity tag', () => {
  const other = says('', ['Cache-Control', 'max-age=60', 'ETag', '"two"'], { status: 304 })

  test('freshens nothing: the whole is asked for', async () => {
    const bench = new Bench()
    bench.answer(kept('one'), other, kept('two'))
    await filled(bench)
    bench.now = later
    expect([await filled(bench), await filled(bench)]).toEqual(['filling two', 'hit two'])
    expect(bench.asked.map(({ validators }) => validators?.etag)).toEqual([undefined, '"one"', undefined])
  })

  test('is believed where the whole cannot be had, and what is stored keeps its own', async () => {
    const bench = new Bench()
    bench.answer(kept('one'), other, new Error('down'))
    await filled(bench)
    bench.now = later
    expect(await bench.get()).toMatchObject({ kind: 'refreshed', object: { validators: { etag: '"one"' } } })
    expect(await filled(bench)).toBe('hit one')
  })

  test.each(['W/"two"', '"one"', 'W/"one"'])(
    'is not one that is weak or the same but for that: %s',
    async etag => {
      const bench = new Bench()
      bench.answer(says('one', ['Cache-Control', 'max-age=60', 'ETag', 'W/"one"']))
      bench.answer(says('', ['Cache-Control', 'max-age=60', 'ETag', etag], { status: 304 }))
      await filled(bench)
      bench.now = later
      expect(await filled(bench)).toBe('refreshed one')
    },
  )
})

describe('what was stored and is answered otherwise now', () => {
  test.each<[string, number, Scripted]>([
    ['is gone with a 404', 0, says('', ['Cache-Control', 'no-store'], { status: 404 })],
    ['is gone with a 410', 0, says('', ['Cache-Control', 'no-store'], { status: 410 })],
    ['is gone with a 404 to a viewer with cookies', 0, { status: 404, headers: [], forwarded: ['cookie'] }],
    ['is gone once it is private', 0, page('own', 'private')],
    ['is gone once it is too large', 0, says('', ['Content-Length', '1000000'])],
    ['stays when too many ask', 1, { status: 429, headers: [] }],
    ['stays when a viewer asks badly', 1, { status: 400, headers: [] }],
    ['stays when one viewer gets his own for his cookies', 1, says('own', [], { forwarded: ['cookie'] })],
    [
      'stays when that is confirmed to a viewer with cookies',
      1,
      { status: 304, headers: ['Cache-Control', ''], forwarded: ['cookie'] },
    ],
  ])('%s', async (_, objects, answer) => {
    const bench = new Bench()
    bench.answer(kept('old'), answer)
    await filled(bench, '/a', [])
    bench.now = later
    await filled(bench, '/a', ALICE)
    expect(bench.cache.objects).toBe(objects)
  })
})

describe('a folder of which three answers in a row were personal', () => {
  async function personal(bench: Bench): Promise<void> {
    for (const each of [1, 2, 3]) {
      bench.answer(page('own', 'private'))
      await filled(bench, `/f/${each}`)
    }
  }

  test('loses neither what stands in for trouble nor revalidation nor its crowds', async () => {
    const bench = new Bench()
    bench.answer(kept('old'))
    await filled(bench, '/f/a')
    await personal(bench)
    bench.now = later
    bench.answer(says('', ['ETag', '"old"'], { status: 304 }))
    expect((await Promise.all([bench.get('/f/a'), bench.get('/f/a')])).map(({ kind }) => kind)).toEqual([
      ...['refreshed', 'refreshed'],
    ])
    await personal(bench)
    bench.now = after(later, 61_000 + 86_400_000)
    bench.answer(new Error('away'))
    expect(await filled(bench, '/f/a')).toBe('stale old')
    expect(bench.asked.at(-1)?.validators?.etag).toBe('"old"')
  })

  test('lets no more than 64 go on side by side to something that turns out to be for all', async () => {
    const bench = new Bench()
    await personal(bench)
    const before = bench.asked.length
    bench.answer(...Array.from({ length: 100 }, () => kept('new')))
    const crowd = await Promise.all(Array.from({ length: 100 }, () => bench.get('/f/new')))
    expect([bench.asked.length - before, crowd.filter(isJoined).length]).toEqual([65, 35])
  })
})

describe('an answer that is one viewer\u2019s for what he sent', () => {
  const own = (text: string, field = 'cookie'): Scripted => says(text, [], { forwarded: [field] })

  test.each(['cookie', 'authorization'])('keeps crowds without %s together', async field => {
    const bench = new Bench()
    bench.answer(own('alice', field))
    expect(await filled(bench, '/a', [field, 'alice'])).toBe('passing alice')
    bench.answer(kept('all'))
    const crowd = await Promise.all([bench.get('/a', []), bench.get('/a', []), bench.get('/a', [])])
    expect(crowd.map(isJoined)).toEqual([false, true, true])
  })

  test('is not waited for by others who send such', async () => {
    const bench = new Bench()
    bench.answer(own('alice'), new Promise<Scripted>(() => {}), own('bob'))
    await filled(bench, '/a', ALICE)
    void bench.get('/a', ALICE) // never answered
    expect(await filled(bench, '/a', BOB)).toBe('passing bob')
  })

  test('and was waited for by a crowd without it costs that crowd one question', async () => {
    const bench = new Bench()
    bench.answer(own('alice'), kept('all'))
    const [first, ...others] = await Promise.all([ALICE, [], [], []].map(each => bench.get('/a', each)))
    expect([first?.kind, ...others.map(isJoined)]).toEqual(['passing', false, true, true])
    expect(bench.asked.length).toBe(2)
  })

  test('for a field that is keyed says so of all who ask by that key', async () => {
    const bench = new Bench()
    bench.answer(own('one', 'authorization'), new Promise<Scripted>(() => {}), own('two', 'authorization'))
    await filled(bench)
    void bench.get() // never answered
    expect(await filled(bench)).toBe('passing two')
  })
})

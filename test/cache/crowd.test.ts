import { describe, expect, test } from 'vitest'
import { Bench, read, ScriptedBody, settle, type Scripted } from './scripted-upstream.ts'

const kept = ['Cache-Control', 'max-age=60']

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

describe('when the memory for fills is taken by bodies that do not end', () => {
  const sized = (body: ScriptedBody): Scripted => ({
    headers: [...kept, 'Content-Length', '100000'],
    body,
  })

  test('others go on without being kept, and are kept once there is room again', async () => {
    const bench = new Bench({ maxBytes: 400_000, largestObject: 100_000, patience: 20 })
    const stuck = [new ScriptedBody(), new ScriptedBody()]
    const text = (): ScriptedBody => new ScriptedBody().push('y'.repeat(100_000), 'end')
    bench.answer(...stuck.map(sized), sized(text()), sized(text()), sized(text()))
    await Promise.all([bench.get('/0'), bench.get('/1')])
    const [one, other] = await Promise.all([bench.get('/healthy'), bench.get('/healthy')])
    expect([one, other]).toMatchObject([
      { kind: 'passing', reason: 'full' },
      { kind: 'passing', reason: 'full' },
    ])
    expect([(await read(one)).length, (await read(other)).length]).toEqual([100_000, 100_000])
    for (const body of stuck) body.push(new Error('cut'))
    await settle()
    expect((await bench.body('/healthy'))[0]).toBe('filling')
    await settle()
    expect((await bench.get('/healthy')).kind).toBe('hit')
  })
})

import { describe, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import type { Fetch, Outcome } from '../../src/functions/index.ts'
import { importsOf } from '../house/imports.ts'
import { readTree } from '../house/tree.ts'
import { named, outcomeOf, program, runnerOf, stored, valueOf } from './runner-under-test.ts'

const returned = (outcome: Outcome): unknown => (outcome.kind === 'returned' ? outcome.value : outcome)

describe('a handler', () => {
  test.each([
    ['cloudfront-js-1.0', 'function handler(event) { event.seen = true; return event }'],
    ['cloudfront-js-1.0', 'var handler = function (event) { event.seen = true; return event }'],
    ['cloudfront-js-2.0', 'async function handler(event) { return { ...event, seen: true } }'],
    ['cloudfront-js-2.0', 'const handler = async event => ({ ...event, seen: true })'],
    [
      'cloudfront-js-2.0',
      "import crypto from 'crypto'\nfunction handler(event) { event.seen = !!crypto; return event }",
    ],
    ['cloudfront-js-2.0', 'export function handler(event) { return { ...event, seen: true } }'],
    ['sluice-js-1', 'function handler(event) { return { ...event, seen: true } } // no line after this'],
    ['sluice-js-1', 'export async function handler(event) { return { ...event, seen: true } }'],
    ['lambda-edge', 'exports.handler = async event => ({ ...event, seen: true })'],
    [
      'lambda-edge',
      "'use strict'\nexports.handler = (event, context, callback) => { callback(null, { ...event, seen: true }) }",
    ],
    [
      'lambda-edge',
      'module.exports = { handler(event, context, callback) { setTimeout(() => callback(null, { ...event, seen: true }), 1) } }',
    ],
    ['lambda-edge', 'export const handler = async event => ({ ...event, seen: true })'],
    ['lambda-edge', 'const h = async e => ({ ...e, seen: true })\nexport { h as handler }'],
  ] as const)('of %s may be written as %j', async (runtime, code) => {
    expect(await valueOf(runtime, code, { given: [1, 'two', null] })).toEqual({
      given: [1, 'two', null],
      seen: true,
    })
  })

  test('is handed strings of every character, and hands them back', async () => {
    const text = 'a\0b\u2028\u2029\ud800c\udfff"\\\u{1f600}é\n'
    expect(
      await valueOf('cloudfront-js-2.0', 'function handler(e) { e.length = e.text.length; return e }', {
        text,
      }),
    ).toEqual({
      text,
      length: text.length,
    })
  })

  test('of Lambda@Edge is told of itself and of its time', async () => {
    const code = `exports.handler = async (event, context) => [context.functionName, context.functionVersion,
      context.memoryLimitInMB, context.getRemainingTimeInMillis() > 0, Object.keys(process.env).length]`
    const runner = await runnerOf([program('lambda-edge', code, { id: named('login:3') })])
    const outcome = await runner.run({ function: named('login:3'), event: 'origin-request', argument: {} })
    expect(returned(outcome)).toEqual(['login', '3', '128', true, 0])
  })

  test('has its log told, and its errors, but not by its answer', async () => {
    const code = `function handler(event) {
      console.log('one', { two: 2 }, 3, undefined, null)
      console.error(new TypeError('four'))
      throw new Error('five')
    }`
    const outcome = await outcomeOf('cloudfront-js-2.0', code)
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'function-failed' })
    expect(outcome.kind === 'failed' && outcome.message.split('\n')[0]).toBe('Error: five')
    expect(outcome.logs[0]).toBe('one {"two":2} 3 undefined null')
    expect(outcome.logs[1]).toMatch(/^TypeError: four\n/)
  })
})

describe('the origin', () => {
  const run = async (code: string, event: 'viewer-request' | 'viewer-response' = 'viewer-request') =>
    outcomeOf('cloudfront-js-2.0', `import cf from 'cloudfront'\n${code}`, { uri: '/' }, event)

  test.each([
    ['cf.updateRequestOrigin({ domainName: "b.test" })', { kind: 'update', with: { domainName: 'b.test' } }],
    ['cf.selectRequestOriginById("b")', { kind: 'select', originId: 'b' }],
    [
      'cf.createRequestOriginGroup({ originIds: ["a", "b"] })',
      { kind: 'group', with: { originIds: ['a', 'b'] } },
    ],
  ])('is changed by %s', async (call, origin) => {
    expect(await run(`function handler(event) { ${call}; return event }`)).toMatchObject({
      kind: 'returned',
      value: { uri: '/' },
      origin,
    })
  })

  test('is not changed at viewer-response', async () => {
    const outcome = await run(
      'function handler(e) { cf.selectRequestOriginById("b"); return e }',
      'viewer-response',
    )
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'function-failed' })
  })

  test('is that of one run, not of the next', async () => {
    const code = `import cf from 'cloudfront'
      function handler(e) { if (e.change) cf.selectRequestOriginById('b'); return e }`
    const runner = await runnerOf([program('cloudfront-js-2.0', code)])
    const run = (change: boolean) =>
      runner.run({ function: named('f'), event: 'viewer-request', argument: { change } })
    expect(await run(true)).toHaveProperty('origin')
    expect(await run(false)).not.toHaveProperty('origin')
  })
})

test('a key value store is read as text, JSON or bytes, and what is not in it is an error', async () => {
  const code = `import cf from 'cloudfront'
    async function handler() {
      const kvs = cf.kvs(), same = cf.kvs('store-1')
      return [
        await kvs.get('text'), await same.get('json', { format: 'json' }),
        (await kvs.get('text', { format: 'bytes' })).toString('hex'),
        await kvs.exists('text'), await kvs.exists('none'), await kvs.count(), (await kvs.meta()).keyCount,
        await kvs.get('none').catch(error => error.message),
      ]
    }`
  const store = new Map([
    ['text', 'é'],
    ['json', '{"a":[1]}'],
  ])
  const runner = await runnerOf(
    [program('cloudfront-js-2.0', code, { store: stored('store-1') })],
    new Map([[stored('store-1'), store]]),
  )
  const run = () => runner.run({ function: named('f'), event: 'viewer-request', argument: {} })
  expect(returned(await run())).toEqual(['é', { a: [1] }, 'c3a9', true, false, 2, 2, 'KeyNotFound'])
})

test('the date stands still for CloudFront, at the start of the run, and goes on for Lambda@Edge', async () => {
  const code = `const start = Date.now()
    while (globalThis.process === undefined ? false : Date.now() < start + 3) {}
    return [Date.now() - start, new Date().getTime() === start, new Date() instanceof Date, new Date(0).toISOString(), typeof Date()]`
  const runner = await runnerOf(
    [
      program('cloudfront-js-1.0', `function handler() { ${code} }`, { id: named('c') }),
      program('lambda-edge', `exports.handler = async () => { ${code} }`, { id: named('l') }),
      program('cloudfront-js-2.0', 'function handler() { return Date.now() }', { id: named('now') }),
    ],
    new Map(),
    { clock: { now: () => instant(1_700_000_000_123) } },
  )
  const run = async (name: string) =>
    returned(await runner.run({ function: named(name), event: 'viewer-request', argument: {} }))
  expect(await run('c')).toEqual([0, true, true, '1970-01-01T00:00:00.000Z', 'string'])
  const [passed] = (await run('l')) as [number] // what the code returns
  expect(passed).toBeGreaterThanOrEqual(3)
  expect(await run('now')).toBe(1_700_000_000_123)
})

describe('a program', () => {
  test.each([
    ['cloudfront-js-1.0', 'function handler(event) {', /SyntaxError.*f\.js:1/],
    ['cloudfront-js-2.0', "import x from 'fs'\nfunction handler(e) { return e }", /no module 'fs'/],
    ['cloudfront-js-2.0', 'var a = 1\n\nlet = = 2', /SyntaxError.*f\.js:3/],
    ['cloudfront-js-1.0', 'function handle() {}', /no function handler/],
    ['lambda-edge', 'exports.other = 1', /no function exports\.handler/],
    ['lambda-edge', 'var a = 1\nthrow new Error("at the top")', /at the top.*f\.js:2/],
    ['cloudfront-js-1.0', `function handler() {}\n//${'x'.repeat(10_240)}`, /longer than 10240 bytes/],
    ['cloudfront-js-1.0', 'while (true) {}', /did not end in time/],
  ] as const)('of %s that is %j is told what is wrong', async (runtime, code, message) => {
    const runner = await runnerOf([])
    expect(await runner.check(program(runtime, code))).toMatch(message)
  })

  test('that is well has nothing wrong with it, and is not known by that', async () => {
    const runner = await runnerOf([])
    expect(await runner.check(program('lambda-edge', 'exports.handler = async () => 1'))).toBeUndefined()
    const outcome = await runner.run({ function: named('f'), event: 'viewer-request', argument: {} })
    expect(outcome).toMatchObject({ kind: 'failed', message: 'the function f is not known here' })
  })

  test('that does not compile fails, and others run', async () => {
    const runner = await runnerOf([
      program('cloudfront-js-1.0', 'function (', { id: named('bad') }),
      program('cloudfront-js-1.0', 'function handler(e) { return e }', { id: named('good') }),
    ])
    const run = (name: string) => runner.run({ function: named(name), event: 'viewer-request', argument: 1 })
    expect(await run('bad')).toMatchObject({ kind: 'failed', reason: 'function-failed' })
    expect(returned(await run('good'))).toBe(1)
    expect(await run('none')).toMatchObject({
      kind: 'failed',
      message: 'the function none is not known here',
    })
  })

  test('that is changed is another, and runs that are under way end as what they were', async () => {
    const slow = 'exports.handler = async () => { await new Promise(r => setTimeout(r, 50)); return 1 }'
    const runner = await runnerOf([program('lambda-edge', slow)])
    const run = () => runner.run({ function: named('f'), event: 'origin-request', argument: {} })
    const before = run()
    await runner.follow([program('lambda-edge', 'exports.handler = async () => 2')], new Map())
    expect(returned(await run())).toBe(2)
    expect(returned(await before)).toBe(1)
    await runner.follow([], new Map())
    expect(await run()).toMatchObject({ kind: 'failed' })
  })
})

describe('the runner', () => {
  test('begins no thread, and loads nothing of QuickJS, while it knows no function', async () => {
    const begun: unknown[] = []
    const note = (worker: unknown): void => void begun.push(worker)
    process.on('worker', note)
    const runner = await runnerOf([], new Map(), {})
    const outcome = await runner.run({ function: named('f'), event: 'viewer-request', argument: 1 })
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'function-failed' })
    expect(begun).toEqual([])
    await runner.follow([program('cloudfront-js-2.0', 'function handler() { return 1 }')], new Map())
    expect(begun.length).toBe(1)
    process.off('worker', note)
    const tree = readTree()
    const loaded = [...tree.keys()].filter(file => /^src\/functions\/[^/]+\.ts$/.test(file))
    const specifiers = loaded.flatMap(file =>
      importsOf(file, tree.get(file) ?? '').map(({ specifier }) => specifier),
    )
    expect(specifiers.filter(each => each.includes('quickjs') || each.includes('/thread/'))).toEqual([])
  })

  test('ends what runs when it is closed, and runs nothing after that', async () => {
    const code = 'exports.handler = () => new Promise(resolve => setTimeout(resolve, 20_000))'
    const runner = await runnerOf([program('lambda-edge', code)], new Map(), {})
    const run = () => runner.run({ function: named('f'), event: 'origin-request', argument: {} })
    const under = [run(), run()]
    await runner.close()
    const closed = { kind: 'failed', message: 'the runner has been closed' }
    expect(await Promise.all([...under, run()])).toMatchObject([closed, closed, closed])
  })

  test('cuts a handler off that waits for longer than it may', async () => {
    const code = 'exports.handler = () => new Promise(resolve => setTimeout(resolve, 20_000))'
    expect(await outcomeOf('lambda-edge', code)).toMatchObject({
      ...{ kind: 'failed', reason: 'function-timeout' },
      message: 'it was cut off, since it waited longer than it may',
    })
  })

  test.each([
    [
      'is thrown by a timer',
      `setTimeout(() => { throw new Error('late') }, 1); await fetch('http://a.test/')`,
    ],
    ['does not wait', `fetch('http://a.test/'); throw new Error('late')`],
  ])('ends what a handler has asked when it is over, here by what %s', async (_, body) => {
    const signals: AbortSignal[] = []
    const fetch: Fetch = asked => {
      signals.push(asked.signal)
      return new Promise(() => undefined)
    }
    const code = `exports.handler = async () => { ${body} }`
    const runner = await runnerOf([program('lambda-edge', code, { hosts: ['a.test'] })], new Map(), { fetch })
    const outcome = await runner.run({ function: named('f'), event: 'origin-request', argument: {} })
    expect(outcome).toMatchObject({
      reason: 'function-failed',
      message: expect.stringMatching(/late/) as unknown,
    })
    expect(signals.map(each => each.aborted)).toEqual([true])
  })

  test('tells a store anew when it has changed, to sandboxes that are warm', async () => {
    const code = `import cf from 'cloudfront'\nlet runs = 0
      async function handler() { return [++runs, await cf.kvs().get('a')] }`
    const programs = [program('cloudfront-js-2.0', code, { store: stored('s') })]
    const storesOf = (value: string) => new Map([[stored('s'), new Map([['a', value]])]])
    const runner = await runnerOf(programs, storesOf('1'))
    const run = async () =>
      returned(await runner.run({ function: named('f'), event: 'viewer-request', argument: {} }))
    expect(await run()).toEqual([1, '1'])
    await runner.follow(programs, storesOf('2'))
    expect(await run()).toEqual([2, '2'])
  })

  test('refuses code at viewer events that is for origin events only', async () => {
    const runner = await runnerOf([
      program('lambda-edge', `exports.handler = async () => 1 //${'x'.repeat(1_048_576)}`),
    ])
    const run = (event: 'viewer-request' | 'origin-request') =>
      runner.run({ function: named('f'), event, argument: {} })
    expect(await run('viewer-request')).toMatchObject({
      message: expect.stringMatching(/longer than 1048576/) as unknown,
    })
    expect(returned(await run('origin-request'))).toBe(1)
  })
})

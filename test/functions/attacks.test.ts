import { describe, expect, test } from 'vitest'
import type { Json, Outcome } from '../../src/functions/index.ts'
import { named, outcomeOf, program, runnerOf, valueOf } from './runner-under-test.ts'

/** Made and awaited by the second runtime; the others differ in nothing that is tried here. */
const attack = (body: string): string => `async function handler(event) { ${body} }`

async function endOf(body: string): Promise<string> {
  const outcome = await outcomeOf('cloudfront-js-2.0', attack(body))
  return outcome.kind === 'failed' ? outcome.reason : JSON.stringify(outcome.value)
}

/** A function beside it that is well, before and after. */
async function withNeighbour(code: string, runtime: 'cloudfront-js-2.0' | 'lambda-edge'): Promise<Outcome[]> {
  const runner = await runnerOf([
    program(runtime, code, { id: named('bad') }),
    program('cloudfront-js-2.0', 'function handler(event) { return event }', { id: named('good') }),
  ])
  const run = (name: string, argument: Json) =>
    runner.run({ function: named(name), event: 'viewer-request', argument })
  return Promise.all([run('good', 1), run('bad', 2), run('good', 3), run('good', 4)])
}

describe('time', () => {
  test.each([
    ['a loop', 'while (true) {}'],
    ['a loop that catches', 'while (true) { try { while (true) {} } catch {} finally { continue } }'],
    [
      'a loop of promises',
      'const again = () => { Promise.resolve().then(again) }; again(); await new Promise(() => {})',
    ],
    ['a loop of awaits', 'for (;;) await null'],
    ['a generator', 'for (const x of (function* () { while (true) yield 1 })()) ;'],
    ['a regular expression', 'return /(a+)+b/.test("a".repeat(64))'],
    ['a regular expression that looks back', 'return /^(?:(.)\\1?)*$(?<=b)/.test("a".repeat(5000))'],
    ['a getter of what is returned', 'return { get a() { while (true) {} } }'],
    ['toJSON of what is returned', 'return { toJSON() { while (true) {} } }'],
    ['a proxy that is returned', 'return new Proxy({}, { ownKeys() { while (true) {} } })'],
    ['the message of what is thrown', 'throw { get message() { while (true) {} } }'],
    ['what a thenable does', 'return { then() { while (true) {} } }'],
    ['a job that is left behind', 'Promise.resolve().then(() => { while (true) {} }); return 1'],
  ])('without end in %s is cut off', async (_, body) => {
    expect(await endOf(body)).toBe('function-timeout')
  })

  test.each([
    ['an indexOf', 'Array.prototype.indexOf.call({ length: 2 ** 52 }, 1)'],
    ['a join', 'return Array.prototype.join.call({ length: 2 ** 31 }, "").length'],
    ['a copy', 'Array.prototype.copyWithin.call({ length: 2 ** 52 }, 0, 1)'],
  ])('without end in %s, where QuickJS does not look at it, ends the thread', async (_, body) => {
    expect(await endOf(body)).toMatch(/^function-(timeout|memory|failed)$/)
  })

  test('that QuickJS does not look at ends the thread, and who stood behind is run by another', async () => {
    const code = attack('return Array.prototype.indexOf.call({ length: 2 ** 52 }, 1)')
    const programs = [
      program('cloudfront-js-2.0', code, { id: named('bad') }),
      program('cloudfront-js-2.0', 'function handler(event) { return event }', { id: named('good') }),
    ]
    const runner = await runnerOf(programs, new Map(), { threads: 1 })
    const run = (name: string) =>
      runner.run({ function: named(name), event: 'viewer-request', argument: name })
    const [bad, ...good] = await Promise.all([run('bad'), run('good'), run('good')])
    expect(bad).toEqual({
      ...{ kind: 'failed', reason: 'function-timeout', message: 'it did not stop when its time was over' },
      ...{ logs: [], used: 100 },
    })
    expect(good.map(each => each.kind)).toEqual(['returned', 'returned'])
    expect(await run('good')).toMatchObject({ value: 'good' })
  })

  test('that never comes is told at once', async () => {
    const outcome = await outcomeOf('cloudfront-js-2.0', attack('await new Promise(() => {})'))
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'function-failed' })
    expect(outcome).toHaveProperty('message', expect.stringMatching(/waits for what never comes/))
  })

  test('of one function is no other function’s', async () => {
    const outcomes = await withNeighbour(attack('while (true) {}'), 'cloudfront-js-2.0')
    expect(outcomes.map(each => each.kind)).toEqual(['returned', 'failed', 'returned', 'returned'])
  })

  test('of a handler that computes for half a minute is no other function’s', async () => {
    const programs = [
      program('lambda-edge', 'exports.handler = async () => { for (;;) ; }', { id: named('bad') }),
      program('cloudfront-js-2.0', 'function handler(event) { return event }', { id: named('good') }),
    ]
    const runner = await runnerOf(programs, new Map(), { threads: 2 })
    const run = (name: string) => runner.run({ function: named(name), event: 'origin-request', argument: 1 })
    const bad = Promise.all([1, 2, 3, 4, 5, 6].map(() => run('bad')))
    const good = await Promise.all([1, 2, 3, 4, 5, 6].map(() => run('good')))
    expect(good.map(each => each.kind)).toEqual(Array(6).fill('returned'))
    await runner.close()
    expect((await bad).map(each => each.kind)).toEqual(Array(6).fill('failed'))
  })
})

describe('memory', () => {
  test.each([
    ['a list', 'const a = []; while (true) a.push({})'],
    ['a long list', 'return new Array(1e7).fill(0).length'],
    ['text', 'let a = "a"; while (true) a += a + a'],
    ['repeated text', 'return "a".repeat(1e8).length'],
    ['bytes', 'return new Uint8Array(1e9).length'],
    ['a Buffer', 'return Buffer.alloc(1e8).length'],
    ['padding', 'return "".padStart(1e9).length'],
    ['a JSON text', 'return JSON.stringify(Array(5e5).fill("abcdefgh")).length'],
    ['a map', 'const a = new Map(); for (let i = 0; ; i++) a.set(i, i)'],
    ['closures', 'let f = () => 0; for (;;) { const g = f; f = () => g }'],
  ])('without end in %s is refused', async (_, body) => {
    expect(await endOf(body)).toMatch(/^function-(memory|timeout)$/)
  })

  test('that is caught is given back', async () => {
    const body = 'let full = false; try { "a".repeat(1e8) } catch { full = true } return full'
    expect(await endOf(body)).toBe('true')
  })

  test('is counted over runs, and when it is full the function begins anew', async () => {
    const code =
      'const kept = []; function handler() { kept.push(new Uint8Array(100_000)); return kept.length }'
    const runner = await runnerOf([program('cloudfront-js-2.0', code)])
    const kept: unknown[] = []
    for (let at = 0; at < 50; at++) {
      const outcome = await runner.run({ function: named('f'), event: 'viewer-request', argument: {} })
      kept.push(outcome.kind === 'returned' ? outcome.value : outcome)
    }
    const most = Math.max(...kept.map(Number))
    expect(most).toBeGreaterThanOrEqual(18)
    expect(most).toBeLessThanOrEqual(21)
    expect(kept).toEqual(kept.map((_, at) => (at % most) + 1))
  })

  test.each([
    ['cloudfront-js-1.0', 2],
    ['cloudfront-js-2.0', 2],
    ['sluice-js-1', 64],
    ['lambda-edge', 128],
  ] as const)('of %s ends at %i MB, in blocks of any size', async (runtime, megabytes) => {
    const body = (size: number): string =>
      `const kept = []; try { for (;;) kept.push(new Uint8Array(${size})) } catch { return kept.length * ${size} / 1048576 }`
    for (const size of [20_000, 200_000]) {
      const code =
        runtime === 'lambda-edge'
          ? `exports.handler = async () => { ${body(size)} }`
          : `function handler() { ${body(size)} }`
      const reached = Number(await valueOf(runtime, code))
      expect(reached).toBeGreaterThan(megabytes * 0.8)
      expect(reached).toBeLessThan(megabytes * 1.1)
    }
  })
})

describe('depth', () => {
  test.each([
    ['calls', 'return (function f() { return f() })()'],
    ['JSON that is read', 'return JSON.parse("[".repeat(1e6))'],
    ['JSON that is returned', 'let a = []; for (let i = 0; i < 2e4; i++) a = [a]; return a'],
    ['a regular expression', 'return new RegExp("(?:".repeat(1e5) + ")".repeat(1e5))'],
    ['proxies', 'let p = {}; for (let i = 0; i < 2e4; i++) p = new Proxy(p, {}); return p.x === 1'],
    ['sorting', 'return (function f() { return [2, 1].sort(f) })()'],
    ['bound functions', 'let f = () => 1; for (let i = 0; i < 1e4; i++) f = f.bind(null); return f()'],
    ['thenables', 'const t = { then(f) { f(t) } }; return t'],
  ])('of %s ends the run', async (_, body) => {
    expect(await endOf(body)).toMatch(/^function-/)
  })

  test('that JSON could say is refused beyond 64 levels', async () => {
    const nested = (levels: number): string =>
      `let a = []; for (let i = 1; i < ${levels}; i++) a = [a]; return a`
    expect(await endOf(nested(65))).toBe('function-result')
    expect(await endOf(nested(64))).toMatch(/^\[\[/)
  })
})

describe('what is returned', () => {
  test.each([
    ['nothing', 'return undefined', 'function-result'],
    ['a function', 'return () => 1', 'function-result'],
    ['a symbol', 'return Symbol("a")', 'function-result'],
    ['a big integer', 'return 1n', 'function-failed'],
    ['a circle', 'const a = {}; a.a = a; return a', 'function-failed'],
    ['too much', 'return "x".repeat(140_000)', 'function-output'],
    ['too much in bytes', 'return "€".repeat(50_000)', 'function-output'],
    ['what throws', 'return { get a() { throw new Error("a") } }', 'function-failed'],
    ['undefined that is thrown', 'throw undefined', 'function-failed'],
    ['not a number', 'return [NaN, Infinity, -0]', '[null,null,0]'],
    ['a date', 'return new Date(0)', '"1970-01-01T00:00:00.000Z"'],
  ])('as %s', async (_, body, end) => {
    expect(await endOf(body)).toBe(end)
  })

  test('pollutes no prototype of this process', async () => {
    const text = '{"__proto__":{"polluted":1},"a":{"\\u005f_proto__":{"polluted":1},"constructor":1}}'
    const outcome = await outcomeOf('cloudfront-js-2.0', attack(`return JSON.parse(${JSON.stringify(text)})`))
    expect(outcome).toMatchObject({ kind: 'returned', value: { a: { constructor: 1 } } })
    expect(Object.keys((outcome as { value: object }).value)).toEqual(['a'])
    expect(Object.assign({}, (outcome as { value: object }).value)).not.toHaveProperty('polluted')
  })

  test.each([
    ['JSON', 'JSON.stringify = JSON.parse = () => "{}"'],
    ['Promise', 'Promise.prototype.then = () => 1; globalThis.Promise = 1; Promise = 2'],
    ['String', 'String.prototype.slice = () => "v-1"; globalThis.String = () => "v-1"'],
    [
      'Array',
      'Array.prototype.push = Array.prototype.join = () => 1; Array.prototype[Symbol.iterator] = null',
    ],
    [
      'Object',
      'Object.prototype.toJSON = undefined; Object.defineProperty(Object.prototype, "then", { value: 1 })',
    ],
    ['Reflect', 'Reflect.apply = Reflect.get = () => 1; Function.prototype.call = null'],
    ['setters', 'Object.defineProperty(Object.prototype, "how", { set() { throw 1 } })'],
    [
      'all globals',
      'for (const name of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[name] } catch {}',
    ],
  ])('is the same when %s is changed', async (_, body) => {
    expect(await endOf(`${body}; return { a: [1, "b"] }`)).toBe('{"a":[1,"b"]}')
  })
})

describe('out of the sandbox', () => {
  test.each([
    ['eval', 'return typeof eval'],
    ['Function', 'try { return Function("return 1")() } catch (e) { return e.name }'],
    ['new Function', 'try { return new Function("return 1")() } catch (e) { return e.name }'],
    ['a constructor', 'try { return (() => 1).constructor("return 1")() } catch (e) { return e.name }'],
    [
      'an async constructor',
      'try { return await (async () => 1).constructor("return 1")() } catch (e) { return e.name }',
    ],
    [
      'a generator constructor',
      'try { return (function* () {}).constructor("yield 1")() } catch (e) { return e.name }',
    ],
    [
      'an async generator',
      'try { return (async function* () {}).constructor("yield 1")() } catch (e) { return e.name }',
    ],
    [
      'a prototype',
      'try { return Object.getPrototypeOf(async () => 1).constructor.__proto__("return 1")() } catch (e) { return e.name }',
    ],
    [
      'a subclass',
      'try { return new (class extends Function {})("return 1")() } catch (e) { return e.name }',
    ],
    [
      'Reflect',
      'try { return Reflect.construct((() => 1).constructor, ["return 1"])() } catch (e) { return e.name }',
    ],
    [
      'what was deleted',
      'try { delete Function.prototype.constructor; return (() => 1).constructor("return 1")() } catch (e) { return e.name }',
    ],
  ])('there is no way by %s', async (_, body) => {
    expect(JSON.parse(await endOf(body))).toMatch(/^(undefined|TypeError)$/)
  })

  test('a function finds nothing of this process', async () => {
    const names = [
      'process',
      'fetch',
      'setTimeout',
      'setInterval',
      'WebAssembly',
      'SharedArrayBuffer',
      'Atomics',
      'performance',
      'std',
      'os',
      'host',
      'part',
      '__dirname',
      'module',
    ]
    expect(
      JSON.parse(await endOf(`return ${JSON.stringify(names)}.map(name => typeof globalThis[name])`)),
    ).toEqual(names.map(() => 'undefined'))
  })

  test.each([
    'fs',
    'net',
    'http',
    'child_process',
    '../core.js',
    './f.js',
    '/etc/passwd',
    'constructor',
    '__proto__',
  ])('there is no module %j', async name => {
    const body = `const r = []; try { require(${JSON.stringify(name)}) } catch (e) { r.push(e.message) }
        try { await import(${JSON.stringify(name)}) } catch (e) { r.push(e.message) } return r`
    const refused = expect.stringMatching(/^there is no module/) as unknown
    expect(JSON.parse(await endOf(body))).toEqual([refused, refused])
  })

  test('functions share nothing, not even what they change in the language', async () => {
    const spoil = 'Array.prototype.map = () => "spoilt"; Object.prototype.spoilt = 1; globalThis.seen = 1;'
    const runner = await runnerOf([
      program('cloudfront-js-2.0', `${spoil} function handler(e) { return 1 }`, { id: named('bad') }),
      program(
        'cloudfront-js-2.0',
        'function handler(e) { return [[1].map(x => x), typeof seen, {}.spoilt === undefined] }',
        { id: named('good') },
      ),
    ])
    const run = (name: string) => runner.run({ function: named(name), event: 'viewer-request', argument: {} })
    await run('bad')
    expect(await run('good')).toMatchObject({ value: [[1], 'undefined', true] })
  })

  test('what is global stays until a run fails, and is new then', async () => {
    const code = 'let count = 0; function handler(e) { if (e.fail) throw new Error("a"); return ++count }'
    const runner = await runnerOf([program('cloudfront-js-2.0', code)])
    const run = async (fail: boolean) => {
      const outcome = await runner.run({ function: named('f'), event: 'viewer-request', argument: { fail } })
      return outcome.kind === 'returned' ? outcome.value : outcome.reason
    }
    expect([await run(false), await run(false), await run(true), await run(false)]).toEqual([
      1,
      2,
      'function-failed',
      1,
    ])
  })

  test('a log is cut at 10 KB', async () => {
    const outcome = await outcomeOf(
      'cloudfront-js-2.0',
      attack('for (let i = 0; i < 200; i++) console.log("x".repeat(100)); return 1'),
    )
    const bytes = outcome.logs.reduce((sum, line) => sum + line.length + 1, 0)
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThanOrEqual(10_241)
  })
})

test('more runs of one function than can wait are refused, and others are run', async () => {
  const runner = await runnerOf([
    program(
      'lambda-edge',
      'exports.handler = async () => { await new Promise(r => setTimeout(r, 200)); return 1 }',
      { id: named('bad') },
    ),
    program('cloudfront-js-2.0', 'function handler(event) { return event }', { id: named('good') }),
  ])
  const run = (name: string) => runner.run({ function: named(name), event: 'viewer-request', argument: 1 })
  const many = Promise.all(Array.from({ length: 1400 }, () => run('bad')))
  expect(await run('good')).toMatchObject({ kind: 'returned' })
  await runner.follow([], new Map())
  const reasons = (await many).map(each => (each.kind === 'failed' ? each.reason : each.kind))
  expect(reasons.filter(each => each === 'function-busy').length).toBeGreaterThan(50)
  expect(reasons).toContain('returned')
})

describe('what a function tells beside its value', () => {
  test.each([
    ['null', 'null'],
    ['a number', '5'],
    ['another list', '({ logs: { length: 1 }, origin: 7, head: 1 })'],
  ])('is nothing where it makes %s of it, and this process lives on', async (_, made) => {
    const code = `function handler(event) {
      console.log('written')
      Object.prototype.toJSON = function () { return ${made} }
      Array.prototype.toJSON = Object.prototype.toJSON
      return 'done'
    }`
    const outcome = await outcomeOf('cloudfront-js-2.0', code)
    expect(outcome).toMatchObject({ kind: 'returned', value: 'done', logs: ['written'] })
  })

  test('of a question outside is refused where it is none', async () => {
    const code = `exports.handler = async () => {
      Object.prototype.toJSON = function () { return 'method' in this ? null : this }
      try { await fetch('http://a.test/') } catch (error) { return error.message }
    }`
    const fetch = (): Promise<never> => Promise.reject(new Error('nobody was to be asked'))
    const runner = await runnerOf([program('lambda-edge', code, { hosts: ['a.test'] })], new Map(), { fetch })
    const outcome = await runner.run({ function: named('f'), event: 'origin-request', argument: {} })
    expect(outcome).toMatchObject({ kind: 'returned', value: 'fetch takes a URL, a method and headers' })
  })
})

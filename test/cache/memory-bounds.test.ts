import { queryObjects } from 'node:v8'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { CacheRequest, Filling, Found } from '../../src/cache/index.ts'
import { Generation } from '../../src/cache/large/generation.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { bodyOf, bytes, LargeBench, settle as rest } from './large-bench.ts'
import { Bench, ScriptedBody, settle } from './scripted-upstream.ts'

afterEach(() => {
  vi.useRealTimers()
})

const kept = ['Cache-Control', 'max-age=60']
const PIECE = 10_000

/** A body of unknown length, handed out as it is asked for; tells how much that was. */
class Poured extends ScriptedBody {
  taken = 0
  readonly #length: number
  readonly #mark: number

  constructor(length: number, mark: number) {
    super()
    this.#length = length
    this.#mark = mark
  }

  override async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (; this.taken < this.#length && !this.destroyed;) {
      await Promise.resolve()
      const size = Math.min(PIECE, this.#length - this.taken)
      this.taken += size
      yield Buffer.alloc(size, this.#mark)
    }
  }
}

function fillOf(found: Found): Filling {
  if (found.kind !== 'filling') throw new Error(`it is ${found.kind}`)
  return found.fill
}

async function rested(bodies: readonly Poured[]): Promise<number> {
  const sum = (): number => bodies.reduce((bytes, { taken }) => bytes + taken, 0)
  for (let before = -1; before !== sum();) {
    before = sum()
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  return sum()
}

const LENGTH = 1_900_000
const CROWD = 120

describe.each([
  ['that something ties together', ['ETag', '"1"']],
  ['that nothing ties together', []],
])('a crowd of bodies of unknown length %s', (_, tag) => {
  test('takes no more memory than there is for it, and reaches everybody', async () => {
    const bench = new Bench({ maxBytes: 16_000_000, largestObject: 2_000_000 })
    const bodies = Array.from({ length: CROWD }, (_one, n) => new Poured(LENGTH, n))
    bench.answer(...bodies.map(body => ({ headers: [...kept, ...tag], body })))
    const fills = await Promise.all(bodies.map((_one, n) => bench.get(`/${n}`).then(fillOf)))
    // Half of the memory for fills, of each of sixteen transfers one slice, and of the others next to nothing.
    expect(await rested(bodies)).toBeLessThan(8_000_000 + 16 * 2_000_000 + CROWD * 100_000)
    const wrong = await Promise.all(
      fills.map(async (fill, n) => {
        let length = 0
        let others = 0
        for await (const chunk of fill.read(0)) {
          length += chunk.length
          if (!Buffer.from(chunk).equals(Buffer.alloc(chunk.length, n))) others++
        }
        return length === LENGTH && others === 0 ? [] : [n, length, others]
      }),
    )
    expect(wrong.flat()).toEqual([])
    expect(bench.asked).toHaveLength(CROWD)
  })
})

test('a body that has outgrown its room waits for who still reads what came before, however slowly', async () => {
  const bench = new Bench({ maxBytes: 400_000, largestObject: 100_000 })
  const body = new Poured(300_000, 7)
  bench.answer({ headers: kept, body })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const reader = fillOf(await bench.get())
    .read(0)
    [Symbol.asyncIterator]()
  const first = await reader.next()
  await settle()
  for (let second = 0; second < 60; second++) {
    vi.advanceTimersByTime(1_000)
    await settle()
  }
  expect(body.destroyed).toBe(false)
  let length = first.done === true ? 0 : first.value.length
  for (let next = await reader.next(); next.done !== true; next = await reader.next())
    length += next.value.length
  expect(length).toBe(300_000)
})

test('a body that has outgrown its room and that nobody reads is let go of', async () => {
  const bench = new Bench({ maxBytes: 400_000, largestObject: 100_000 })
  const body = new Poured(10_000_000, 7)
  bench.answer({ headers: kept, body })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const reader = fillOf(await bench.get())
    .read(0)
    [Symbol.asyncIterator]()
  await reader.next()
  await reader.return?.(undefined)
  await rested([body])
  vi.advanceTimersByTime(2_000)
  await rested([body])
  expect([body.destroyed, bench.cache.fills]).toEqual([true, 0])
})

test('who only wants to know of large objects takes no memory for it', async () => {
  const bench = new LargeBench()
  const request = (n: number): CacheRequest => {
    const one = bench.request()
    return { ...one, key: `${one.key}?${n}` as CacheKey } // with a query
  }
  const read = async (n: number): Promise<Buffer> => bodyOf(await bench.cache.lookup(request(n)))
  for (let n = 0; n < 5; n++) await read(n)
  await rest()
  expect(queryObjects(Generation, { format: 'count' })).toBe(0)
  const found = [0, 1, 2, 3, 4].map(n => bench.cache.lookup({ ...request(n), method: 'HEAD' }))
  expect(found).toMatchObject(found.map(() => ({ kind: 'filling', source: 'hit', fill: { length: 200 } })))
  expect(queryObjects(Generation, { format: 'count' })).toBe(0)
  expect(await read(0)).toEqual(bytes(1, 0, 199))
})

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SharedPass, type SharedPassOptions } from '../../src/cache/large/shared-pass.ts'
import { settle } from './scripted-upstream.ts'

const CHUNK = 10_000
const LENGTH = 800_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const OBJECT = Buffer.from(Array.from({ length: LENGTH }, (_, at) => (at * 31 + (at >> 8)) & 0xff))

function bytes(first: number, last: number): Buffer {
  return OBJECT.subarray(first, last + 1)
}

class Source {
  taken = 0
  destroyed = false

  async *body(chunk = CHUNK): AsyncGenerator<Uint8Array> {
    while (this.taken < LENGTH) {
      await Promise.resolve()
      const first = this.taken
      this.taken = Math.min(LENGTH, first + chunk)
      yield bytes(first, this.taken - 1)
    }
  }

  pass(options: Partial<SharedPassOptions> = {}, chunk?: number): SharedPass {
    return new SharedPass(this.body(chunk), () => void (this.destroyed = true), {
      ...{ first: 0, length: LENGTH, limit: Infinity, isAwaited: () => false },
      ...options,
    })
  }
}

async function all(reading: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of reading) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Lets pass what can, and time where nothing can. */
async function over<T>(work: Promise<T>): Promise<T> {
  let done = false
  const end = (): void => void (done = true)
  work.then(end, end)
  while (!done) {
    for (let turn = 0; turn < 10; turn++) await settle()
    await vi.advanceTimersByTimeAsync(500)
  }
  return work
}

describe('a body that is passed on to several readers', () => {
  test('goes to each of them whole, and to a range its part', async () => {
    const pass = new Source().pass()
    const readings = [
      all(pass.read(0, Infinity)),
      all(pass.read(0, LENGTH - 1)),
      all(pass.read(700_000, 700_009)),
    ]
    const wanted = [OBJECT, OBJECT, bytes(700_000, 700_009)]
    const got = await over(Promise.all(readings))
    expect(got.map((each, n) => each.equals(wanted[n] ?? each))).toEqual([true, true, true])
  })

  test('does not wait for one who stops reading, and holds no more than a window of it', async () => {
    const source = new Source()
    const pass = source.pass()
    const slow = pass.read(0, Infinity)
    await slow.next()
    await settle()
    expect(source.taken).toBeLessThanOrEqual(2 * CHUNK)
    const fast = all(pass.read(0, Infinity))
    for (let turn = 0; turn < 100; turn++) await settle()
    expect(source.taken).toBeLessThan(280_000)
    expect((await over(fast)).equals(OBJECT)).toBe(true)
    await expect(all(slow)).rejects.toMatchObject({ code: 'upstream-once' })
  })

  test('lets one who fell behind ask for the rest where that is the same', async () => {
    const asked: [number, number][] = []
    const again = (first: number, last: number): AsyncIterable<Uint8Array> => {
      asked.push([first, last])
      return (async function* () {
        await Promise.resolve()
        yield bytes(first, last)
      })()
    }
    const pass = new Source().pass({ again })
    const slow = pass.read(0, Infinity)
    const first = await slow.next()
    await over(all(pass.read(0, Infinity)))
    const rest = await all(slow)
    const had = first.value?.length ?? 0
    expect(Buffer.concat([first.value ?? Buffer.alloc(0), rest]).equals(OBJECT)).toBe(true)
    expect(asked).toEqual([[had, LENGTH - 1]])
  })

  test('counts what tiny pieces cost beside their bytes', async () => {
    const source = new Source()
    const pass = source.pass({}, 1)
    const slow = pass.read(0, Infinity)
    await slow.next()
    const fast = pass.read(0, Infinity)
    const reading = (async () => {
      for (let at = 0; at < 5_000; at++) await fast.next()
    })()
    for (let turn = 0; turn < 2_000; turn++) await settle()
    expect(source.taken).toBeLessThan(1_400)
    await over(reading)
    expect(source.taken).toBeGreaterThanOrEqual(5_000)
  })

  test('that nobody reads is let go of, and not while somebody is on his way', async () => {
    let isAwaited = true
    const source = new Source()
    const pass = source.pass({ isAwaited: () => isAwaited })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(source.destroyed).toBe(false)
    isAwaited = false
    await vi.advanceTimersByTimeAsync(2_000)
    await pass.done
    expect(source.destroyed).toBe(true)
  })

  test('is cut where it is longer than any may be', async () => {
    const pass = new Source().pass({ length: undefined, limit: 500_000 })
    await expect(over(all(pass.read(0, Infinity)))).rejects.toMatchObject({ code: 'too-large' })
  })
})

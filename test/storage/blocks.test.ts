import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { Blocks, objectKey } from '../../src/storage/index.ts'
import { runsOf } from '../../src/storage/blocks.ts'

const BLOCK = 256 * 1024
const key = objectKey('assets/a1/v1/source.mp4')
const film = randomBytes(40 * BLOCK + 12_345)

let reads: string[]
let blocks: Blocks
let read: (start: number, length: number) => Promise<Uint8Array>
const open = (
  memory?: number,
  answer = (start: number, length: number) => film.subarray(start, start + length),
) => {
  reads = []
  const store = {
    read: async (_: string, start: number, length: number) => {
      reads.push(`${start / BLOCK}+${length / BLOCK}`)
      await new Promise(resolve => setImmediate(resolve))
      return answer(start, length)
    },
  }
  blocks = new Blocks(store, memory)
  const source = blocks.source(key, film.length)
  read = (start, length) => source.read(start, length)
}
beforeEach(() => open())

const same = async (start: number, length: number): Promise<boolean> =>
  film.subarray(start, start + length).equals(await read(start, length))

describe('an object that is read from afar', () => {
  test.each([
    [0, 1],
    [5, BLOCK],
    [BLOCK - 1, 2],
    [3 * BLOCK, 3 * BLOCK],
    [0, film.length],
    [film.length - 10, 10],
    [film.length - 10, 1000],
    [film.length, 5],
    [film.length + 5, 5],
    [7, 0],
  ])('gives the bytes from %i, %i of them', async (start, length) => {
    expect(await same(start, length)).toBe(true)
  })

  test('is asked once for what lies close together, of whatever reads', async () => {
    await Promise.all([same(0, 100), same(2 * BLOCK, 100), same(BLOCK + 5, 300), same(30 * BLOCK, 100)])
    expect(reads).toEqual(['0+3', '30+1'])
  })

  test('is asked once by all who want the same at once, and not again for what is kept', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => same(10, 2 * BLOCK)))
    expect(all.every(each => each)).toBe(true)
    expect(await same(BLOCK, 1000)).toBe(true)
    expect(reads).toEqual(['0+3'])
    // While it comes, and in another turn.
    const early = same(20 * BLOCK, 10)
    await new Promise(resolve => setImmediate(resolve))
    expect([await same(20 * BLOCK + 5, 10), await early]).toEqual([true, true])
    expect(reads).toEqual(['0+3', '20+1'])
  })

  test('is kept within a bound', async () => {
    open(4 * BLOCK)
    expect(await same(0, 20 * BLOCK)).toBe(true)
    expect(blocks.memory).toBe(4 * BLOCK)
    expect(await same(0, 20 * BLOCK)).toBe(true)
  })

  test('is asked again after a failure, which all who waited are told', async () => {
    let fails = true
    open(undefined, (start, length) => {
      if (fails) throw new Error('away')
      return film.subarray(start, start + length)
    })
    const told = await Promise.allSettled([read(0, 10), read(BLOCK, 10), read(5, 3 * BLOCK)])
    expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    fails = false
    expect(await same(0, 3 * BLOCK)).toBe(true)
  })

  test('that has become shorter is no film any more', async () => {
    open(undefined, (start, length) => film.subarray(start, start + length - 1))
    await expect(read(0, 10)).rejects.toMatchObject({ code: 'source-changed' })
  })
})

test.each([
  [[], []],
  [[3], ['3-3']],
  [[5, 1, 2], ['1-5']],
  [[1, 6], ['1-6']],
  [
    [1, 7],
    ['1-1', '7-7'],
  ],
  [Array.from({ length: 40 }, (_, i) => i), ['0-31', '32-39']],
])('blocks %j are asked for as %j', (numbers, runs) => {
  expect(runsOf(numbers).map(({ first, last }) => `${first}-${last}`)).toEqual(runs)
})

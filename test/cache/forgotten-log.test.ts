import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DiskTier } from '../../src/cache/disk/disk-tier.ts'
import { after, type DistributionId } from '../../src/core/index.ts'
import { DiskBench } from './disk-bench.ts'
import { Bench, START, type Scripted } from './scripted-upstream.ts'

const distributionId = 'ETEST' as DistributionId // that of the bench

let disk: DiskBench
beforeEach(() => {
  disk = new DiskBench()
})
afterEach(() => disk.close())

const now = { now: START }
const open = (): Promise<DiskTier> => disk.start({ clock: { now: () => now.now } })
const kept: Scripted = { headers: ['Cache-Control', 'max-age=86400'] }
const file = (): string =>
  path.join(disk.folder, 'forgotten', readdirSync(`${disk.folder}/forgotten`)[0] ?? '')

/** What a process that is killed leaves behind: nothing is closed. */
function cacheOn(tier: DiskTier): Bench {
  const bench = new Bench({ disk: tier })
  bench.now = after(START, 10)
  return bench
}

async function stored(...paths: string[]): Promise<void> {
  const tier = await open()
  const bench = new Bench({ disk: tier })
  bench.answer(...paths.map(() => kept))
  for (const each of paths) await bench.body(each)
  await tier.settled()
}

test('what was forgotten before a kill is not used after it, whatever it is stored under', async () => {
  await stored('/a', '/b')
  const second = cacheOn(await open())
  await second.cache.forget({ distributionId, path: '/a' })
  const third = cacheOn(await open())
  third.answer(kept)
  expect([(await third.body('/a'))[0], (await third.body('/b'))[0]]).toEqual(['filling', 'hit'])
})

test('what came after it is used', async () => {
  const tier = await open()
  const first = cacheOn(tier)
  await first.cache.forget({ distributionId, path: '/a' })
  first.now = after(first.now, 5)
  first.answer(kept)
  await first.body('/a')
  await tier.settled()
  const second = cacheOn(await open())
  second.now = first.now
  expect((await second.body('/a'))[0]).toBe('hit')
})

test.each([
  ['a line that was torn', () => appendFileSync(file(), '\n["ETEST","/b",17')],
  [
    'lines of another kind',
    () => appendFileSync(file(), '\n{}\n[]\n["ETEST"]\n[1,2,3]\n["ETEST",4,5]\n\0\0\0'),
  ],
])('%s takes nothing else with it', async (_, damage) => {
  await stored('/a', '/b', '/c')
  const second = cacheOn(await open())
  await second.cache.forget({ distributionId, path: '/a' })
  damage()
  await second.cache.forget({ distributionId, path: '/c' })
  const third = cacheOn(await open())
  third.answer(kept, kept)
  const kinds = []
  for (const each of ['/a', '/b', '/c']) kinds.push((await third.body(each))[0])
  expect(kinds).toEqual(['filling', 'hit', 'filling'])
})

test('the file does not grow without end, and loses nothing when it is written anew', async () => {
  const tier = await open()
  const first = cacheOn(tier)
  for (let round = 0; round < 9; round++)
    await Promise.all(
      Array.from({ length: 5_000 }, (_, n) => first.cache.forget({ distributionId, path: `/${n}` })),
    )
  expect(readFileSync(file(), 'utf8').split('\n').length).toBeLessThan(25_000)
  const again = await open()
  expect(new Set(again.forgotten.map(({ name }) => name)).size).toBe(5_000)
})

test('a disk that takes no more changes holds up nobody', async () => {
  const tier = await open()
  writeFileSync(path.join(disk.folder, 'forgotten'), 'in the way')
  const first = cacheOn(tier)
  await first.cache.forget({ distributionId, path: '/a' })
  expect((await open()).forgotten).toEqual([])
})

import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DiskTier } from '../../src/cache/disk/disk-tier.ts'
import { ForgottenLog } from '../../src/cache/disk/forgotten-log.ts'
import { diskFiles, type DiskFiles } from '../../src/cache/disk/layout.ts'
import type { Trouble } from '../../src/cache/disk/trouble.ts'
import { Forgotten } from '../../src/cache/forgotten.ts'
import { after, instant, type DistributionId } from '../../src/core/index.ts'
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
const failing = (code: string) => () => Promise.reject(Object.assign(new Error('as told'), { code }))
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

test('a disk that takes no more changes holds up nobody, and is told all when it takes some again', async () => {
  await stored('/a', '/b')
  const tier = await open()
  const inTheWay = path.join(disk.folder, 'forgotten')
  writeFileSync(inTheWay, '')
  const second = cacheOn(tier)
  await second.cache.forget({ distributionId, path: '/a' })
  rmSync(inTheWay)
  await second.cache.forget({ distributionId, path: '/other' })
  const third = cacheOn(await open())
  third.answer(kept)
  expect([(await third.body('/a'))[0], (await third.body('/b'))[0]]).toEqual(['filling', 'hit'])
})

test('an end tries once more to keep what could not be kept', async () => {
  await stored('/a')
  const tier = await open()
  const inTheWay = path.join(disk.folder, 'forgotten')
  writeFileSync(inTheWay, '')
  await cacheOn(tier).cache.forget({ distributionId, path: '/a' })
  rmSync(inTheWay)
  await tier.close()
  expect((await open()).forgotten.map(({ name }) => name)).toEqual(['/a'])
})

test.each<[string, (files: DiskFiles) => Partial<DiskFiles>]>([
  ['cannot be swept', () => ({ unlink: failing('EROFS') })],
  ['cannot be made', () => ({ mkdir: failing('EROFS') })],
])('it counts on a disk that %s', async (_, broken) => {
  await stored('/a')
  await cacheOn(await open()).cache.forget({ distributionId, path: '/a' })
  writeFileSync(path.join(disk.folder, 'aside', '00-1-1'), 'left by a kill')
  const files = { ...diskFiles, ...broken(diskFiles) }
  const second = cacheOn(await disk.start({ clock: { now: () => now.now }, files }))
  second.answer(kept)
  expect((await second.body('/a'))[0]).toBe('filling')
})

test('one file that cannot be read takes no other with it', async () => {
  await stored('/a')
  await cacheOn(await open()).cache.forget({ distributionId, path: '/a' })
  mkdirSync(path.join(disk.folder, 'forgotten', '!'))
  symlinkSync('nowhere', path.join(disk.folder, 'forgotten', '"'))
  expect((await open()).forgotten.map(({ name }) => name)).toEqual(['/a'])
})

const silent = { tell: () => {} } as unknown as Trouble // all that is asked of it
const logOf = (name: string, files = diskFiles): ForgottenLog =>
  new ForgottenLog({ folder: path.join(disk.folder, 'forgotten'), name, files, trouble: silent })

test('what several workers have kept of many paths forgets no more than they did', async () => {
  const logs = ['00', '20'].map(name => logOf(name))
  const live = new Forgotten()
  const keep = async (name: string, at: number): Promise<unknown> => {
    const added = live.add(distributionId, name, instant(at))
    return Promise.all(logs.map(log => log.keep(added, () => live.all())))
  }
  await Promise.all(Array.from({ length: 12_000 }, (_, n) => keep(`/${n}`, 1_000_000 + n)))
  const again = new Forgotten()
  for (const each of await logOf('00').read()) again.restore(each)
  const sample = ['/other', '/0', '/1999', '/2000', '/2001', '/11999']
  expect(sample.map(name => again.until(distributionId, name))).toEqual(
    sample.map(name => live.until(distributionId, name)),
  )
})

test('a disk that stands still keeps no more waiting than the file would hold, and gets all when it moves', async () => {
  let move = (): void => {}
  const still = new Promise<undefined>(resolve => (move = () => resolve(undefined)))
  const log = logOf('00', { ...diskFiles, mkdir: () => still })
  mkdirSync(path.join(disk.folder, 'forgotten'))
  const live = new Forgotten()
  const all = Array.from({ length: 100_000 }, (_, n) =>
    log.keep(live.add(distributionId, `/${n % 5_000}`, instant(1_000_000 + n)), () => live.all()),
  )
  move()
  await Promise.all(all)
  const read = await logOf('20').read()
  expect(new Map(read.map(({ name, at }) => [name, at]))).toEqual(
    new Map(Array.from(live.all(), ({ name, at }) => [name, at])),
  )
  expect(read.length).toBeLessThan(25_001)
})

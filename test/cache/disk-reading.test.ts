import type * as nodeFs from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { shardOf } from '../../src/cache/shard.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { objectOf } from '../contracts/cache-tier.ts'
import { DiskBench, until } from './disk-bench.ts'

/** Reads of the disk wait here while it holds them. */
const disk = vi.hoisted(() => ({ holds: false, waiting: [] as (() => void)[] }))
vi.mock('node:fs', async original => {
  const real = await original<typeof nodeFs>()
  const read = (...all: Parameters<typeof real.read>): void => {
    if (disk.holds) disk.waiting.push(() => real.read(...all))
    else real.read(...all)
  }
  return { ...real, read }
})

let bench: DiskBench
beforeEach(() => {
  bench = new DiskBench()
})
afterEach(async () => {
  vi.useRealTimers()
  disk.holds = false
  await bench.close()
})

const SHARD = 5
/** A shard may be reading 4 MiB at once. */
const FIT = 4
const keys = Array.from({ length: 2_000 }, (_, n) => `D /object-${n}` as CacheKey)
  .filter(key => shardOf(key) === SHARD)
  .slice(0, 12)

test('who waits too long for a slow disk goes without, and as much is read at once afterwards as before', async () => {
  const tier = await bench.start({ shards: [SHARD], maxBytes: 64 * 64 * 1024 ** 2, queueBytes: 64 * 64e6 })
  for (const key of keys) tier.set(objectOf(key, Buffer.alloc(1_000_000, 1)))
  await tier.settled()
  expect(tier.objects).toBe(keys.length)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  for (let round = 0; round < 3; round++) {
    disk.holds = true
    const found: (CacheKey | undefined)[] = []
    const all = keys.map(async (key, at) => {
      found[at] = (await tier.get(key))?.key
    })
    await until(() => disk.waiting.length >= FIT)
    vi.advanceTimersByTime(2_000)
    await until(() => disk.waiting.length + Object.keys(found).length >= keys.length)
    expect([round, disk.waiting.length]).toEqual([round, FIT])
    disk.holds = false
    for (const go of disk.waiting.splice(0)) go()
    await Promise.all(all)
    expect(found).toEqual(keys.map((key, at) => (at < FIT ? key : undefined)))
  }
})

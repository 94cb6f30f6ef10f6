import { expect, test } from 'vitest'
import type { CacheTier, StoredObject } from '../../src/cache/contract.ts'
import { MemoryTier } from '../../src/cache/memory-tier.ts'
import { Store } from '../../src/cache/store.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { cacheTierContract, objectOf } from '../contracts/cache-tier.ts'

const MiB = 1024 * 1024
const KEY = 'a' as CacheKey

/** A disk whose reads end when the test says so. */
class SlowDisk implements CacheTier {
  readonly kept = new Map<CacheKey, StoredObject>()
  readonly touched: CacheKey[] = []
  readonly #reads: (() => void)[] = []
  reads = 0

  get(key: CacheKey): Promise<StoredObject | undefined> {
    const found = this.kept.get(key)
    this.reads++
    return new Promise(resolve => this.#reads.push(() => resolve(found)))
  }

  /** Every read under way comes back with what stood there when it began. */
  answer(): void {
    for (const read of this.#reads.splice(0)) read()
  }

  set(object: StoredObject): void {
    this.kept.set(object.key, object)
  }

  delete(key: CacheKey): void {
    this.kept.delete(key)
  }

  touch(key: CacheKey): void {
    this.touched.push(key)
  }

  get objects(): number {
    return this.kept.size
  }

  get bytes(): number {
    return 0
  }
}

function open() {
  const disk = new SlowDisk()
  const memory = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 })
  return { disk, memory, store: new Store({ memory, disk }) }
}

cacheTierContract('a store without a disk', () =>
  Promise.resolve({
    tier: new Store({ memory: new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 }) }),
    settled: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }),
)

test('what is set goes to both, and is served from memory at once', () => {
  const { disk, store } = open()
  const object = objectOf(KEY, 'x')
  store.set(object)
  expect([disk.kept.get(KEY), store.get(KEY), store.peek(KEY), disk.reads]).toEqual([
    object,
    object,
    object,
    0,
  ])
  store.delete(KEY)
  expect([disk.kept.size, store.objects, store.bytes]).toEqual([0, 0, 0])
})

test('many who ask for what is on disk only cost one read, and then it is in memory', async () => {
  const { disk, store } = open()
  disk.set(objectOf(KEY, 'x'))
  const asked = Array.from({ length: 50 }, () => Promise.resolve(store.get(KEY)))
  expect(store.peek(KEY)).toBeUndefined()
  disk.answer()
  const got = await Promise.all(asked)
  expect(new Set(got)).toEqual(new Set([objectOf(KEY, 'x')]))
  expect([disk.reads, store.peek(KEY)]).toEqual([1, objectOf(KEY, 'x')])
})

test('what was deleted while the disk was read does not come back', async () => {
  const { disk, store } = open()
  disk.set(objectOf(KEY, 'x'))
  const asked = store.get(KEY)
  store.delete(KEY)
  disk.answer()
  expect(await asked).toBeUndefined()
  expect([store.peek(KEY), store.objects]).toEqual([undefined, 0])
})

test('what was set while the disk was read is what the readers get', async () => {
  const { disk, store } = open()
  disk.set(objectOf(KEY, 'older'))
  const asked = store.get(KEY)
  store.set(objectOf(KEY, 'newer'))
  disk.answer()
  expect((await asked)?.body.toString()).toBe('newer')
  expect(store.peek(KEY)?.body.toString()).toBe('newer')
})

test('a read that began before a change is not joined by who asks after it', async () => {
  const { disk, memory, store } = open()
  disk.set(objectOf(KEY, 'older'))
  const before = store.get(KEY)
  store.set(objectOf(KEY, 'newer'))
  memory.delete(KEY) // as if it had been the one to go
  const since = store.get(KEY)
  disk.answer()
  expect((await since)?.body.toString()).toBe('newer')
  expect(await before).toBeUndefined()
})

test('the disk hears of some of the hits in memory', () => {
  const { disk, store } = open()
  store.set(objectOf(KEY, 'x'))
  for (let hit = 0; hit < 640; hit++) void store.get(KEY)
  expect(disk.touched).toHaveLength(10)
})

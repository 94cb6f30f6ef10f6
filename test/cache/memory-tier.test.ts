import { expect, test } from 'vitest'
import { MemoryTier } from '../../src/cache/memory-tier.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { cacheTierContract, objectOf } from '../contracts/cache-tier.ts'

const MiB = 1024 * 1024

cacheTierContract('memory', () =>
  Promise.resolve({
    tier: new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 }),
    settled: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }),
)

const whole = (name: string) => objectOf(name, Buffer.alloc(10_000))
const slice = (name: string) => ({ ...objectOf(name, Buffer.alloc(10_000)), slice: true as const })
const held = (tier: MemoryTier, names: string[]) =>
  names.filter(name => tier.get(name as CacheKey) !== undefined).length
const names = (kind: string, count: number) => Array.from({ length: count }, (_, n) => `${kind} ${n}`)

test('a film that is read from end to end leaves three quarters of the memory to what was there', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 })
  const wholes = names('whole', 70)
  for (const name of wholes) tier.set(whole(name))
  for (const name of names('slice', 1000)) tier.set(slice(name))
  expect(held(tier, names('slice', 1000))).toBe(28)
  expect(held(tier, wholes)).toBe(70)
  expect(tier.bytes).toBeLessThanOrEqual(MiB)
})

test('a film takes what is free', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 })
  for (const name of names('slice', 90)) tier.set(slice(name))
  expect(held(tier, names('slice', 90))).toBe(90)
})

test('slices that nobody asks for give way to what is asked for', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 })
  for (const name of names('slice', 24)) tier.set(slice(name))
  for (const name of names('whole', 1000)) tier.set(whole(name))
  expect(held(tier, names('slice', 24))).toBe(0)
  expect(tier.objects).toBeGreaterThan(95)
})

test('a key holds one object, be it whole or a slice', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 })
  tier.set(slice('a'))
  tier.set(whole('a'))
  expect([tier.objects, 'slice' in (tier.get('a' as CacheKey) ?? {})]).toEqual([1, false])
  tier.delete('a' as CacheKey)
  expect([tier.objects, tier.bytes]).toEqual([0, 0])
})

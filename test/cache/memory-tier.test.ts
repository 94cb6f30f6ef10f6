import { expect, test } from 'vitest'
import { MemoryTier } from '../../src/cache/memory-tier.ts'
import type { Rendered, StoredObject } from '../../src/cache/index.ts'
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

/** As the smallest renderer would have it. */
const render = ({ headers }: StoredObject): Rendered => ({
  lines: headers.map((text, at) => text + (at % 2 === 0 ? ': ' : '\r\n')).join(''),
  open: 'A: open\r\n',
  gated: 'A: gated\r\n',
  marks: 5,
})

cacheTierContract('memory in which everything is packed that can be', () =>
  Promise.resolve({
    tier: new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8, render }),
    settled: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }),
)

test('one that is packed over one that is packed is counted as what it is', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8, render })
  const sizes = [1, 15_000, 1].map(length => {
    tier.set(objectOf('a', Buffer.alloc(length)))
    return tier.bytes
  })
  const [small = 0, large = 0] = sizes
  expect(sizes).toEqual([small, large, small])
  expect(large - small).toBeGreaterThan(14_999)
})

const whole = (name: string) => objectOf(name, Buffer.alloc(10_000))
const slice = (name: string) => ({ ...objectOf(name, Buffer.alloc(10_000)), slice: true as const })
const held = (tier: MemoryTier, names: string[]) =>
  names.filter(name => tier.get(name as CacheKey) !== undefined).length
const names = (kind: string, count: number) => Array.from({ length: count }, (_, n) => `${kind} ${n}`)

test('a film that is read from end to end leaves three quarters of the memory to what was there', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 })
  const wholes = names('whole', 67)
  for (const name of wholes) tier.set(whole(name))
  for (const name of names('slice', 1000)) tier.set(slice(name))
  expect(held(tier, names('slice', 1000))).toBe(22)
  expect(held(tier, wholes)).toBe(67)
  expect(tier.bytes).toBeLessThanOrEqual(MiB)
})

test('a film takes what is free', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 })
  for (const name of names('slice', 89)) tier.set(slice(name))
  expect(held(tier, names('slice', 89))).toBe(89)
})

test('slices that nobody asks for give way to what is asked for', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 })
  for (const name of names('slice', 24)) tier.set(slice(name))
  for (const name of names('whole', 1000)) tier.set(whole(name))
  expect(held(tier, names('slice', 24))).toBe(0)
  expect(tier.objects).toBeGreaterThan(85)
})

test('a key holds one object, be it whole or a slice', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8 })
  tier.set(slice('a'))
  tier.set(whole('a'))
  expect([tier.objects, 'slice' in (tier.get('a' as CacheKey) ?? {})]).toEqual([1, false])
  tier.delete('a' as CacheKey)
  expect([tier.objects, tier.bytes]).toEqual([0, 0])
})

test('what is only glanced at stays, and what nobody asks for goes', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8, render })
  const small = (name: string) => objectOf(name, Buffer.alloc(1_000))
  const used = names('used', 10)
  for (const name of used) tier.set(small(name))
  for (const name of names('other', 3_000)) {
    tier.set(small(name))
    for (const each of used) expect(tier.glance(each as CacheKey)?.bodyLength).toBe(1_000)
  }
  expect(tier.glance('other 0' as CacheKey)).toBeUndefined()
  expect(tier.objects).toBeGreaterThan(300)
  expect(tier.bytes).toBeLessThanOrEqual(MiB)
})

test('where everything is used, something goes nevertheless', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8, render })
  for (const name of names('used', 2_000)) {
    tier.set(objectOf(name, Buffer.alloc(1_000)))
    for (const each of names('used', 2_000).slice(-500)) tier.glance(each as CacheKey)
    expect(tier.bytes).toBeLessThanOrEqual(MiB)
  }
  expect(tier.glance('used 1999' as CacheKey)).toBeDefined()
})

test('an object is packed until somebody wants more of it than a glance, and is the same one from then on', () => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8, render })
  tier.set(objectOf('a', 'x'))
  const packed = tier.bytes
  expect(tier.glance('a' as CacheKey)).toBeDefined()
  const object = tier.get('a' as CacheKey)
  expect(object).toEqual(objectOf('a', 'x'))
  expect(tier.get('a' as CacheKey)).toBe(object)
  expect([tier.glance('a' as CacheKey), tier.objects]).toEqual([undefined, 1])
  expect(tier.bytes).toBeGreaterThan(packed)
  tier.set(objectOf('a', 'y'))
  expect([tier.glance('a' as CacheKey)?.bodyLength, tier.bytes, tier.objects]).toEqual([1, packed, 1])
  tier.delete('a' as CacheKey)
  expect([tier.glance('a' as CacheKey), tier.bytes, tier.objects]).toEqual([undefined, 0, 0])
})

test.each([
  ['what varies', { varies: { names: ['accept'], generation: 'g' } }],
  ['what is large', { large: { length: 1, generation: 'g' } }],
  ['a slice', { slice: true as const }],
])('%s is not packed', (_, more) => {
  const tier = new MemoryTier({ maxBytes: MiB, largestObject: MiB / 8, render })
  tier.set(objectOf('a', 'x'))
  tier.set(objectOf('a', 'y', more))
  expect([tier.glance('a' as CacheKey), tier.get('a' as CacheKey), tier.objects]).toEqual([
    undefined,
    objectOf('a', 'y', more),
    1,
  ])
})

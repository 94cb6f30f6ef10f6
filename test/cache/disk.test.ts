import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readCacheFile } from '../../src/cache/disk/cache-file.ts'
import type { DiskTier } from '../../src/cache/disk/disk-tier.ts'
import type { StoredObject } from '../../src/cache/index.ts'
import { SHARDS, shardOf } from '../../src/cache/shard.ts'
import { after, instant, type Clock } from '../../src/core/index.ts'
import { cacheTierContract, NOON, objectOf } from '../contracts/cache-tier.ts'
import { DiskBench, EVERY_SHARD, keyOf, names } from './disk-bench.ts'

cacheTierContract('disk', async () => {
  const bench = new DiskBench()
  // One shard after the other would need far more objects to fill.
  const tier = await bench.start({ maxBytes: 1024 * 1024 })
  await tier.settled()
  return { tier, settled: () => tier.settled(), close: () => bench.close() }
})

let bench: DiskBench
beforeEach(() => {
  bench = new DiskBench()
})
afterEach(() => bench.close())

test('what was stored is served by the next process, from its first moment on', async () => {
  const first = await bench.start()
  for (const name of names(200)) first.set(objectOf(name, `body of ${name}`))
  await first.close()
  const next = await bench.start()
  for (const name of names(200)) {
    expect(await next.get(keyOf(name))).toEqual(objectOf(name, `body of ${name}`))
  }
  expect([next.objects, next.bytes]).toEqual([200, 200 * 4096])
})

test('after an orderly end it is known at once what is not there', async () => {
  const first = await bench.start()
  first.set(objectOf('a', 'one'))
  await first.close()
  const next = await bench.start()
  expect(next.get(keyOf('b'))).toBeUndefined()
  expect(next.mayHave(keyOf('b'))).toBe(false)
  expect(next.mayHave(keyOf('a'))).toBe(true)
})

test('after a kill, files are served before the index knows them, and a walk finds them all', async () => {
  const killed = await bench.start()
  for (const name of names(200)) killed.set(objectOf(name, name))
  await killed.settled() // and never closed: its journal was not written
  const next = await bench.start()
  expect((await next.get(keyOf('D /object-7')))?.body.toString()).toBe('D /object-7')
  await next.settled()
  expect([next.objects, next.bytes]).toEqual([200, 200 * 4096])
  expect(next.get(keyOf('absent'))).toBeUndefined()
})

test.each(['table', 'clean', 'journal-1'])('an index whose %s is rubbish is made anew', async kind => {
  const first = await bench.start()
  for (const name of names(100)) first.set(objectOf(name, name))
  await first.close()
  for (const shard of EVERY_SHARD) {
    const name = shard.toString(16).padStart(2, '0')
    writeFileSync(path.join(bench.folder, 'index', `${name}.${kind}`), Buffer.alloc(1000, 0xa5))
  }
  const next = await bench.start()
  expect((await next.get(keyOf('D /object-7')))?.body.toString()).toBe('D /object-7')
  await next.settled()
  expect(next.objects).toBe(100)
})

/** An object that is on disk, with its file and what that holds. */
async function oneFile(): Promise<{ tier: DiskTier; object: StoredObject; file: string; right: Buffer }> {
  const tier = await bench.start()
  const object = objectOf('a', 'a body of a few bytes')
  tier.set(object)
  await tier.settled()
  const file = tier.fileOf(object.key)
  return { tier, object, file, right: readFileSync(file) }
}

test('every single flipped byte of a file makes it a miss, and the file goes', async () => {
  const { tier, object, file, right } = await oneFile()
  for (let at = 0; at < right.length; at++) {
    const wrong = Buffer.from(right)
    wrong[at] = (wrong[at] ?? 0) ^ (1 << (at % 8))
    writeFileSync(file, wrong)
    expect([at, await readCacheFile(file, object.key)]).toEqual([at, undefined])
    if (at % 50 !== 0) continue
    expect(await tier.get(object.key)).toBeUndefined()
    await tier.settled()
    expect(bench.files()).toEqual([])
    tier.set(object)
    await tier.settled()
  }
  expect(Object.values(tier.unusable).reduce((sum, count) => sum + count)).toBeGreaterThan(5)
  writeFileSync(file, right)
  expect(await readCacheFile(file, object.key)).toEqual(object)
})

test('a file that is cut anywhere, longer than it was, or of another form is a miss', async () => {
  const { tier, object, file, right } = await oneFile()
  for (let length = 0; length < right.length; length++) {
    writeFileSync(file, right.subarray(0, length))
    expect([length, await readCacheFile(file, object.key)]).toEqual([length, undefined])
  }
  writeFileSync(file, Buffer.concat([right, Buffer.from('x')]))
  expect(await tier.get(object.key)).toBeUndefined()
  await tier.settled()
  const later = Buffer.from(right)
  later.writeUInt32LE(2, 8)
  writeFileSync(file, later)
  await bench.start() // the file came behind the other's back
  expect(await readCacheFile(file, object.key)).toBeUndefined()
  expect(tier.unusable).toEqual({ form: 0, length: 1, checksum: 0, head: 0, unreadable: 0 })
})

test('a file that is longer than any that can be read is a miss and is deleted, whether its length was known or not', async () => {
  const tier = await bench.start()
  const object = objectOf('a', 'a body of a few bytes')
  const file = tier.fileOf(object.key)
  tier.set(object)
  await tier.settled()
  truncateSync(file, 3 * 1024 ** 3)
  expect(await readCacheFile(file, object.key)).toBeUndefined()
  expect(await tier.get(object.key)).toBeUndefined()
  await tier.settled()
  expect(bench.files()).toEqual([])
  for (const length of [0x7fff_ffff, 3 * 1024 ** 3, 4 * 1024 ** 3]) {
    writeFileSync(file, '')
    truncateSync(file, length)
    rmSync(path.join(bench.folder, 'index'), { recursive: true })
    const later = await bench.start({ maxBytes: 1024 ** 4 })
    await later.settled()
    expect([length, later.objects, await later.get(object.key)]).toEqual([length, 1, undefined])
    await later.settled()
    expect([bench.files(), later.objects]).toEqual([[], 0])
  }
  expect(tier.unusable).toEqual({ form: 0, length: 1, checksum: 0, head: 0, unreadable: 0 })
})

test('a file of another key under the same name is a miss', async () => {
  const tier = await bench.start()
  tier.set(objectOf('a', 'one'))
  tier.set(objectOf('b', 'two'))
  await tier.settled()
  writeFileSync(tier.fileOf(keyOf('b')), readFileSync(tier.fileOf(keyOf('a'))))
  expect(await tier.get(keyOf('b'))).toBeUndefined()
  expect(await readCacheFile(tier.fileOf(keyOf('b')), keyOf('b'))).toBeUndefined()
  tier.set(objectOf('b', 'three'))
  await tier.settled()
  expect((await tier.get(keyOf('b')))?.body.toString()).toBe('three')
})

test('entries whose file somebody took away mend themselves', async () => {
  const tier = await bench.start()
  for (const name of names(20)) tier.set(objectOf(name, name))
  await tier.settled()
  for (const name of names(20)) rmSync(tier.fileOf(keyOf(name)))
  expect(tier.objects).toBe(20)
  for (const name of names(20)) expect(await tier.get(keyOf(name))).toBeUndefined()
  expect([tier.objects, tier.bytes]).toEqual([0, 0])
})

test('what a killed process had not finished is swept at the next start', async () => {
  const first = await bench.start()
  await first.close()
  writeFileSync(path.join(bench.folder, 'aside', '07-1-1'), 'half')
  writeFileSync(path.join(bench.folder, 'aside', '08-1-1'), 'half')
  await bench.start({ shards: [7] })
  expect(bench.asides()).toEqual(['aside/08-1-1'])
})

test.each([
  ['119 s to live', { freshUntil: after(NOON, 119_999) }, false],
  ['two minutes', { freshUntil: after(NOON, 120_000) }, true],
  ['a hundred years', { freshUntil: after(NOON, 3_155_760_000_000) }, true],
  ['a number that JSON does not know', { staleUntil: instant(Infinity) }, false],
  ['a live part', { path: '/live/x/b012345678/video/e012345678-12.3.m4s' }, false],
  ['a live segment', { path: '/live/x/b012345678/video/e012345678-12.m4s' }, true],
])(
  'of an object with %s, what stood under its key goes, and is it written: %#',
  async (_what, more, written) => {
    const tier = await bench.start()
    tier.set(objectOf('a', 'old'))
    await tier.settled()
    tier.set(objectOf('a', 'new', more))
    await tier.settled()
    expect((await tier.get(keyOf('a')))?.body.toString()).toBe(written ? 'new' : undefined)
    expect(bench.files()).toHaveLength(written ? 1 : 0)
  },
)

test('a head that was revalidated takes the place of the older one', async () => {
  const tier = await bench.start()
  tier.set(objectOf('a', 'body', { freshUntil: after(NOON, 200_000) }))
  await tier.settled()
  tier.set(objectOf('a', 'body', { freshUntil: after(NOON, 400_000), headers: ['Age', '1'] }))
  await tier.settled()
  const file = await readCacheFile(tier.fileOf(keyOf('a')), keyOf('a'))
  expect([file?.freshUntil, file?.headers]).toEqual([NOON + 400_000, ['Age', '1']])
  expect(bench.files()).toHaveLength(1)
})

test('owners of different shards share a folder, and another number of owners loses nothing', async () => {
  const odd = EVERY_SHARD.filter(shard => shard % 2 === 1)
  const even = EVERY_SHARD.filter(shard => shard % 2 === 0)
  const two = await Promise.all([bench.start({ shards: odd }), bench.start({ shards: even })])
  for (const name of names(100)) for (const tier of two) tier.set(objectOf(name, name))
  await Promise.all(two.map(tier => tier.settled()))
  expect(two.map(tier => tier.objects).reduce((a, b) => a + b)).toBe(100)
  for (const name of names(100)) {
    const [owner, other] = shardOf(keyOf(name)) % 2 === 1 ? two : [two[1], two[0]]
    expect((await owner.get(keyOf(name)))?.body.toString()).toBe(name)
    expect(other.get(keyOf(name))).toBeUndefined()
    // Who does not own it opens what the owner names.
    expect((await readCacheFile(owner.fileOf(keyOf(name)), keyOf(name)))?.body.toString()).toBe(name)
  }
  await Promise.all(two.map(tier => tier.close()))
  const thirds = [0, 1, 2].map(third => EVERY_SHARD.filter(shard => shard % 3 === third))
  const three = await Promise.all(thirds.map(shards => bench.start({ shards })))
  expect(three.map(tier => tier.objects).reduce((a, b) => a + b)).toBe(100)
  expect(three.map(tier => tier.get(keyOf('absent')))).toEqual([undefined, undefined, undefined])
})

test('each owner keeps to its part of the limit', async () => {
  const maxBytes = 64 * 64 * 1024
  const shards = EVERY_SHARD.slice(0, SHARDS / 4)
  const tier = await bench.start({ shards, maxBytes })
  for (const name of names(2000)) tier.set(objectOf(name, Buffer.alloc(8000)))
  await tier.settled()
  expect(tier.bytes).toBeLessThanOrEqual(maxBytes / 4)
  expect(tier.bytes).toBeGreaterThan(maxBytes / 5)
  expect(bench.bytes()).toBeLessThanOrEqual(maxBytes / 4)
  expect(tier.evicted).toBe(tier.written - tier.objects)
})

test('a start with a smaller limit makes what is there fit', async () => {
  const first = await bench.start()
  for (const name of names(100)) first.set(objectOf(name, Buffer.alloc(30_000)))
  await first.close()
  const next = await bench.start({ maxBytes: 1024 * 1024 })
  await next.settled()
  expect(next.bytes).toBeLessThanOrEqual(1024 * 1024)
  expect(bench.files()).toHaveLength(next.objects)
})

test('what was used lately outlives what was not, also across a start', async () => {
  let now = NOON
  const clock: Clock = { now: () => now }
  const first = await bench.start({ clock })
  for (const name of names(100))
    first.set(objectOf(name, Buffer.alloc(8000), { freshUntil: after(NOON, 1e12) }))
  await first.settled()
  now = after(NOON, 60_000)
  const used = names(100).filter((_, n) => n % 5 === 0)
  for (const name of used) first.touch(keyOf(name))
  await first.close()
  const next = await bench.start({ clock, maxBytes: 40 * 12_288 })
  await next.settled()
  expect(next.objects).toBe(40)
  const left = used.filter(name => next.mayHave(keyOf(name)))
  expect(left.length).toBeGreaterThan(16)
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readCacheFile } from '../../src/cache/disk/cache-file.ts'
import { fileIdOf } from '../../src/cache/disk/file-id.ts'
import { diskFiles, Layout } from '../../src/cache/disk/layout.ts'
import { ShardIndex } from '../../src/cache/disk/shard-index.ts'
import { shardOf } from '../../src/cache/shard.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { DiskBench, EVERY_SHARD, listeningLogger } from '../cache/disk-bench.ts'
import { objectOf } from '../contracts/cache-tier.ts'
import { withSmallDisk } from './small-disk.ts'

const KILLS = 25

let bench: DiskBench
beforeEach(() => {
  bench = new DiskBench()
})
afterEach(() => bench.close())

const keyOf = (text: string) => text as CacheKey

test('a start with a million objects is ready within two seconds, and serves hits at once', async () => {
  const layout = new Layout(bench.folder)
  await layout.make(EVERY_SHARD, diskFiles)
  const indexes = EVERY_SHARD.map(shard => new ShardIndex({ shard, layout, files: diskFiles }))
  for (let n = 0; n < 1_000_000; n++) {
    const key = keyOf(`D /object-${n}`)
    indexes[shardOf(key)]?.add(fileIdOf(key), 9_000, 1)
  }
  await Promise.all(indexes.map(index => index.save('clean')))
  const started = performance.now()
  const tier = await bench.start({ maxBytes: 2 ** 40 })
  expect(performance.now() - started).toBeLessThan(2000)
  expect([tier.objects, tier.bytes]).toEqual([1_000_000, 1_000_000 * 12_288])
  expect(tier.get(keyOf('absent'))).toBeUndefined()
  tier.set(objectOf('D /object-77', 'here'))
  await tier.settled()
  expect((await tier.get(keyOf('D /object-77')))?.body.toString()).toBe('here')
}, 120_000)

test(
  `${KILLS} kills while it is written: no wrong byte, no leftover, within its limit`,
  async () => {
    let found = 0
    for (let round = 0; round < KILLS; round++) {
      const writer = path.join(import.meta.dirname, 'disk-writer.mjs')
      const child = spawn(process.execPath, [writer, bench.folder, String(round)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const said: string[] = []
      child.stdout.setEncoding('utf8').on('data', (text: string) => void said.push(text))
      await once(child.stdout, 'data')
      await new Promise(resolve => setTimeout(resolve, (round * 37) % 500)) // the phase that the kill falls into
      child.kill('SIGKILL')
      await once(child, 'close')
      expect(said.join('')).toBe('ready\n')
      const tier = await bench.start({ maxBytes: 8 * 1024 * 1024 })
      expect(bench.asides()).toEqual([])
      for (let n = 0; n < 500; n++) {
        const key = keyOf(`D /object-${n}`)
        const object = await tier.get(key)
        expect((await readCacheFile(tier.fileOf(key), key))?.sequence).toBe(object?.sequence)
        if (!object) continue
        found++
        const seed = object.sequence
        const body = Buffer.alloc((seed * 7919) % 60_000, `${seed},`)
        expect([object.headers, object.body.equals(body)]).toEqual([['X-Seed', `${seed}`], true])
      }
      await tier.settled()
      expect(tier.objects).toBe(bench.files().length)
      expect(bench.bytes()).toBeLessThanOrEqual(8 * 1024 * 1024)
      expect(tier.unusable).toEqual({ form: 0, length: 0, checksum: 0, head: 0, unreadable: 0 })
      await tier.close()
    }
    expect(found).toBeGreaterThan(KILLS * 10)
  },
  10 * 60_000,
)

test('a disk that is smaller than its limit says goes on being a cache', async context => {
  const log = listeningLogger()
  const mounted = await withSmallDisk(2, async folder => {
    const tier = await bench.start({ folder, log, rest: 1 })
    const bodyOf = (n: number) => Buffer.alloc(40_000, `${n},`)
    for (let n = 0; n < 300; n++) {
      tier.set(objectOf(`D /object-${n}`, bodyOf(n)))
      await tier.settled()
      const got = await tier.get(keyOf(`D /object-${n}`))
      if (got) expect(got.body.equals(bodyOf(n))).toBe(true)
    }
    expect(tier.failed.full).toBeGreaterThan(0)
    expect(tier.written).toBeGreaterThan(200)
    expect(tier.objects).toBeGreaterThan(20)
    expect(log.lines).toHaveLength(1)
    await tier.close()
  })
  if (!mounted) context.skip('nothing can be mounted here')
}, 60_000)

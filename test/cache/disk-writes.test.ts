import { openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WriterThread, type Writer } from '../../src/cache/disk/writer.ts'
import { objectOf } from '../contracts/cache-tier.ts'
import { DiskBench, keyOf, listeningLogger, names, writerWith } from './disk-bench.ts'

let bench: DiskBench
beforeEach(() => {
  bench = new DiskBench()
})
afterEach(() => bench.close())

const long = (byte: number) => Buffer.alloc(3_000_000, byte)

test('a storm of small objects goes to the disk in few orders, and none is dropped', async () => {
  let orders = 0
  const { carryOut, close } = writerWith({})
  const tier = await bench.start({
    writer: {
      carryOut: order => {
        orders++
        return carryOut(order)
      },
      close,
    },
  })
  const bodyOf = (name: string) => Buffer.alloc(3000, name)
  for (const name of names(500)) tier.set(objectOf(name, bodyOf(name)))
  await tier.settled()
  expect([tier.written, tier.failed.queue, bench.files().length]).toEqual([500, 0, 500])
  expect(orders).toBeLessThan(500 / 16)
  for (const name of names(500)) {
    expect([name, (await tier.get(keyOf(name)))?.body.equals(bodyOf(name))]).toEqual([name, true])
  }
})

test('a long object is written in parts, and is there when its head is', async () => {
  const sizes: number[] = []
  const { carryOut, close } = writerWith({})
  const writer: Writer = {
    carryOut: order => {
      for (const [, from, to] of order.steps.matchAll(/"from":(\d+),"to":(\d+)/g))
        sizes.push(Number(to) - Number(from))
      return carryOut(order)
    },
    close,
  }
  const tier = await bench.start({ writer })
  const body = Buffer.from(long(0).map((_, at) => (at * 31) % 251))
  tier.set(objectOf('a', body))
  await tier.settled()
  expect((await tier.get(keyOf('a')))?.body.equals(body)).toBe(true)
  expect([Math.max(...sizes), sizes.length]).toEqual([512 * 1024, 7])
  expect(bench.asides()).toEqual([])
})

test('a long object that is replaced while it is written does not take its place', async () => {
  let parts = 0
  const renamed: string[] = []
  const writer = writerWith({
    openSync: (...all) => {
      if (++parts === 2) tier.set(objectOf('a', long(2)))
      return openSync(...all)
    },
    renameSync: (from, to) => {
      renamed.push(String(to))
      renameSync(from, to)
    },
  })
  const tier = await bench.start({ writer })
  tier.set(objectOf('a', long(1)))
  await tier.settled()
  expect((await tier.get(keyOf('a')))?.body.equals(long(2))).toBe(true)
  expect([renamed.length, tier.written, bench.asides()]).toEqual([1, 1, []])
})

test('folders that are taken away between two parts are made anew', async () => {
  const log = listeningLogger()
  let parts = 0
  const writer = writerWith({
    openSync: (...all) => {
      if (++parts === 3) rmSync(path.join(bench.folder, 'aside'), { recursive: true })
      return openSync(...all)
    },
  })
  const tier = await bench.start({ writer, log })
  tier.set(objectOf('a', long(1)))
  await tier.settled()
  expect((await tier.get(keyOf('a')))?.body.equals(long(1))).toBe(true)
  expect(log.lines.map(([event]) => event)).toEqual([
    'the folder of the disk cache was gone: it is made anew',
  ])
})

test('of a batch that fails in its midst the first part stays, and the rest is given up', async () => {
  let opened = 0
  const writer = writerWith({
    openSync: (...all) => {
      if (++opened > 5) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      return openSync(...all)
    },
  })
  const tier = await bench.start({ writer, rest: 1 })
  for (const name of names(20)) tier.set(objectOf(name, name))
  await tier.settled()
  expect([tier.written, tier.objects, bench.files().length]).toEqual([5, 5, 5])
  const { other, resting } = tier.failed
  expect([other + resting, other]).toEqual([15, 1])
})

test('a thread that ends is told of as a failure, and another takes its place', async () => {
  const writer = new WriterThread()
  const room = new Uint8Array(new SharedArrayBuffer(4)).fill(65)
  const file = path.join(bench.folder, 'one')
  const one = JSON.stringify([{ kind: 'write', file, opened: 'new', at: 0, from: 1, to: 4 }])
  const [broken, behind] = await Promise.all([
    writer.carryOut({ steps: 'no JSON', room }),
    writer.carryOut({ steps: one, room }),
  ])
  expect([broken.done, behind.done]).toEqual([0, 0])
  expect(broken.error?.message).toContain('JSON')
  expect(await writer.carryOut({ steps: one, room })).toEqual({ done: 1 })
  expect(readFileSync(file, 'latin1')).toBe('AAA')
  const again = await writer.carryOut({ steps: one, room })
  expect([again.done, again.error?.code]).toEqual([0, 'EEXIST'])
  await writer.close()
})

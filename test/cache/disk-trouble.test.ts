import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DiskTier } from '../../src/cache/disk/disk-tier.ts'
import { after, type Clock, type Instant } from '../../src/core/index.ts'
import { NOON, objectOf } from '../contracts/cache-tier.ts'
import { DiskBench, keyOf, listeningLogger, names, until, writerWith } from './disk-bench.ts'

let bench: DiskBench
beforeEach(() => {
  bench = new DiskBench()
})
afterEach(() => bench.close())

const failing = (code: string) => (): never => {
  throw Object.assign(new Error(`${code}: told by the disk`), { code })
}

const failures = (tier: DiskTier) => Object.values(tier.failed).reduce((sum, count) => sum + count)

describe.each([
  ['full', 'ENOSPC'],
  ['full', 'EDQUOT'],
  ['unwritable', 'EACCES'],
  ['unwritable', 'EROFS'],
  ['other', 'EIO'],
] as const)('a disk that is %s (%s)', (reason, code) => {
  test('is a miss, one line in the log and a number; and is written again once it is well', async () => {
    const log = listeningLogger()
    const trouble = { now: false }
    const tier = await bench.start({
      ...{ log, rest: 5 },
      writer: writerWith({ openSync: (...all) => (trouble.now ? failing(code)() : openSync(...all)) }),
    })
    tier.set(objectOf('old', 'here before'))
    await tier.settled()
    trouble.now = true
    for (const name of names(50)) tier.set(objectOf(name, 'x'))
    await tier.settled()
    await until(() => tier.get(keyOf('D /object-1')) === undefined)
    expect(tier.failed[reason]).toBeGreaterThan(0)
    expect(failures(tier)).toBe(50)
    expect(bench.asides()).toEqual([])
    expect(log.lines).toEqual([
      [expect.stringContaining('cannot be written'), { reason, code, error: `${code}: told by the disk` }],
    ])
    trouble.now = false
    let sets = 0
    await until(() => {
      tier.set(objectOf('new', `body ${++sets}`))
      return tier.written > 1
    })
    await tier.settled()
    expect((await tier.get(keyOf('new')))?.body.toString()).toBe(`body ${sets}`)
  })
})

test('trouble that lasts is told once a minute', async () => {
  const log = listeningLogger()
  let now: Instant = NOON
  const clock: Clock = { now: () => now }
  const tier = await bench.start({
    ...{ log, clock, rest: 1 },
    writer: writerWith({ openSync: failing('ENOSPC') }),
  })
  for (const minute of [0, 0.5, 0.9, 1.1, 1.5, 2.2]) {
    now = after(NOON, minute * 60_000)
    const before = tier.failed.full
    await until(() => {
      tier.set(objectOf('a', 'x', { freshUntil: after(NOON, 1e9) }))
      return tier.failed.full > before
    })
  }
  expect(log.lines).toHaveLength(3)
})

test('an older version is not served when the newer one could not be written', async () => {
  let full = false
  const tier = await bench.start({
    rest: 5,
    writer: writerWith({ renameSync: (from, to) => (full ? failing('ENOSPC')() : renameSync(from, to)) }),
  })
  tier.set(objectOf('a', 'older'))
  await tier.settled()
  full = true
  tier.set(objectOf('a', 'newer'))
  await tier.settled()
  expect(await tier.get(keyOf('a'))).toBeUndefined()
  expect(bench.files()).toEqual([])
})

test('what cannot be deleted is not served again', async () => {
  let readOnly = false
  const tier = await bench.start({
    rest: 1,
    writer: writerWith({ unlinkSync: file => (readOnly ? failing('EROFS')() : unlinkSync(file)) }),
  })
  tier.set(objectOf('a', 'x'))
  await tier.settled()
  readOnly = true
  tier.delete(keyOf('a'))
  expect(await tier.get(keyOf('a'))).toBeUndefined()
  readOnly = false
  await tier.settled()
  expect(await tier.get(keyOf('a'))).toBeUndefined()
  expect(bench.files()).toEqual([])
})

test('a folder that is taken away under our feet is made anew, and nothing wrong is served', async () => {
  const log = listeningLogger()
  const tier = await bench.start({ log })
  for (const name of names(50)) tier.set(objectOf(name, name))
  await tier.settled()
  for (const name of readdirSync(bench.folder)) rmSync(path.join(bench.folder, name), { recursive: true })
  for (const name of names(25)) expect(await tier.get(keyOf(name))).toBeUndefined()
  tier.set(objectOf('new', 'new'))
  await tier.settled()
  expect((await tier.get(keyOf('new')))?.body.toString()).toBe('new')
  expect([tier.objects, bench.files().length]).toEqual([1, 1])
  expect(log.lines.map(([event]) => event)).toEqual([
    'the folder of the disk cache was gone: it is made anew',
  ])
})

test("one shard's folder that is taken away is made anew", async () => {
  const tier = await bench.start()
  tier.set(objectOf('a', 'one'))
  await tier.settled()
  rmSync(path.dirname(tier.fileOf(keyOf('a'))), { recursive: true })
  tier.set(objectOf('a', 'two'))
  await tier.settled()
  expect((await tier.get(keyOf('a')))?.body.toString()).toBe('two')
})

test('a file where the folder should be: a start without a disk, until somebody mends that', async () => {
  const log = listeningLogger()
  const folder = path.join(bench.folder, 'cache')
  writeFileSync(folder, 'in the way')
  const tier = await bench.start({ ...{ folder, log, rest: 5 } })
  tier.set(objectOf('a', 'x'))
  await tier.settled()
  expect(await tier.get(keyOf('a'))).toBeUndefined()
  expect(tier.failed.unwritable + tier.failed.resting).toBe(1)
  expect(log.lines).toHaveLength(1)
  renameSync(folder, path.join(bench.folder, 'aside'))
  await until(() => {
    tier.set(objectOf('a', 'x'))
    return tier.written > 0
  })
  expect((await tier.get(keyOf('a')))?.body.toString()).toBe('x')
})

test.skipIf(process.getuid?.() === 0)('a folder without rights is a miss, and no error', async () => {
  const tier = await bench.start({ rest: 5 })
  tier.set(objectOf('a', 'x'))
  await tier.settled()
  const folders = readdirSync(bench.folder).map(name => path.join(bench.folder, name))
  for (const folder of folders) chmodSync(folder, 0)
  expect(await tier.get(keyOf('a'))).toBeUndefined()
  tier.set(objectOf('b', 'x'))
  await until(() => failures(tier) > 0)
  for (const folder of folders) chmodSync(folder, 0o700)
  expect((await tier.get(keyOf('a')))?.body.toString()).toBe('x')
})

test('a folder in place of a file is a miss, and is not the end', async () => {
  const log = listeningLogger()
  const tier = await bench.start({ log, rest: 5 })
  tier.set(objectOf('a', 'x'))
  await tier.settled()
  rmSync(tier.fileOf(keyOf('a')))
  mkdirSync(tier.fileOf(keyOf('a')))
  expect(await tier.get(keyOf('a'))).toBeUndefined()
})

test('more than may wait is dropped and counted, and the older version goes with it', async () => {
  let open = (): void => {}
  const gate = new Promise<void>(resolve => (open = resolve))
  const writer = writerWith({})
  const tier = await bench.start({
    queueBytes: 100 * 1024,
    writer: { ...writer, carryOut: order => gate.then(() => writer.carryOut(order)) },
  })
  for (const name of names(100)) tier.set(objectOf(name, Buffer.alloc(9 * 1024)))
  expect(tier.failed.queue).toBe(90)
  const waiting = names(100).filter(name => tier.get(keyOf(name)) !== undefined)
  expect(waiting).toEqual(names(10))
  open()
  await tier.settled()
  expect([tier.written, tier.objects]).toEqual([10, 10])
})

test('an end does not wait for a disk that stands still', async () => {
  const forever = new Promise<never>(() => {})
  const tier = await bench.start({ writer: { carryOut: () => forever, close: () => forever } })
  tier.set(objectOf('a', 'x'))
  const closed = tier.close(20)
  await expect(
    Promise.race([closed, new Promise(resolve => setTimeout(resolve, 10_000, 'late'))]),
  ).resolves.not.toBe('late')
})

test('an end finds its folder gone', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-gone-'))
  const tier = await bench.start({ folder })
  tier.set(objectOf('a', 'x'))
  await tier.settled()
  rmSync(folder, { recursive: true })
  expect(await tier.get(keyOf('a'))).toBeUndefined()
  await tier.close()
  rmSync(folder, { recursive: true, force: true })
})

test.each(['while it makes way', 'while it rests'])(
  'what has to go is gone after an end that comes %s, though the disk had taken nothing',
  async when => {
    const full = { now: false }
    let goOn = (): void => {}
    const held = new Promise<void>(resolve => (goOn = resolve))
    const writer = writerWith({ openSync: (...all) => (full.now ? failing('ENOSPC')() : openSync(...all)) })
    const tier = await bench.start({
      rest: 60_000,
      writer: {
        ...writer,
        carryOut: async order => {
          if (tier.failed.full === 1 && when === 'while it makes way') await held
          return writer.carryOut(order)
        },
      },
    })
    // Enough, so that it is not the one that makes way.
    for (const name of [...names(200), 'gone']) tier.set(objectOf(name, 'x'))
    await tier.settled()
    full.now = true
    tier.set(objectOf('new', 'y'))
    tier.set(objectOf('newer', 'y'))
    await until(() => (when === 'while it rests' ? tier.failed.resting : tier.failed.full) === 1)
    tier.delete(keyOf('gone'))
    const closed = tier.close()
    goOn()
    await closed
    const next = await bench.start()
    for (const name of ['gone', 'new', 'newer']) expect(await next.get(keyOf(name))).toBeUndefined()
    expect(next.objects).toBeGreaterThan(150)
  },
)

test('what has to go does not wait for what comes', async () => {
  const stalled = { now: true }
  const done: string[] = []
  const tier = await bench.start({
    writer: writerWith({
      unlinkSync: (...all) => {
        done.push('removal')
        unlinkSync(...all)
      },
      renameSync: (...all) => {
        if (!stalled.now) done.push('write')
        renameSync(...all)
      },
    }),
  })
  tier.set(objectOf('gone', 'x'))
  await tier.settled()
  stalled.now = false
  for (const name of names(500)) tier.set(objectOf(name, 'x'))
  tier.delete(keyOf('gone'))
  await tier.settled()
  expect(done.filter(each => each === 'write').length).toBe(500)
  expect(done.indexOf('removal')).toBeLessThan(100)
})

import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { instant, type Clock } from '../../../src/core/index.ts'
import { silentLogger, UsageLedger, type LedgerDisk, type Logger } from '../../../src/telemetry/index.ts'
import { GENESIS, whyNotNext, type LedgerEntry } from '../../../src/usage/index.ts'
import { dyingDisk, fullDisk } from './failing-disk.ts'

const HOUR = 3_600_000
const MINUTE = 60_000
const SEVEN = Date.UTC(2026, 10, 24, 7)

let folder: string
let open: UsageLedger[]
let now: number
const clock: Clock = { now: () => instant(now) }
const told: string[] = []
const log: Logger = { ...silentLogger, error: (_fields, event) => void told.push(event) }

beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), 'sluice-ledger-')), 'main')
  open = []
  now = SEVEN
  told.length = 0
})
afterEach(async () => {
  for (const ledger of open) await ledger.close()
  await rm(path.dirname(folder), { recursive: true, force: true })
})

async function started(disk?: LedgerDisk): Promise<UsageLedger> {
  const ledger = new UsageLedger({ folder, clock, log, ...(disk && { disk }) })
  await ledger.start()
  return ledger
}

async function begun(disk?: LedgerDisk): Promise<UsageLedger> {
  const ledger = await started(disk)
  open.push(ledger)
  return ledger
}

function count(ledger: UsageLedger, requests: number): void {
  for (let n = 0; n < requests; n++) {
    ledger.add('E1', 'requests-https', 1)
    ledger.add('E1', 'bytes-https-static', 100)
    ledger.commit()
  }
}

/** All entries that are there for good, which have to follow on one another. */
function entriesOf(ledger: UsageLedger): LedgerEntry[] {
  const entries: LedgerEntry[] = []
  for (;;) {
    const more = ledger.entriesFrom(ledger.oldest + entries.length)
    if (more.length === 0) break
    entries.push(...more)
  }
  let last: LedgerEntry | undefined
  for (const entry of entries) {
    if (last !== undefined || entry.sequence === 1) expect(whyNotNext(entry, last)).toBeUndefined()
    last = entry
  }
  return entries
}

function requestsIn(entries: LedgerEntry[]): number {
  return entries
    .flatMap(({ amounts }) => amounts)
    .reduce((sum, a) => sum + (a.type === 'requests-https' ? a.amount : 0), 0)
}

async function requestsAfterRestart(): Promise<number> {
  const ledger = await started()
  const requests = requestsIn(entriesOf(ledger))
  await ledger.close()
  return requests
}

const amount = (type: string, of: number, detail = ''): object => ({
  distribution: 'E1',
  type,
  detail,
  amount: of,
})

describe('what a process counts', () => {
  test('becomes an entry, which follows on nothing', async () => {
    const ledger = await begun()
    count(ledger, 3)
    ledger.add('E1', 'watched-milliseconds', 4000, '720p')
    ledger.add('E0', 'function-runs', 0)
    now += 7
    await ledger.roll()
    const [entry, ...more] = entriesOf(ledger)
    expect(more).toEqual([])
    expect(entry).toMatchObject({
      ...{ sequence: 1, hour: SEVEN, from: SEVEN, until: SEVEN + 7, closed: 'in-time', previous: GENESIS },
      amounts: [
        amount('bytes-https-static', 300),
        amount('requests-https', 3),
        amount('watched-milliseconds', 4000, '720p'),
      ],
    })
    expect(ledger.state).toEqual({ life: entry?.life, sequence: 1, unwritten: 0, tallied: true })
  })

  test('is closed after its time, and at the end of its hour', async () => {
    const ledger = await begun()
    now = SEVEN + HOUR - 2 * MINUTE
    await ledger.tick()
    count(ledger, 1)
    now += MINUTE
    await ledger.tick()
    expect(entriesOf(ledger)).toEqual([])
    now += MINUTE
    await ledger.tick()
    count(ledger, 2)
    now += 5 * MINUTE
    await ledger.tick()
    const entries = entriesOf(ledger)
    expect(entries.map(({ hour }) => hour)).toEqual([SEVEN, SEVEN + HOUR])
    expect(entries.map(({ from, until }) => [from, until])).toEqual([
      [SEVEN + HOUR - 2 * MINUTE, SEVEN + HOUR],
      [SEVEN + HOUR, SEVEN + HOUR + 5 * MINUTE],
    ])
  })

  test('has no entries where nothing was counted', async () => {
    const ledger = await begun()
    now += 5 * HOUR
    await ledger.tick()
    expect(entriesOf(ledger)).toEqual([])
  })

  test('goes on in the life that the process before has begun', async () => {
    const first = await started()
    count(first, 1)
    await first.close()
    const second = await started()
    count(second, 1)
    await second.close()
    const entries = entriesOf(await begun())
    expect(entries.map(({ sequence, life }) => [sequence, life])).toEqual(
      [1, 2].map(n => [n, first.state.life]),
    )
  })

  test('is told in parts, and grows over many files', async () => {
    const ledger = await begun()
    for (let each = 0; each < 300; each++) {
      for (let of = 0; of < 20; of++) ledger.add(`E${of}`, 'requests-https', 1)
      await ledger.roll()
    }
    expect((await readdir(folder)).filter(name => name.startsWith('entries-')).length).toBeGreaterThan(1)
    expect(ledger.entriesFrom(1).length).toBeLessThan(300)
    expect(requestsIn(entriesOf(ledger))).toBe(6000)
    expect(await requestsAfterRestart()).toBe(6000)
  })

  test('of more things than the tally has room for is all in the entry', async () => {
    const ledger = await begun()
    for (let of = 0; of < 5000; of++) ledger.add(`E${of}`, 'requests-https', 1)
    ledger.commit()
    await ledger.tick()
    expect(requestsIn(entriesOf(ledger))).toBe(5000)
  })
})

describe('a process that is killed', () => {
  test('has lost nothing of what was in its tally', async () => {
    count(await started(), 5)
    now += 3 * MINUTE
    const ledger = await begun()
    const [entry] = entriesOf(ledger)
    expect(entry).toMatchObject({ sequence: 1, closed: 'recovered', from: SEVEN })
    expect(requestsIn(entriesOf(ledger))).toBe(5)
  })

  test('has counted once what it had closed in two hours and could not write', async () => {
    const disk = fullDisk()
    const ledger = await started(disk)
    disk.full = true
    count(ledger, 1)
    now += HOUR
    await ledger.tick()
    count(ledger, 2)
    now += HOUR
    await ledger.tick()
    count(ledger, 4)
    const entries = entriesOf(await begun())
    expect(entries.map(entry => [entry.hour, requestsIn([entry])])).toEqual([
      [SEVEN, 1],
      [SEVEN + HOUR, 2],
      [SEVEN + 2 * HOUR, 4],
    ])
  })

  test.each([0, 0.3, 0.99, 1])(
    'at any step, with %d of its last write done, has neither lost nor doubled anything',
    { timeout: 120_000 },
    async part => {
      for (let step = 0; ; step++) {
        await rm(folder, { recursive: true, force: true })
        now = SEVEN
        const disk = dyingDisk(step, part)
        // Committed is what the step after found done.
        let least = 0
        let most = 0
        const some = (ledger: UsageLedger): void => {
          for (let n = 0; n < 2; n++) {
            most++
            ledger.add('E1', 'requests-https', 1)
            ledger.commit()
            if (disk.done <= step && ledger.state.tallied) least = most
          }
        }
        const ledger = await started(disk)
        some(ledger)
        await ledger.roll()
        some(ledger)
        now += HOUR
        await ledger.tick()
        some(ledger)
        await ledger.close()
        if (disk.done <= step) {
          expect(await requestsAfterRestart()).toBe(6)
          return
        }
        // The one who takes over is killed at some step of his own, too.
        for (const own of [1, 4, 7]) await started(dyingDisk(own + (step % 3), part))
        const requests = await requestsAfterRestart()
        expect(requests, `killed at step ${step}`).toBeGreaterThanOrEqual(least)
        expect(requests, `killed at step ${step}`).toBeLessThanOrEqual(most)
        expect(await requestsAfterRestart()).toBe(requests)
        expect(told.filter(event => event.includes('put aside'))).toEqual([])
      }
    },
  )
})

describe('what is found at the start', () => {
  const lastFile = async (): Promise<string> =>
    path.join(
      folder,
      (await readdir(folder))
        .filter(name => name.startsWith('entries-'))
        .sort()
        .at(-1) ?? '',
    )

  test.each(['{"life":', '\0\0\0\0\0', '{"life":"a"}\n'])(
    'may end in the middle of an entry: %j',
    async torn => {
      const first = await started()
      count(first, 3)
      await first.close()
      await appendFile(await lastFile(), torn)
      const ledger = await begun()
      expect(requestsIn(entriesOf(ledger))).toBe(3)
      count(ledger, 1)
      await ledger.roll()
      expect(entriesOf(ledger).map(({ sequence }) => sequence)).toEqual([1, 2])
      expect(told).toEqual([])
    },
  )

  test('is put aside as a whole where it was changed, and another life begins', async () => {
    const first = await started()
    for (let n = 0; n < 3; n++) {
      count(first, 1)
      await first.roll()
    }
    await first.close()
    const file = await lastFile()
    await writeFile(file, (await readFile(file, 'utf8')).replace('"amount":1', '"amount":9'))
    const ledger = await begun()
    expect(ledger.state).toMatchObject({ sequence: 0, tallied: true })
    expect(ledger.state.life).not.toBe(first.state.life)
    expect(told).toEqual(['the usage ledger does not hold together: it is put aside, and another is begun'])
    expect(await readdir(path.join(folder, `aside-${now}`))).toEqual([
      path.basename(file),
      'tally-a',
      'tally-b',
    ])
  })

  test('begins another life where the folder was lost', async () => {
    const first = await started()
    count(first, 1)
    await first.close()
    await rm(folder, { recursive: true })
    const ledger = await begun()
    expect(ledger.state.life).not.toBe(first.state.life)
    expect(entriesOf(ledger)).toEqual([])
  })

  test('is not counted where ledger and tally are not of one another', async () => {
    const first = await started()
    for (let n = 0; n < 2; n++) {
      count(first, 1)
      await first.roll()
    }
    count(first, 1)
    await rm(await lastFile())
    const ledger = await begun()
    expect(entriesOf(ledger)).toEqual([])
    expect(told).toEqual(['the usage ledger does not hold together: it is put aside, and another is begun'])
  })
})

describe('a folder that is emptied under a process', () => {
  test('begins another life with all that was not closed yet', async () => {
    const ledger = await begun()
    count(ledger, 1)
    await ledger.roll()
    count(ledger, 2)
    const { life } = ledger.state
    await rm(folder, { recursive: true })
    await ledger.roll()
    count(ledger, 4)
    await ledger.roll()
    const entries = entriesOf(ledger)
    expect(requestsIn(entries)).toBe(6)
    expect(entries[0]?.life).not.toBe(life)
    expect(told).toHaveLength(1)
  })
})

describe('a full disk', () => {
  test('leaves what is counted in memory and in the tally, says so once, and is written when there is room', async () => {
    const disk = fullDisk()
    const ledger = await begun(disk)
    count(ledger, 1)
    disk.full = true
    await ledger.roll()
    count(ledger, 2)
    for (let second = 0; second < 3; second++) await ledger.tick()
    expect(ledger.state).toMatchObject({ sequence: 0, unwritten: 1, tallied: true })
    expect(told).toEqual(['the usage ledger cannot be written: usage stays in memory until it can be'])
    disk.full = false
    await ledger.tick()
    await ledger.roll()
    expect(ledger.state).toMatchObject({ sequence: 2, unwritten: 0, tallied: true })
    expect(requestsIn(entriesOf(ledger))).toBe(3)
  })

  test('from the beginning leaves all of it in memory, and says so', async () => {
    const disk = fullDisk()
    disk.full = true
    const ledger = await begun(disk)
    count(ledger, 3)
    await ledger.tick()
    expect(ledger.state).toEqual({ life: undefined, sequence: 0, unwritten: 0, tallied: false })
    expect(told).toEqual(['the usage ledger cannot be opened: usage stays in memory until it can be'])
    disk.full = false
    await ledger.tick()
    expect(ledger.state.tallied).toBe(true)
    await ledger.roll()
    expect(requestsIn(entriesOf(ledger))).toBe(3)
  })
})

describe('a clock', () => {
  test('that jumps back and forth over an hour has each count in one hour, and no entry that ends before it began', async () => {
    const ledger = await begun()
    for (const jump of [0, HOUR, -HOUR, -2 * HOUR, 3 * HOUR, 400 * 24 * HOUR, -400 * 24 * HOUR]) {
      now += jump
      await ledger.tick()
      count(ledger, 1)
    }
    await ledger.roll()
    const entries = entriesOf(ledger)
    expect(requestsIn(entries)).toBe(7)
    for (const { hour, from, until } of entries) {
      expect(hour % HOUR).toBe(0)
      expect(hour).toBeLessThanOrEqual(from)
      expect(from).toBeLessThanOrEqual(until)
      expect(until).toBeLessThanOrEqual(hour + HOUR)
    }
    expect(await requestsAfterRestart()).toBe(7)
  })
})

describe('old entries', () => {
  test('are removed when control has them and 35 days are over, and the chain goes on', async () => {
    const ledger = await begun()
    const fill = async (): Promise<void> => {
      for (let each = 0; each < 200; each++) {
        for (let of = 0; of < 20; of++) ledger.add(`E${of}`, 'requests-https', 1)
        await ledger.roll()
      }
    }
    await fill()
    now += 36 * 24 * HOUR
    await ledger.tick()
    await fill()
    ledger.taken(10)
    expect(ledger.oldest).toBe(1)
    ledger.taken(400)
    const { oldest } = ledger
    expect(oldest).toBeGreaterThan(100)
    expect(oldest).toBeLessThanOrEqual(201)
    expect(ledger.entriesFrom(1)[0]?.sequence).toBe(oldest)
    const again = await begun()
    expect(again.oldest).toBe(oldest)
    expect(entriesOf(again).at(-1)?.sequence).toBe(400)
    expect(told).toEqual([])
  })
})

test('a ledger with which control cannot go on is put aside, and what is open goes into another life', async () => {
  const ledger = await begun()
  count(ledger, 1)
  await ledger.roll()
  const { life } = ledger.state
  await ledger.beginAnew('forked')
  count(ledger, 2)
  await ledger.roll()
  expect(requestsIn(entriesOf(ledger))).toBe(2)
  expect(ledger.state.life).not.toBe(life)
  expect(await readdir(folder)).toContain(`aside-${now}`)
})

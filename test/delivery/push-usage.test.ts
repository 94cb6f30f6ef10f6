import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { UsageReport, UsageTaken } from '../../src/client/index.ts'
import { newNodeId, systemClock } from '../../src/core/index.ts'
import { UsageBooks } from '../../src/delivery/usage-books.ts'
import { pushUsage, type UsagePushing } from '../../src/membership/index.ts'
import { newNodeKey } from '../../src/signing/index.ts'
import { createMetrics, silentLogger, UsageLedger, type Metrics } from '../../src/telemetry/index.ts'
import { whyNotNext, type LedgerEntry } from '../../src/usage/index.ts'
import { freshFolder } from '../app/folder.ts'
import { FakeControl, until } from '../membership/fake-control.ts'

let control: FakeControl
let stateDir: string
let ledgers: Map<string, UsageLedger>
let metrics: Metrics
let pushing: UsagePushing | undefined
/** What control has applied, by book and life. */
let applied: Map<string, LedgerEntry[]>
let away: boolean
/** Answers that are lost on their way. */
let lost: number

/** Takes what follows on what it has, once each. */
function take({ book, life, entries }: UsageReport): UsageTaken {
  const name = `${book} ${life}`
  const had = applied.get(name) ?? []
  applied.set(name, had)
  for (const entry of entries) {
    const last = had.at(-1)
    if (entry.sequence <= (last?.sequence ?? 0)) continue
    const why = whyNotNext(entry, last)
    if (why === 'sequence') return { taken: last?.sequence ?? 0, refused: 'gap' }
    if (why !== undefined) return { taken: last?.sequence ?? 0, refused: 'forked' }
    had.push(entry)
  }
  return { taken: had.at(-1)?.sequence ?? 0 }
}

beforeEach(async () => {
  control = await FakeControl.start()
  stateDir = freshFolder()
  ledgers = new Map()
  applied = new Map()
  away = false
  lost = 0
  metrics = createMetrics('edge')
  control.answer = ({ body }) => {
    if (away) return { status: 503 }
    const taken = take(body as UsageReport) // what the node sends
    return lost-- > 0 ? { status: 502 } : { status: 200, body: taken }
  }
})
afterEach(async () => {
  await pushing?.close()
  for (const ledger of ledgers.values()) await ledger.close()
  await control.close()
})

async function ledgerOf(book: string): Promise<UsageLedger> {
  const folder = path.join(stateDir, 'usage', book)
  const ledger = new UsageLedger({ folder, clock: systemClock, log: silentLogger })
  await ledger.start()
  ledgers.set(book, ledger)
  return ledger
}

async function count(ledger: UsageLedger, entries: number): Promise<void> {
  for (let n = 0; n < entries; n++) {
    ledger.add('E1', 'requests-https', 1)
    ledger.commit()
    await ledger.roll()
  }
}

function push(live: string[] = [...ledgers.keys()], everyMs = 5): UsageBooks {
  const books = new UsageBooks({
    ...{ stateDir, live, clock: systemClock, log: silentLogger },
    beginAnew: (book, why) => ledgers.get(book)?.beginAnew(why) ?? Promise.resolve(),
  })
  pushing = pushUsage({
    controlUrl: control.url,
    identity: { id: newNodeId('edge'), role: 'edge', ...newNodeKey() },
    books: () => books.all(),
    everyMs,
    ...{ metrics, log: silentLogger },
  })
  return books
}

const total = (): number =>
  [...applied.values()].flat().reduce((sum, { amounts }) => sum + (amounts[0]?.amount ?? 0), 0)

describe('what was counted reaches control once:', () => {
  test('of all books, and what comes later', async () => {
    await count(await ledgerOf('0'), 3)
    await count(await ledgerOf('1'), 2)
    push()
    await until('all is there', () => total() === 5)
    const [first] = ledgers.values()
    if (first) await count(first, 4)
    await until('the rest is there', () => total() === 9)
    expect([...applied.keys()].map(name => name.split(' ')[0]).sort()).toEqual(['0', '1'])
    expect(await metrics.text()).toMatch(/sluice_usage_entries_waiting\S* 0\n/)
  })

  test('after control was away, and answers were lost', async () => {
    away = true
    lost = 2
    const ledger = await ledgerOf('main')
    await count(ledger, 600)
    push()
    await until('it was asked in vain', () => control.heard.length > 2)
    expect(await metrics.text()).toMatch(/sluice_usage_entries_waiting\S* 600\n/)
    away = false
    await until('all is there', () => total() === 600)
    const sizes = control.heard.map(({ body }) => (body as UsageReport).entries.length) // as above
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500)
  })

  test('after control was restored from a backup', async () => {
    const ledger = await ledgerOf('main')
    await count(ledger, 6)
    push()
    await until('all is there', () => total() === 6)
    for (const entries of applied.values()) entries.length = 2
    await count(ledger, 1)
    await until('all is there again', () => total() === 7)
  })

  test('of a worker that is not there any more, with what it had not closed', async () => {
    const folder = path.join(stateDir, 'usage', '7')
    const gone = new UsageLedger({ folder, clock: systemClock, log: silentLogger })
    await gone.start()
    gone.add('E1', 'requests-https', 5)
    gone.commit()
    // It is killed here.
    const books = push([])
    await books.start()
    await until('it is there', () => total() === 5)
    expect([...applied.values()].flat().map(({ closed }) => closed)).toEqual(['recovered'])
  })

  test('what was closed at the end of a node', async () => {
    const ledger = await ledgerOf('main')
    push(['main'], 3_600_000)
    await count(ledger, 3)
    await pushing?.close(20_000)
    expect(total()).toBe(3)
  })

  test('a ledger that control cannot go on with is put aside, and another life goes on', async () => {
    const ledger = await ledgerOf('main')
    await count(ledger, 2)
    const before = ledger.state.life
    push()
    await until('all is there', () => total() === 2)
    for (const entries of applied.values())
      entries[1] = { ...entries[1], hash: 'f'.repeat(64) } as LedgerEntry // another's
    await count(ledger, 1)
    await until('another life was begun', () => ledger.state.life !== before)
    await count(ledger, 3)
    await until('that is there', () => total() === 5)
  })
})

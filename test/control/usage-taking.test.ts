import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UsageReport, UsageTaken } from '../../src/client/index.ts'
import { startControl } from '../../src/control/index.ts'
import { instant, systemClock } from '../../src/core/index.ts'
import type { LedgerEntry } from '../../src/usage/index.ts'
import { at, chain, HOUR, requests } from '../usage/entries.ts'
import { openEngine } from './database-under-test.ts'
import { ControlFixture, newIdentity } from './fixture.ts'

let control: ControlFixture

beforeAll(async () => {
  control = await ControlFixture.open()
})

afterAll(() => control.end())

async function tell(report: Partial<UsageReport>, to = control): Promise<UsageTaken> {
  const whole: UsageReport = { book: 'main', life: 'a', entries: [], oldest: 1, ...report }
  const response = await to.post(to.edge, '/v1/node/usage', whole)
  expect(response.status).toBe(200)
  return (await response.json()) as UsageTaken // our own server's
}

/** The rows of a table of control, which is closed for it. */
async function rowsOf(text: string, of = control): Promise<Record<string, unknown>[]> {
  const { port } = of.running
  await of.running.close()
  const engine = await openEngine(of.options().dataDir)
  const { rows } = await engine.executeSql(text)
  await engine.close()
  await of.open(port)
  return rows
}

const sums = async (): Promise<unknown[]> =>
  (
    await rowsOf(
      `select distribution, type, hour::text as hour, amount::text as amount from usage_hours
       where node = '${control.edge.id}' order by 1, 2, 3`,
    )
  ).map(({ distribution, type, hour, amount }) => [distribution, type, Number(hour), amount])

const gaps = async (): Promise<unknown[]> =>
  (
    await rowsOf(
      `select book, life, kind, after::int as after, "from"::text as "from", until::text as until
       from usage_gaps where node = '${control.edge.id}' order by "from", kind`,
    )
  ).map(({ book, life, kind, after, from, until }) => [book, life, kind, after, Number(from), Number(until)])

/** As a process with a book of its own, in which nothing else is counted. */
const ofBook = (entries: LedgerEntry[], book: string, life = 'a') => ({ book, life, entries })

describe('what a node has counted', () => {
  const entries = chain([1, 20, 300])

  test('counts once, also where it is sent again, at once and by many', async () => {
    expect(await tell({})).toEqual({ taken: 0 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => tell({ entries })))
    expect(answers).toEqual(Array.from({ length: 8 }, () => ({ taken: 3 })))
    expect(await tell({ entries: entries.slice(1) })).toEqual({ taken: 3 })
    expect(await tell({})).toEqual({ taken: 3 })
    expect(await sums()).toEqual([['EDISTRIBUTION', 'requests-https', HOUR, '321']])
    expect(await gaps()).toEqual([])
  })

  test('is added up over books, hours and lines of one entry', async () => {
    const [entry] = chain([1000], { life: 'w' }) as [LedgerEntry] // one was made
    expect(await tell(ofBook([entry], '1', 'w'))).toEqual({ taken: 1 })
    expect(await sums()).toEqual([['EDISTRIBUTION', 'requests-https', HOUR, '1321']])
  })

  test('outlives a restart of control, which then takes what follows', async () => {
    await control.restart()
    const more = chain([4000], { sequence: 4, previous: entries[2]?.hash ?? '', from: 3 })
    expect(await tell({ entries: [...entries, ...more] })).toEqual({ taken: 4 })
    expect(await sums()).toEqual([['EDISTRIBUTION', 'requests-https', HOUR, '5321']])
  })

  test('is refused from who is no node', async () => {
    const answer = await control.post(newIdentity('edge'), '/v1/node/usage', {})
    expect(answer.status).toBe(403)
  })
})

describe('what is missing', () => {
  test('is asked for where the node has it, and named where it has not', async () => {
    const entries = chain([1, 2, 3, 4])
    expect(await tell(ofBook(entries.slice(2), 'late'))).toEqual({ taken: 0, refused: 'gap' })
    expect(await gaps()).toEqual([])
    expect(await tell({ ...ofBook(entries.slice(2), 'late'), oldest: 3 })).toEqual({ taken: 4 })
    expect(await gaps()).toEqual([['late', 'a', 'missing', 0, at(2), at(2)]])
  })

  test('is named between two lives of a ledger, once', async () => {
    await tell(ofBook(chain([1, 2]), 'lost'))
    const second = chain([5], { life: 'b', from: 30 })
    expect(await tell(ofBook([], 'lost', 'b'))).toEqual({ taken: 0 })
    expect(await tell(ofBook(second, 'lost', 'b'))).toEqual({ taken: 1 })
    expect(await tell(ofBook(second, 'lost', 'b'))).toEqual({ taken: 1 })
    // The disk that was away is there again.
    expect(await tell(ofBook(chain([1, 2, 3]), 'lost'))).toEqual({ taken: 3 })
    expect((await gaps()).filter(gap => String(gap).startsWith('lost'))).toEqual([
      ['lost', 'a', 'lost', 2, at(2), at(30)],
    ])
  })

  test('is named where a ledger forks or an entry was changed, and counts up to there', async () => {
    const [first, second] = chain([1, 2]) as [LedgerEntry, LedgerEntry] // two were made
    await tell(ofBook([first, second], 'forked'))
    const other = chain([9], { sequence: 2, previous: first.hash, from: 1 })
    expect(await tell(ofBook(other, 'forked'))).toEqual({ taken: 2, refused: 'forked' })
    const changed = { ...second, amounts: requests(99) }
    expect(await tell(ofBook([first, changed], 'changed'))).toEqual({ taken: 1, refused: 'damaged' })
    expect(await tell(ofBook([first, changed], 'changed'))).toEqual({ taken: 1, refused: 'damaged' })
    const found = (await gaps()).filter(gap => /^(forked|changed)/.test(String(gap)))
    expect(found).toEqual([
      ['changed', 'a', 'damaged', 1, at(1), at(2)],
      ['forked', 'a', 'forked', 2, at(2), at(2)],
    ])
  })
})

test('a node that is removed is named for each of its books, from what was taken last', async () => {
  const of = await ControlFixture.open()
  try {
    await tell(ofBook(chain([1, 2]), '0'), of)
    await tell(ofBook(chain([3], { life: 'b' }), '1', 'b'), of)
    await of.running.close()
    const { origin } = of
    const localNodes = [{ id: origin.id, role: origin.role, publicJwk: origin.publicJwk }]
    of.running = await startControl({ ...of.options(), localNodes })
    const text = `select node, book, life, kind, after::int as after, "from"::text as "from" from usage_gaps order by book`
    const gap = { node: of.edge.id, kind: 'removed' }
    expect(await rowsOf(text, of)).toEqual([
      { ...gap, book: '0', life: 'a', after: 2, from: String(at(2)) },
      { ...gap, book: '1', life: 'b', after: 1, from: String(at(1)) },
    ])
  } finally {
    await of.end()
  }
})

describe('paths that are invalidated', () => {
  test('are counted by control, once for each distribution, with the invalidation', async () => {
    const of = await ControlFixture.open({ clock: { now: () => instant(systemClock.now()) } })
    try {
      const [distribution] = await of.client.distributions()
      const wanted = { paths: ['/a', '/b/*', '/a'], reference: 'once' }
      await Promise.all(Array.from({ length: 4 }, () => of.client.invalidate(wanted)))
      await of.client.invalidate({ paths: ['/c'] })
      // Publishing invalidates too, and nobody asked for that.
      await of.publishReady('/films/one')
      const rows = await rowsOf(
        'select node, distribution, type, sum(amount)::text as amount from usage_hours group by 1, 2, 3',
        of,
      )
      expect(rows).toEqual([
        { node: 'control', distribution: distribution?.id, type: 'invalidation-paths', amount: '3' },
      ])
    } finally {
      await of.end()
    }
  })
})

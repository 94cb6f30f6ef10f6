import { describe, expect, test } from 'vitest'
import { judgeReport, type LedgerEntry, type TakenUpTo } from '../../src/usage/index.ts'
import { at, chain, requests, sealed } from './entries.ts'

const entries = chain([1, 2, 3, 4, 5])
const [first, second, third, fourth, fifth] = entries as [
  ...[LedgerEntry, LedgerEntry, LedgerEntry, LedgerEntry, LedgerEntry],
] // five were made

const upTo = ({ sequence, hash, until }: LedgerEntry): TakenUpTo => ({ sequence, hash, until })
const report = (sent: LedgerEntry[], oldest = 1) => ({ life: 'a', entries: sent, oldest })

describe('a report', () => {
  test('is taken from the first entry on, and says how far', () => {
    expect(judgeReport(report([first, second]), undefined)).toEqual({
      entries: [first, second],
      upTo: upTo(second),
    })
  })

  test('without entries asks how far it was taken', () => {
    expect(judgeReport(report([]), undefined)).toEqual({ entries: [], upTo: undefined })
    expect(judgeReport(report([]), upTo(third))).toEqual({ entries: [], upTo: upTo(third) })
  })

  test('that is sent again, wholly or in part, gives what is new', () => {
    expect(judgeReport(report([first, second]), upTo(second))).toEqual({ entries: [], upTo: upTo(second) })
    expect(judgeReport(report([first]), upTo(third))).toEqual({ entries: [], upTo: upTo(third) })
    expect(judgeReport(report([second, third, fourth]), upTo(third))).toEqual({
      entries: [fourth],
      upTo: upTo(fourth),
    })
  })

  test('that leaves out what the node still has is refused, and nothing is named', () => {
    expect(judgeReport(report([fourth]), upTo(second))).toEqual({
      ...{ entries: [], upTo: upTo(second), refused: 'gap' },
    })
    // Also in the middle, up to which it counts.
    expect(judgeReport(report([third, fifth]), upTo(second))).toEqual({
      ...{ entries: [third], upTo: upTo(third), refused: 'gap' },
    })
  })

  test('of a node that no longer has what is missing is taken, and the gap named', () => {
    expect(judgeReport(report([fourth, fifth], 4), upTo(second))).toEqual({
      ...{ entries: [fourth, fifth], upTo: upTo(fifth) },
      gap: { kind: 'missing', after: 2, from: at(2), until: at(3) },
    })
    expect(judgeReport(report([fourth], 4), undefined)).toEqual({
      ...{ entries: [fourth], upTo: upTo(fourth) },
      gap: { kind: 'missing', after: 0, from: undefined, until: at(3) },
    })
  })

  test('of an older copy of a ledger, which went on otherwise, is refused as forked', () => {
    const [other, next] = chain([7, 8], { sequence: 2, previous: first.hash, from: 1 }) as [
      ...[LedgerEntry, LedgerEntry],
    ] // two were made
    const gap = { kind: 'forked', after: 2, from: at(2) }
    const refused = { entries: [], upTo: upTo(second), refused: 'forked' }
    expect(judgeReport(report([other]), upTo(second))).toEqual({ ...refused, gap: { ...gap, until: at(2) } })
    expect(judgeReport(report([next]), upTo(second))).toEqual({ ...refused, gap: { ...gap, until: at(3) } })
  })

  test('is taken up to the entry that was changed', () => {
    const changed = { ...third, amounts: requests(30_000) }
    expect(judgeReport(report([first, second, changed, fourth]), undefined)).toEqual({
      ...{ entries: [first, second], upTo: upTo(second), refused: 'damaged' },
      gap: { kind: 'damaged', after: 2, from: at(2), until: at(3) },
    })
  })

  test('goes on behind an entry that was changed, once the node has thrown that away', () => {
    expect(judgeReport(report([fourth], 4), upTo(second))).toMatchObject({
      ...{ entries: [fourth], gap: { kind: 'missing', after: 2 } },
    })
  })

  test('with an entry of another life, or twice the same, is not taken beyond that', () => {
    const other = sealed({ ...second, life: 'b' })
    expect(judgeReport(report([first, other]), undefined)).toMatchObject({
      ...{ entries: [first], refused: 'damaged' },
    })
    expect(judgeReport(report([first, first]), undefined)).toMatchObject({ entries: [first], refused: 'gap' })
  })
})

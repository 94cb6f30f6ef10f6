import fc from 'fast-check'
import { expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { formatHttpDate, judgeStorability, type Bounds } from '../../src/http/index.ts'

const NOW = instant(Date.UTC(2026, 10, 22, 12, 0, 0))
const CENTURY = 3_153_600_000

const seconds = fc.integer({ min: 0, max: CENTURY })
const bounds = fc
  .tuple(seconds, seconds, seconds)
  .map(([minimum, usual, more]): Bounds => ({ minimum, default: usual, maximum: minimum + more }))
const wait = fc.integer({ min: 0, max: 120_000 })

function freshFor(headers: string[], limits: Bounds, waited = 0): number | undefined {
  const requestedAt = instant(NOW - waited)
  const verdict = judgeStorability({ status: 200, headers, requestedAt, respondedAt: NOW }, limits)
  return verdict.kind === 'store' ? verdict.freshUntil - NOW : undefined
}

test('nothing is fresh for longer than its lifetime within the bounds, whatever else it says', () => {
  const field = fc.oneof(
    seconds.map(age => ['Age', String(age)]),
    fc.integer({ min: -900, max: 900 }).map(at => ['Date', formatHttpDate(instant(NOW + at * 1000))]),
    fc.integer({ min: -900, max: 900 }).map(at => ['Expires', formatHttpDate(instant(NOW + at * 1000))]),
    fc.string({ maxLength: 12 }).map(text => ['Age', text]),
    fc.constant(['ETag', '"a"']),
  )
  fc.assert(
    fc.property(
      seconds,
      fc.array(field, { maxLength: 5 }),
      bounds,
      wait,
      (lifetime, more, limits, waited) => {
        const fresh = freshFor(['Cache-Control', `max-age=${lifetime}`, ...more.flat()], limits, waited)
        const most = Math.min(Math.max(lifetime, limits.minimum), limits.maximum)
        expect(fresh ?? 0).toBeLessThanOrEqual(Math.max(0, most * 1000 - waited))
      },
    ),
  )
})

test('what is older is never fresher', () => {
  fc.assert(
    fc.property(seconds, seconds, seconds, bounds, (lifetime, age, more, limits) => {
      const told = (at: number): string[] => [
        'Cache-Control',
        `max-age=${lifetime}`,
        'ETag',
        '"a"',
        'Age',
        String(at),
      ]
      const [younger = 0, older = 0] = [freshFor(told(age), limits), freshFor(told(age + more), limits)]
      expect(younger - older).toBe(more * 1000)
    }),
  )
})

test('a lifetime is told exactly up to a century', () => {
  fc.assert(
    fc.property(seconds, lifetime => {
      const limits = { minimum: 0, default: 0, maximum: CENTURY }
      expect(freshFor(['Cache-Control', `max-age=${lifetime}`, 'ETag', '"a"'], limits)).toBe(lifetime * 1000)
    }),
  )
})

test('no header makes the judgement fail', () => {
  const name = fc.constantFrom(
    'Cache-Control',
    'CDN-Cache-Control',
    'Age',
    'Date',
    'Expires',
    'Vary',
    'Set-Cookie',
  )
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc
      .array(
        fc.constantFrom(
          'max-age',
          '=',
          '"',
          ',',
          '\\',
          '9'.repeat(30),
          ';',
          ' ',
          '(',
          ')',
          'no-cache',
          '?1',
          '-',
        ),
      )
      .map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, text), { maxLength: 6 }),
      fc.integer({ min: 100, max: 599 }),
      (all, status) => {
        const facts = { status, headers: all.flat(), requestedAt: NOW, respondedAt: NOW, forwarded: [] }
        const verdict = judgeStorability(facts, { minimum: 0, default: 60, maximum: 3600 })
        if (verdict.kind === 'store') expect(verdict.freshUntil).toBeLessThanOrEqual(NOW + 3_600_000)
      },
    ),
  )
})

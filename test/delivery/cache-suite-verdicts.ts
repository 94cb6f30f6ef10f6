import { expect, test } from 'vitest'
import { CASES, type Kind } from './cache-suite.ts'
import { IGNORED } from './cache-suite-ignored.ts'

export function mayFail(id: string): boolean {
  return id in IGNORED || CASES.get(id)?.kind === 'check'
}

/** What is expected of whoever ran the suite. */
export function declareVerdicts(outcomes: () => ReadonlyMap<string, string>): void {
  const notPassed = (kind: Kind): Record<string, string> => {
    const ids = [...CASES.values()].filter(each => each.kind === kind).map(({ id }) => id)
    return Object.fromEntries(
      ids
        .map(id => [id, outcomes().get(id) ?? 'not run'] as const)
        .filter(([, outcome]) => outcome !== 'passed'),
    )
  }

  test.each(['required', 'optimal'] as const)(
    'every %s case passes, but for those that are ignored',
    kind => {
      const failed = Object.entries(notPassed(kind)).filter(([id]) => !(id in IGNORED))
      expect(Object.fromEntries(failed)).toEqual({})
    },
  )

  test('no case is ignored that passes, or that there is not', () => {
    const failed = { ...notPassed('required'), ...notPassed('optimal') }
    expect(Object.keys(IGNORED).filter(id => !(id in failed))).toEqual([])
  })

  test('all cases for shared caches are run', () => {
    expect([CASES.size, outcomes().size]).toEqual([329, 329])
  })
}

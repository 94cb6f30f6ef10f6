import { expect, it } from 'vitest'
import { openInOneOnly } from '../../src/control/open-in-one-only.ts'
import type { DistributionId, KeyGroupId } from '../../src/core/index.ts'
import { firstDistribution, type Distribution } from '../../src/distribution/index.ts'

const first = (id: string): Distribution =>
  firstDistribution(id as DistributionId, 'cdn.localhost', 'kg-1' as KeyGroupId) // any

/** One whose every path is as open as the first behaviour's pattern says. */
function open(id: string, over: Partial<Distribution> = {}): Distribution {
  const distribution = first(id)
  return { ...distribution, behaviours: distribution.behaviours.slice(2), ...over }
}

it.each<[string, Distribution[], string, string[]]>([
  ['one distribution', [first('E1')], '/members/live', []],
  ['two that gate it alike', [first('E1'), first('E2')], '/members/live', []],
  ['two that leave it open', [first('E1'), open('E2')], '/live/stage', []],
  [
    'one that gates and one that does not',
    [first('E1'), open('E2')],
    '/members/live',
    [
      '/members/live is open to everybody at the distribution E2 (behaviour *), while E1 asks for a signature: gate it there too, or choose another path',
    ],
  ],
  ['one that is switched off', [first('E1'), open('E2', { enabled: false })], '/members/live', []],
])('%s', (_what, distributions, path, sentences) => {
  expect(openInOneOnly(distributions, path)).toEqual(sentences)
})

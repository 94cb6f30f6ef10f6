import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { ROOT } from '../house/tree.ts'

/** What holds of an edge before its origins holds of one with a regional cache in between. */
const SUITES = [
  ...[
    'cache-stories',
    'sharing',
    'ranges',
    'large',
    'serving',
    'live',
    'live-crowd',
    'forwarding',
    'origins',
  ],
  ...['origins-bucket', 'hostile-origin', 'poisoning', 'error-page', 'failover', 'compress', 'carry', 'gate'],
  ...['during-admission', 'slow-readers'],
]

/** Look at what the edge alone knew, and the regional cache knows now: counters of origins, and lines of its log. */
const ELSEWHERE = [
  'goes on to the second where it is listed',
  'left out once that is known, and found again when it is back',
  'is refused unless it is listed',
  // It says that the next tier confirmed it, which it did.
  'is served stale when the origin is gone',
]

test('our own suites pass through an edge and a regional cache', () => {
  const run = spawnSync(
    process.execPath,
    [
      ...['node_modules/vitest/vitest.mjs', 'run', '--reporter=dot'],
      ...['--testNamePattern', `^(?!.*(?:${ELSEWHERE.join('|')}))`],
      ...SUITES.map(name => `test/delivery/${name}.test.ts`),
    ],
    { cwd: ROOT, encoding: 'utf8', env: { ...process.env, SLUICE_TEST_TIER: 'regional' } },
  )
  expect(run.status, `${run.stdout}\n${run.stderr}`).toBe(0)
}, 600_000)

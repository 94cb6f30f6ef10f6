import { describe, expect, test } from 'vitest'
import { FunctionTrials, type Trial } from '../../src/control/function-trials.ts'
import type { Outcome, Run } from '../../src/functions/index.ts'

const RETURNED = { kind: 'returned', value: { the: 'first' }, logs: ['one'], used: 100 } as const
const FAILED = { kind: 'failed', reason: 'function-failed', message: 'no', logs: [], used: 7 } as const
const SECOND = { kind: 'returned', value: { the: 'second' }, logs: ['two'], used: 3 } as const

/** What a trial says whose runs end so, and how many there were. */
async function tried(
  runtime: Trial['runtime'],
  event: Trial['event'],
  ...ends: Outcome[]
): Promise<{ outcome: Outcome; runs: number }> {
  const runs: Run[] = []
  const trials = new FunctionTrials(() => ({
    follow: () => Promise.resolve(),
    check: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
    run: asked => Promise.resolve(ends[runs.push(asked) - 1] ?? FAILED),
  }))
  const outcome = await trials.run({ name: 'f', runtime, code: '', hosts: [], store: undefined, event })
  return { outcome, runs: runs.length }
}

const VIEWERS = { context: { eventType: 'viewer-request' } }
const LAMBDAS = { Records: [{ cf: { config: { eventType: 'origin-request' } } }] }

describe('a trial', () => {
  test('says what the first run did, and what the second took, as its sandbox was there', async () => {
    const { outcome, runs } = await tried('cloudfront-js-2.0', VIEWERS, RETURNED, SECOND)
    expect([outcome, runs]).toEqual([{ ...RETURNED, used: 3 }, 2])
  })

  test('of what fails is one run', async () => {
    expect(await tried('cloudfront-js-2.0', VIEWERS, FAILED, SECOND)).toEqual({ outcome: FAILED, runs: 1 })
  })

  test.each([null, 'a', 1, true, ['a']])('says that nothing can be made of %j', async value => {
    const { outcome } = await tried('cloudfront-js-2.0', VIEWERS, { ...RETURNED, value }, SECOND)
    expect(outcome).toEqual({
      ...{ kind: 'failed', reason: 'function-result', logs: ['one'], used: 3 },
      message: expect.stringContaining('returned no object') as string,
    })
  })

  test('of a handler of Lambda@Edge is one run, since it may ask outside', async () => {
    expect(await tried('lambda-edge', LAMBDAS, RETURNED, SECOND)).toEqual({ outcome: RETURNED, runs: 1 })
  })
})

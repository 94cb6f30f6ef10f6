import type { DistributionId, IssuerId, KeyGroupId, OriginAccessId } from '../../src/core/index.ts'
import {
  settleDistribution,
  type Distribution,
  type DistributionInput,
  type Surroundings,
} from '../../src/distribution/index.ts'

/** Around a new distribution, with one of everything that it may name. The ids are the tests' own. */
export function around(change: Partial<Surroundings> = {}): Surroundings {
  return {
    id: 'ENEW0000000001' as DistributionId,
    domain: 'enew0000000001.cdn.localhost',
    before: undefined,
    others: [],
    keyGroups: [{ id: 'kg-default' as KeyGroupId, name: 'default' }],
    issuers: [{ id: 'iss-login' as IssuerId, name: 'login', cookie: 'login-token' }],
    originAccess: [{ id: 'EACCESS' as OriginAccessId, name: 'films' }],
    policies: [],
    ...change,
  }
}

/** What an input settles to; throws what is wrong with it. */
export function settled(
  input: DistributionInput,
  where = around(),
): { distribution: Distribution; warnings: string[] } {
  const outcome = settleDistribution(input, where)
  if (outcome.kind !== 'good') throw new Error(JSON.stringify(outcome))
  return outcome
}

/** What is wrong with an input. */
export function problemsOf(input: DistributionInput, where = around()): string[] {
  const outcome = settleDistribution(input, where)
  return outcome.kind === 'bad' ? outcome.problems : []
}

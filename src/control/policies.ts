import { newPolicyId, SluiceError, type PolicyId } from '../core/index.ts'
import type { ChangedPolicy, PolicyInfo } from '../client/index.ts'
import {
  isManaged,
  MANAGED_POLICIES,
  settlePolicy,
  type Distribution,
  type Policy,
  type PolicyInput,
} from '../distribution/index.ts'
import { settleAgain } from './distributions.ts'
import {
  deletePolicy,
  listDistributions,
  listIssuers,
  listPolicies,
  readMeta,
  savePolicy,
  type Tx,
} from './database/index.ts'
import { conflict, refusedInput } from './refusals.ts'

const MOST_POLICIES = 1_000

/** The managed ones, then the operator's. */
export async function listPolicyInfos(tx: Tx): Promise<PolicyInfo[]> {
  return [...MANAGED_POLICIES, ...(await listPolicies(tx))].map(infoOf)
}

/** By id, or by a name that one policy alone has. */
export async function findPolicy(tx: Tx, asked: string): Promise<PolicyInfo> {
  const all = await listPolicyInfos(tx)
  const named = all.filter(({ name }) => name === asked)
  const found = all.find(({ id }) => id === asked) ?? (named.length === 1 ? named[0] : undefined)
  if (found) return found
  if (named.length > 1)
    throw refusedInput('ambiguous', [
      `there are ${named.length} policies "${asked}" of different kinds: name the id, ${named.map(({ id, says }) => `${id} (${says.kind})`).join(' or ')}`,
    ])
  const message = `there is no policy ${asked}: sluice policy list names them`
  throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

export async function createPolicy(tx: Tx, input: PolicyInput): Promise<ChangedPolicy> {
  if ((await listPolicies(tx)).length >= MOST_POLICIES)
    throw conflict('too-many', `there are ${MOST_POLICIES} policies already: delete one first`)
  return save(tx, await settled(tx, input, newPolicyId()))
}

/** Every behaviour that names it follows, in one snapshot version; refused where one of them could not. */
export async function replacePolicy(tx: Tx, asked: string, input: PolicyInput): Promise<ChangedPolicy> {
  const before = await own(tx, asked)
  if (input.id !== undefined && input.id !== before.id)
    throw refusedInput('bad-policy', [`this is the policy ${input.id}, not ${before.id}: take its "id" out`])
  if (input.says.kind !== before.says.kind)
    throw refusedInput('bad-policy', [
      `the policy "${before.name}" is of the kind ${before.says.kind} and stays so: make another for ${input.says.kind}`,
    ])
  return save(tx, await settled(tx, input, before.id))
}

/** Refused while a behaviour names it. Nodes are told of behaviours only, so the snapshot stays as it is. */
export async function removePolicy(tx: Tx, asked: string): Promise<number> {
  const { id, name } = await own(tx, asked)
  const users = usersOf(id, await listDistributions(tx))
  if (users.length > 0)
    throw conflict('in-use', `the policy "${name}" is used by ${told(users)}: take it out there first`)
  await deletePolicy(tx, id)
  return (await readMeta(tx)).version
}

interface User {
  distribution: Distribution
  pattern: string
}

export function usersOf(id: PolicyId, distributions: readonly Distribution[]): User[] {
  return distributions.flatMap(distribution =>
    distribution.behaviours
      .filter(({ policies = {} }) => Object.values(policies).includes(id))
      .map(({ pattern }) => ({ distribution, pattern })),
  )
}

/** As many as are read. */
const MOST_TOLD = 5

function told(users: readonly User[]): string {
  const named = users
    .slice(0, MOST_TOLD)
    .map(({ distribution, pattern }) => `the behaviour "${pattern}" of ${distribution.id}`)
  const more = users.length - named.length
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ')
}

async function own(tx: Tx, asked: string): Promise<PolicyInfo> {
  const found = await findPolicy(tx, asked)
  if (found.managed)
    throw conflict(
      'managed',
      `the policy "${found.name}" is always there and cannot be changed: make one of your own`,
    )
  return found
}

async function settled(tx: Tx, input: PolicyInput, id: PolicyId): Promise<Policy> {
  const cookies = (await listIssuers(tx)).map(({ cookie }) => cookie)
  const outcome = settlePolicy(input, id, cookies)
  if (outcome.kind === 'bad') throw refusedInput('bad-policy', outcome.problems)
  const { policy } = outcome
  const twin = [...MANAGED_POLICIES, ...(await listPolicies(tx))].find(
    each => each.id !== id && each.name === policy.name && each.says.kind === policy.says.kind,
  )
  if (twin)
    throw conflict(
      'exists',
      `there is a ${policy.says.kind} policy "${policy.name}" already: use another name, or change that one`,
    )
  return policy
}

async function save(tx: Tx, policy: Policy): Promise<ChangedPolicy> {
  await savePolicy(tx, policy)
  const users = new Set(usersOf(policy.id, await listDistributions(tx)).map(user => user.distribution.id))
  const { snapshotVersion, warnings } = await settleAgain(tx, users)
  return { policy: infoOf(policy), snapshotVersion, warnings }
}

function infoOf(policy: Policy): PolicyInfo {
  return { ...policy, managed: isManaged(policy.id) }
}

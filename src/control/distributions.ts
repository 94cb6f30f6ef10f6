import { newDistributionId, SluiceError, type DistributionId } from '../core/index.ts'
import type { ChangedDistribution, DistributionInfo } from '../client/index.ts'
import {
  settleDistribution,
  type Distribution,
  type DistributionInput,
  type Surroundings,
} from '../distribution/index.ts'
import {
  deleteDistribution,
  fileNames,
  keyGroupsWithKeys,
  listDistributions,
  listFunctions,
  listIssuers,
  listOriginAccess,
  listPolicies,
  readMeta,
  saveDistribution,
  type Tx,
} from './database/index.ts'
import { listKnownEncryptions } from './encryptions.ts'
import { conflict, refusedInput } from './refusals.ts'

/** Each is compiled by every node and held in its memory. */
export const MOST_DISTRIBUTIONS = 1_000

export async function listDistributionInfos(tx: Tx): Promise<DistributionInfo[]> {
  const { fallbackDistribution } = await readMeta(tx)
  const names = await fileNames(tx)
  return (await listDistributions(tx)).map(each => infoOf(each, fallbackDistribution, names.get(each.id)))
}

export async function createDistribution(
  tx: Tx,
  input: DistributionInput,
  domainSuffix: string,
): Promise<ChangedDistribution> {
  const all = await listDistributions(tx)
  if (all.length >= MOST_DISTRIBUTIONS)
    throw conflict('too-many', `there are ${MOST_DISTRIBUTIONS} distributions already: delete one first`)
  const id = newDistributionId()
  const domain = `${id.toLowerCase()}.${domainSuffix}`
  return save(tx, input, await surroundings(tx, all, { id, domain, before: undefined }))
}

/** Puts another definition in the place of a whole one; secret header values that are left out stay. */
export async function replaceDistribution(
  tx: Tx,
  id: string,
  input: DistributionInput,
): Promise<ChangedDistribution> {
  const all = await listDistributions(tx)
  const before = all.find(each => each.id === id)
  if (!before) throw noDistribution(id)
  const { fallbackDistribution } = await readMeta(tx)
  const fallback = before.id === fallbackDistribution
  if (input.fallback !== undefined && input.fallback !== fallback) {
    throw refusedInput('bad-distribution', [
      `which distribution serves unknown hosts is not changed here: set "fallback" to ${fallback}, or take it out`,
    ])
  }
  const own = { id: before.id, domain: before.domain, before }
  const changed = await save(tx, input, await surroundings(tx, all, own))
  const { file } = changed.distribution
  const warning = `this distribution is written in the configuration file as "${file}", which changes it back when it is applied again: change it there`
  return file === undefined ? changed : { ...changed, warnings: [...changed.warnings, warning] }
}

/** The snapshot version without it. */
export async function removeDistribution(tx: Tx, id: string): Promise<number> {
  const found = (await listDistributions(tx)).find(each => each.id === id)
  if (!found) throw noDistribution(id)
  const { fallbackDistribution } = await readMeta(tx)
  if (found.id === fallbackDistribution)
    throw conflict('fallback', `${id} serves the hosts that no other claims, and so cannot be deleted`)
  if (found.enabled)
    throw conflict(
      'enabled',
      `${id} is enabled: disable it first, sluice distribution update ${id} --disable`,
    )
  return deleteDistribution(tx, found.id)
}

/** Settles distributions as they are stored once more, after what they name has changed: all of them, or none. */
export async function settleAgain(
  tx: Tx,
  ids: ReadonlySet<DistributionId>,
): Promise<{ snapshotVersion: number; warnings: string[] }> {
  const all = await listDistributions(tx)
  const warnings: string[] = []
  for (const before of all.filter(({ id }) => ids.has(id))) {
    const own = { id: before.id, domain: before.domain, before }
    const outcome = settleDistribution(before, await surroundings(tx, all, own))
    if (outcome.kind !== 'good') {
      const problems = outcome.kind === 'bad' ? outcome.problems : [outcome.problem]
      throw refusedInput(
        'in-use',
        problems.map(problem => `the distribution ${before.id} would not do then: ${problem}`),
      )
    }
    await saveDistribution(tx, outcome.distribution)
    warnings.push(...outcome.warnings)
  }
  return { snapshotVersion: (await readMeta(tx)).version, warnings: [...new Set(warnings)] }
}

export function noDistribution(id: string): SluiceError {
  const message = `there is no distribution ${id}: sluice distribution list names them`
  return new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

export async function surroundings(
  tx: Tx,
  all: readonly Distribution[],
  own: Pick<Surroundings, 'id' | 'domain' | 'before'>,
): Promise<Surroundings> {
  return {
    ...own,
    others: all.filter(each => each.id !== own.id),
    keyGroups: await keyGroupsWithKeys(tx),
    issuers: await listIssuers(tx),
    originAccess: await listOriginAccess(tx),
    policies: await listPolicies(tx),
    encryptions: await listKnownEncryptions(tx),
    functions: (await listFunctions(tx)).map(({ name, development, live, versions }) => ({
      name,
      runtime: (live ?? development).runtime,
      live: live !== undefined,
      versions: versions.map(({ version, stage }) => ({ version, bytes: stage.code.bytes })),
    })),
  }
}

async function save(tx: Tx, input: DistributionInput, around: Surroundings): Promise<ChangedDistribution> {
  const settled = settleDistribution(input, around)
  switch (settled.kind) {
    case 'bad':
      throw refusedInput('bad-distribution', settled.problems)
    case 'taken':
      throw conflict('alias-taken', settled.problem)
    case 'good': {
      const snapshotVersion = await saveDistribution(tx, settled.distribution)
      const { fallbackDistribution } = await readMeta(tx)
      const file = (await fileNames(tx)).get(settled.distribution.id)
      return {
        distribution: infoOf(settled.distribution, fallbackDistribution, file),
        snapshotVersion,
        warnings: settled.warnings,
      }
    }
  }
}

/** Without the values of secret headers. */
function infoOf(
  distribution: Distribution,
  fallback: DistributionId | null,
  file: string | undefined,
): DistributionInfo {
  const origins = distribution.origins.map(origin =>
    origin.kind === 'http'
      ? { ...origin, headers: origin.headers.map(({ name }) => ({ name, value: null })) }
      : origin,
  )
  return {
    ...{ ...distribution, origins, fallback: distribution.id === fallback },
    ...(file !== undefined && { file }),
  }
}

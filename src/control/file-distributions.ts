import { isDeepStrictEqual } from 'node:util'
import { newDistributionId } from '../core/index.ts'
import type { AppliedFile } from '../client/index.ts'
import {
  byNames,
  FILE_NAME,
  settleDistribution,
  type Distribution,
  type DistributionInput,
  type Surroundings,
} from '../distribution/index.ts'
import { MOST_DISTRIBUTIONS, surroundings } from './distributions.ts'
import {
  fileNames,
  listDistributions,
  readMeta,
  saveDistribution,
  setFileName,
  type Tx,
} from './database/index.ts'
import { conflict, refusedInput } from './refusals.ts'

type Own = Pick<Surroundings, 'id' | 'domain' | 'before'>

/** One distribution of the file: where it belongs, and what it was settled to. */
interface Entry {
  name: string
  own: Own
  settled: Distribution
}

/**
 * Makes the distributions of a configuration file what it says: all of them, or none where one would not do. A name
 * stays with its distribution; a definition with the `id` of one that no file has takes that over. Those of names that
 * the file says no more are disabled, never deleted, and are the same again when their names come back.
 */
export async function applyFile(
  tx: Tx,
  inputs: Readonly<Record<string, DistributionInput>>,
  domainSuffix: string,
): Promise<AppliedFile> {
  const all = await listDistributions(tx)
  const names = await fileNames(tx)
  const entries: Entry[] = []
  const problems: string[] = []
  const warnings: string[] = []
  const owns = Object.entries(inputs).map(([name, input]) => {
    const own = ownOf(name, input, { all, names, domainSuffix })
    if (typeof own === 'string') problems.push(`"${name}": ${own}`)
    return { name, input, own }
  })
  const inFile = new Set(owns.flatMap(({ own }) => (typeof own === 'string' ? [] : [own.id])))
  const elsewhere = all.filter(each => !inFile.has(each.id))
  const { fallbackDistribution } = await readMeta(tx)
  for (const { name, input, own } of owns) {
    if (typeof own === 'string') continue
    if (input.fallback === true && own.id !== fallbackDistribution)
      problems.push(
        `"${name}": which distribution serves unknown hosts is not changed here: take "fallback" out`,
      )
    // Of those in the file the earlier ones as they will be: a name may move from one to another.
    const others = [...elsewhere, ...entries.map(({ settled }) => settled)]
    const outcome = settleDistribution(input, await surroundings(tx, others, own))
    if (outcome.kind === 'bad') problems.push(...outcome.problems.map(problem => `"${name}": ${problem}`))
    const known = new Map<string, string>(entries.map(each => [each.own.id, each.name]))
    if (outcome.kind === 'taken') problems.push(`"${name}": ${byNames(outcome.problem, known)}`)
    if (outcome.kind !== 'good') continue
    entries.push({ name, own, settled: outcome.distribution })
    warnings.push(...outcome.warnings.map(warning => `"${name}": ${warning}`))
  }
  if (problems.length > 0) throw refusedInput('bad-distribution', problems)
  if (elsewhere.length + entries.length > MOST_DISTRIBUTIONS)
    throw conflict('too-many', `there may be ${MOST_DISTRIBUTIONS} distributions: take some out`)
  const made = []
  for (const entry of entries) made.push(await save(tx, entry, names.get(entry.own.id)))
  const left = elsewhere.filter(each => names.has(each.id))
  return {
    distributions: [...made, ...(await disableAll(tx, left, names))],
    snapshotVersion: (await readMeta(tx)).version,
    warnings,
  }
}

/** Which distribution a name of the file stands for, or why there can be none. */
function ownOf(
  name: string,
  { id }: DistributionInput,
  known: { all: readonly Distribution[]; names: ReadonlyMap<string, string>; domainSuffix: string },
): Own | string {
  if (!FILE_NAME.test(name)) return 'is no good name: use letters, digits, "-" and "_", 64 at most'
  const { all, names, domainSuffix } = known
  const named = all.find(each => names.get(each.id) === name)
  const before = named ?? all.find(each => each.id === id)
  if (before === undefined && id !== undefined)
    return `there is no distribution ${id}: take its "id" out to make one`
  const other = before === undefined ? undefined : names.get(before.id)
  if (other !== undefined && other !== name)
    return `the distribution ${id} is "${other}" in the file already: keep that name, or take its "id" out`
  if (before) return { id: before.id, domain: before.domain, before }
  const fresh = newDistributionId()
  return { id: fresh, domain: `${fresh.toLowerCase()}.${domainSuffix}`, before: undefined }
}

type Applied = AppliedFile['distributions'][number]

async function save(tx: Tx, { name, own, settled }: Entry, named: string | undefined): Promise<Applied> {
  const { id, domain } = settled
  const same = isDeepStrictEqual(own.before, settled)
  if (!same) await saveDistribution(tx, settled)
  if (named === undefined) await setFileName(tx, id, name)
  return { name, id, domain, outcome: own.before === undefined ? 'made' : same ? 'same' : 'changed' }
}

async function disableAll(
  tx: Tx,
  left: readonly Distribution[],
  names: ReadonlyMap<string, string>,
): Promise<Applied[]> {
  const gone = left.filter(({ enabled }) => enabled)
  for (const distribution of gone) await saveDistribution(tx, { ...distribution, enabled: false })
  return gone.map(({ id, domain }) => ({ name: names.get(id) ?? '', id, domain, outcome: 'disabled' }))
}

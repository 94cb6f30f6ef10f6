import { settleDistribution } from './check.ts'
import type { BehaviourInput, DistributionInput, OriginInput } from './input.ts'
import { MANAGED_POLICIES } from './managed-policies.ts'
import type { Distribution } from './schema.ts'
import type { Surroundings } from './surroundings.ts'

/** What a distribution may be called in a configuration file. */
export const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

/**
 * What is wrong with the distributions of a configuration file as far as the file alone tells: whom a gate trusts, and
 * what accesses and policies there are, control knows. Sentences, each with the name of its distribution.
 */
export function fileProblems(inputs: Readonly<Record<string, DistributionInput>>): string[] {
  const settled: Distribution[] = []
  const names = new Map<string, string>()
  return Object.entries(inputs).flatMap(([name, input], at) => {
    if (!FILE_NAME.test(name))
      return [`"${name}" is no good name: use letters, digits, "-" and "_", 64 at most`]
    const id = `E${String(at).padStart(13, '0')}` as Distribution['id'] // until control gives it one
    const known = { ...input, ...knownParts(input) }
    delete known.id
    delete known.domain
    const outcome = settleDistribution(known, pretended(input, id, settled))
    if (outcome.kind === 'taken') return [`"${name}": ${byNames(outcome.problem, names)}`]
    if (outcome.kind === 'bad') return outcome.problems.map(problem => `"${name}": ${problem}`)
    settled.push(outcome.distribution)
    names.set(id, name)
    return []
  })
}

/** A sentence about a distribution that has no id yet. */
export function byNames(problem: string, names: ReadonlyMap<string, string>): string {
  return problem.replace(/the distribution (E[A-Z0-9]+)/g, (whole, id: string) =>
    names.has(id) ? `"${names.get(id)}"` : whole,
  )
}

/** Less the policies that control alone knows, and with something in place of what is stored there. */
function knownParts({
  behaviours,
  origins,
}: DistributionInput): Pick<DistributionInput, 'behaviours' | 'origins'> {
  return {
    ...(behaviours && { behaviours: behaviours.map(withoutOwnPolicies) }),
    ...(origins && { origins: origins.map(withStored) }),
  }
}

function withoutOwnPolicies({ policies = {}, ...rest }: BehaviourInput): BehaviourInput {
  const managed = Object.entries(policies).filter(([, asked]) =>
    MANAGED_POLICIES.some(({ id, name }) => id === asked || name === asked),
  )
  return { ...rest, policies: Object.fromEntries(managed) }
}

function withStored({ headers, ...rest }: OriginInput): OriginInput {
  return headers === undefined
    ? rest
    : { ...rest, headers: headers.map(({ name, value }) => ({ name, value: value ?? 'stored' })) }
}

/** As if there were all that it names. */
function pretended(
  { behaviours = [], origins = [] }: DistributionInput,
  id: Distribution['id'],
  others: readonly Distribution[],
): Surroundings {
  const named = <Id extends string>(names: readonly string[]): { id: Id; name: string }[] =>
    names.map(name => ({ id: name as Id, name })) // stands for whatever id it has
  return {
    ...{ id, domain: `${id.toLowerCase()}.invalid`, before: undefined, others, policies: [] },
    keyGroups: named(behaviours.flatMap(({ gate }) => gate?.keyGroups ?? [])),
    issuers: named(behaviours.flatMap(({ gate }) => gate?.issuers ?? [])),
    originAccess: named(origins.flatMap(({ access }) => (typeof access === 'string' ? [access] : []))),
  }
}

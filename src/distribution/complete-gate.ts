import type { BehaviourInput } from './input.ts'
import type { Behaviour } from './schema.ts'
import { idOf, type Surroundings } from './surroundings.ts'

/** Ids in place of names. */
export function completeGate(
  gate: NonNullable<BehaviourInput['gate']> | null,
  place: string,
  around: Surroundings,
  problems: string[],
): Behaviour['gate'] {
  if (gate === null) return null
  const find = <T extends string>(
    known: readonly { id: T; name: string }[],
    names: readonly string[],
    what: string,
    mend: string,
  ): T[] =>
    names.flatMap(name => {
      const id = idOf(known, name)
      if (id !== undefined) return [id]
      problems.push(`${place} trusts the ${what} "${name}", which there is not: ${mend}`)
      return []
    })
  const keyGroups = find(
    around.keyGroups,
    gate.keyGroups ?? [],
    'key group',
    'sluice keys groups lists them, sluice keys create NAME --group makes one',
  )
  const issuers = find(
    around.issuers,
    gate.issuers ?? [],
    'issuer',
    'sluice issuers list names them, sluice issuers create makes one',
  )
  if ((gate.keyGroups ?? []).length + (gate.issuers ?? []).length === 0)
    problems.push(`the gate of ${place} trusts nobody: name a key group or an issuer, or set "gate" to null`)
  return { keyGroups: [...new Set(keyGroups)], issuers: [...new Set(issuers)] }
}

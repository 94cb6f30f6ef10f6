import { membersOf } from './group.ts'
import { originWarnings } from './origin-warnings.ts'
import { covers, overlap } from './pattern-order.ts'
import type { Behaviour, Distribution } from './schema.ts'

/** Sentences about what is allowed and seldom meant: order that opens what a gate was written for, first of all. */
export function distributionWarnings(distribution: Distribution, others: readonly Distribution[]): string[] {
  return [
    ...orderWarnings(distribution.behaviours),
    ...openElsewhere(distribution, others),
    ...originWarnings(distribution),
    ...distribution.behaviours.flatMap(corsWarnings),
  ]
}

/** With credentials `*` is the name of a field that nobody sends (Fetch, "CORS protocol and credentials"). */
function corsWarnings({ pattern, responseHeaders }: Behaviour): string[] {
  const { credentials = false, headers = [], expose = [] } = responseHeaders?.cors ?? {}
  return credentials && [...headers, ...expose].includes('*')
    ? [
        `behaviour "${pattern}" allows the headers "*" with credentials, which browsers take for none: list them by name`,
      ]
    : []
}

function orderWarnings(behaviours: readonly Behaviour[]): string[] {
  return behaviours.flatMap((behaviour, at) => {
    const earlier = behaviours.slice(0, at)
    const shadow = earlier.find(each => covers(each.pattern, behaviour.pattern))
    if (shadow) return [shadowWarning(behaviour, shadow)]
    if (!behaviour.gate) return []
    return earlier
      .filter(each => !each.gate && overlap(each.pattern, behaviour.pattern))
      .map(
        each =>
          `behaviour "${each.pattern}" is open and stands before "${behaviour.pattern}", so what both match needs no signature: put it behind, or gate it too, unless that is meant`,
      )
  })
}

function shadowWarning(behaviour: Behaviour, shadow: Behaviour): string {
  const never = `behaviour "${behaviour.pattern}" is never reached, since "${shadow.pattern}" before it matches all of it`
  return behaviour.gate && !shadow.gate
    ? `${never}, and that one is open to everybody: put the gated one first`
    : `${never}: put it first, or take it out`
}

/** What is on the built-in origin is there for all distributions (SEAMS 2). */
function openElsewhere(distribution: Distribution, others: readonly Distribution[]): string[] {
  if (!distribution.enabled) return []
  const mine = onBuiltIn(distribution)
  return others
    .filter(other => other.enabled)
    .flatMap(other => [
      ...pairs(distribution, mine, other, onBuiltIn(other)),
      ...pairs(other, onBuiltIn(other), distribution, mine),
    ])
}

/** The open behaviours of one distribution over what the other asks a signature for. */
function pairs(
  open: Distribution,
  opens: readonly Behaviour[],
  gated: Distribution,
  gates: readonly Behaviour[],
): string[] {
  return gates
    .filter(each => each.gate)
    .flatMap(gate => {
      const closed = opens.findIndex(each => each.gate && covers(each.pattern, gate.pattern))
      const before = closed < 0 ? opens : opens.slice(0, closed)
      const hole = before.find(each => !each.gate && overlap(each.pattern, gate.pattern))
      return hole
        ? [
            `"${gate.pattern}" of the built-in origin needs a signature at the distribution ${gated.id} and is open at ${open.id} (behaviour "${hole.pattern}"): gate it there too`,
          ]
        : []
    })
}

function onBuiltIn(distribution: Distribution): Behaviour[] {
  return distribution.behaviours.filter(each =>
    membersOf(distribution, each.originId).some(({ kind }) => kind === 'built-in'),
  )
}

import { compileDistribution, membersOf, type Distribution } from '../distribution/index.ts'

/**
 * Sentences about distributions that show a path to everybody while another asks for a signature: what is on the
 * built-in origin is there for all of them (SEAMS 2).
 */
export function openInOneOnly(distributions: readonly Distribution[], path: string): string[] {
  const met = distributions.flatMap(distribution => {
    if (!distribution.enabled) return []
    const behaviour = compileDistribution(distribution).behaviour(`${path}/index.m3u8`)
    const members = membersOf(distribution, behaviour.originId)
    return members.some(({ kind }) => kind === 'built-in') ? [{ id: distribution.id, behaviour }] : []
  })
  const gated = met.find(each => each.behaviour.gate !== null)
  if (!gated) return []
  return met
    .filter(each => each.behaviour.gate === null)
    .map(
      ({ id, behaviour }) =>
        `${path} is open to everybody at the distribution ${id} (behaviour ${behaviour.pattern}), while ${gated.id} asks for a signature: gate it there too, or choose another path`,
    )
}

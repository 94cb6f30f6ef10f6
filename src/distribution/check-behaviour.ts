import { canonicalPath, canonicalPattern } from '../core/index.ts'
import { encryptionProblems } from './check-encryption.ts'
import { fieldProblems, listed } from './check-fields.ts'
import { gateProblems, headerProblems } from './check-response-headers.ts'
import { membersOf } from './group.ts'
import { samePattern } from './pattern-order.ts'
import type { Behaviour, Distribution, Lifetimes, Origin } from './schema.ts'

/**
 * What could not be served as it is written, in sentences that name the behaviour and the mend. `tokenCookies` are the
 * cookies in which issuers' tokens come.
 */
export function behaviourProblems(distribution: Distribution, tokenCookies: readonly string[]): string[] {
  const { behaviours, origins, originGroups = [] } = distribution
  const problems = behaviours.flatMap((behaviour, at) => {
    const members = membersOf(distribution, behaviour.originId)
    const place = `behaviour "${behaviour.pattern}"`
    const twin = behaviours.findIndex(each => samePattern(each.pattern, behaviour.pattern))
    return [
      ...patternProblem(behaviour.pattern).map(why => `${place} ${why}`),
      ...(twin < at ? [`${place} is there twice: only the first would ever count, take one out`] : []),
      ...(origins.length === 0 || [...origins, ...originGroups].some(each => each.id === behaviour.originId)
        ? []
        : [
            `${place} names the origin "${behaviour.originId}", which is not listed: list it or name another`,
          ]),
      ...secretFields(behaviour, members).map(
        name =>
          `the header "${name}" of ${place} is a secret of its origin, which no viewer may set: take it out`,
      ),
      ...ruleProblems(behaviour, place),
      ...fieldProblems(behaviour, place, tokenCookies),
      ...answerProblems(behaviour, place),
      ...originRules(behaviour, members[0]?.kind, place),
      ...encryptionProblems(behaviour, members, place),
    ]
  })
  if (behaviours.at(-1)?.pattern !== '*')
    problems.push(
      'the last behaviour must be "*", for all that no other matches: add {"pattern": "*"} at the end',
    )
  return problems
}

function secretFields({ headers, forward }: Behaviour, members: readonly Origin[]): string[] {
  const secrets = members.flatMap(each =>
    each.kind === 'http' ? each.headers.map(({ name }) => name.toLowerCase()) : [],
  )
  return [...new Set([...headers, ...listed(forward)])].filter(name => secrets.includes(name))
}

/** Writing is for servers that judge who may. */
function originRules({ methods }: Behaviour, kind: Origin['kind'] | undefined, place: string): string[] {
  if (methods !== 'all' || kind === undefined || kind === 'http') return []
  return [
    kind === 's3'
      ? `${place} has methods "all" before a bucket, where a node that signs would write for everybody: set "read"`
      : `${place} has methods "all" before the built-in origin, which is written to by publishing only: set "read"`,
  ]
}

/** Patterns that no path can match look like a rule and are none. */
function patternProblem(pattern: string): string[] {
  if (pattern === '') return ['is empty: write a path such as /members/*, or *']
  if (/[\s\u0000-\u001f\u007f\\]/.test(pattern))
    return ['holds a space, a backslash or a control character: take it out']
  if (/^[a-z]+:\/\//i.test(pattern)) return ['is a URL: write its path only']
  const path = canonicalPattern(pattern).replace(/[*?]/g, 'x')
  const canonical = canonicalPath(path.startsWith('/') ? path : `/${path}`)
  if (canonical.kind === 'bad') return [`matches no path (${canonical.why}): mend it`]
  if (/^\/?\.sluice(?:\/|$)/.test(pattern)) return ['is about /.sluice/, which is Sluice itself: take it out']
  return []
}

function ruleProblems(behaviour: Behaviour, place: string): string[] {
  const { ttl, gate, carry, methods, keepOptions, corsOrigins } = behaviour
  const problems = lifetimesProblems(ttl, place)
  if (carry === 'define' && (gate?.keyGroups ?? []).length === 0)
    problems.push(
      `${place} has carry "define", which hands signed queries on: gate it by a key group, or set "none"`,
    )
  if (keepOptions === true && methods === 'get')
    problems.push(
      `${place} has "keepOptions" and lets no OPTIONS in: set "methods" to "read", or take it out`,
    )
  for (const origin of corsOrigins) {
    if (!isWebOrigin(origin))
      problems.push(
        `the CORS origin "${origin}" of ${place} is none: write it as https://site.example, without path`,
      )
  }
  return problems
}

export function lifetimesProblems({ minimum, default: usual, maximum }: Lifetimes, place: string): string[] {
  return minimum > usual || usual > maximum
    ? [`the ttl of ${place} must rise from minimum over default to maximum`]
    : []
}

function answerProblems({ responseHeaders, gate }: Behaviour, place: string): string[] {
  if (responseHeaders === undefined) return []
  return [
    ...headerProblems(responseHeaders, place),
    ...(gate === null ? [] : gateProblems(responseHeaders, place)),
  ]
}

/** As a browser writes it into `Origin` (RFC 6454 §6.2). */
function isWebOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text
}

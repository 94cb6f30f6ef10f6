import type { Explanation } from '../../client/index.ts'
import { good, problem, warning, type Finding } from '../finding.ts'
import type { Asked } from './edge.ts'
import { reasonOf } from './edge-rules.ts'

/** The findings that explain each reason, so that one thing is told once. */
const TOLD_BY: Record<string, readonly string[]> = {
  missing: ['cookies'],
  malformed: ['cookies', 'expiry', 'policy'],
  'wrong-resource': ['wildcard', 'canned policy'],
  'bad-signature': ['canned policy'],
  expired: ['expiry'],
  'not-yet': ['not yet'],
}

/** What the edge says to the cookies themselves, however a browser would have treated them. */
export function answerFindings(
  answer: Asked,
  told: Explanation | undefined,
  before: readonly Finding[],
): Finding[] {
  if (answer.kind === 'silent') {
    return [problem('edge', `no answer to the cookies (${answer.why})`, 'Ask again; look at its log.')]
  }
  const reason = reasonOf(answer)
  if (reason !== undefined) {
    const known = TOLD_BY[reason] ?? []
    const explained = before.some(({ name, state }) => state === 'problem' && known.includes(name))
    return explained ? [] : [refused(reason, told)]
  }
  const { status } = answer
  if (status === 404) {
    const mend = 'Look at the path: "sluice assets" and "sluice live list" name what there is.'
    return [warning('answer', 'the cookies are let in, and nothing is there (404)', mend)]
  }
  if (status >= 400) {
    const mend = 'Look at the log of the edge, and whether its origin answers ("sluice doctor").'
    return [problem('answer', `the cookies are let in, and the answer is ${status}`, mend)]
  }
  return [good('answer', `with the cookies the answer is ${status}`)]
}

function refused(reason: string, told: Explanation | undefined): Finding {
  const detail = told?.checks.find(({ check, verdict }) => check === reason && verdict === 'fails')?.detail
  const found = detail === undefined ? `the edge refuses the cookies: ${reason}` : `${reason}: ${detail}`
  switch (reason) {
    case 'unknown-key':
      return problem('key', found, keyMend(told))
    case 'bad-signature':
      return problem(
        'key',
        found,
        'Sign with the private half of the key that CloudFront-Key-Pair-Id names; if it signs with SHA-256, set the cookie CloudFront-Hash-Algorithm=SHA256 as well.',
      )
    case 'weak-hash':
      return problem(
        'key',
        found,
        'Sign with SHA-256 and set the cookie CloudFront-Hash-Algorithm=SHA256 as well.',
      )
    case 'wrong-ip':
      return problem(
        'address',
        found,
        'Sign without IpAddress, or for the address by which the edge sees the viewer; behind a proxy name that in trustedProxies.',
      )
    case 'wrong-action':
      return problem('action', found, 'Leave out Action, and begin Resource with http://, https:// or *://.')
    case 'expired':
    case 'not-yet':
      return problem(
        'clock',
        `${found}; the clock here says otherwise`,
        'Set the clocks of this machine and of the edge.',
      )
    default:
      return problem('answer', found, mendOf(told, reason))
  }
}

function keyMend(told: Explanation | undefined): string {
  const groups = told?.gate?.keyGroups.map(each => each.name) ?? []
  const group = groups[0] ?? 'default'
  const { key } = told ?? {}
  if (key && key.name !== null) {
    const of = key.groups.length === 0 ? 'no group' : key.groups.join(', ')
    return `${key.id} is of ${of}, and this behaviour trusts ${groups.join(', ') || 'no group'}: sign with a key of that, or add the group to the behaviour.`
  }
  return `Sign with a key that "sluice keys list" names, or trust this one: sluice keys import NAME PUBLIC.pem --group ${group}.`
}

/** Control and edge disagree, or there is no control to ask. */
function mendOf(told: Explanation | undefined, reason: string): string {
  return told?.verdict === 'allowed'
    ? 'The configuration would allow it, so this edge may have an older one: "sluice nodes" tells.'
    : `"sluice explain URL --cookie …" tells each condition; ${reason} is the one that decided.`
}

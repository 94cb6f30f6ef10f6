import type { GrantReason, Instant } from '../core/index.ts'
import { parseAddress } from './address.ts'
import { CONDITIONS, type Condition, type JudgedRequest } from './conditions.ts'
import { grantCheck, withoutTokens, type GrantCheck } from './grant-check.ts'
import type { Action, Policy } from './policy.ts'
import { shownUrl, whyNotCovered } from './resource-sentence.ts'

/** What is known of a policy. `unnamed` is a canned one of which nobody knows what URL was signed. */
export type Promised = { kind: 'nothing' } | { kind: 'unnamed' | 'policy'; policy: Policy }

/** The conditions in their order, each held against the request, those behind a failing one too. */
export function conditionChecks(promised: Promised, request: JudgedRequest, now: Instant): GrantCheck[] {
  return CONDITIONS.map(condition => {
    const { reason } = condition
    if (promised.kind === 'nothing')
      return grantCheck(reason, 'unknown', 'there is no policy that could be read')
    if (promised.kind === 'unnamed' && reason === 'wrong-resource') {
      const only = 'a canned policy has no Resource of its own; only a signature that fits tells its URL'
      return grantCheck(reason, 'unknown', only)
    }
    return held(condition, promised.policy, request, now)
  })
}

function held(condition: Condition, policy: Policy, request: JudgedRequest, now: Instant): GrantCheck {
  const holds = condition.holds(policy, request, now)
  const sentence = SENTENCES[condition.reason]?.(policy, request, now, holds) ?? condition.detail
  return grantCheck(condition.reason, holds ? 'holds' : 'fails', sentence)
}

type Sentence = (policy: Policy, request: JudgedRequest, now: Instant, holds: boolean) => string

const SENTENCES: Partial<Record<GrantReason, Sentence>> = {
  'wrong-resource': ({ resource }, request, _now, holds) => {
    const text = withoutTokens(resource.text)
    if (!holds)
      return `Resource ${text} does not cover ${shownUrl(request)}: ${whyNotCovered(resource, request)}`
    if (text === '') return 'the policy has no Resource, and its key group lets such a one open everything'
    if (resource.readings === 'compared') return `the signature covers ${text} itself`
    return `Resource ${text} covers ${shownUrl(request)}`
  },
  'wrong-action': ({ opens }, { action }) =>
    `the policy allows ${opens.length === 0 ? 'nothing: its Action and its Resource contradict each other' : opens.map(named).join(' and ')}; this request is for ${named(action)}`,
  expired: ({ expires }, _request, now) => `expires ${momentFrom(now, expires)}`,
  'not-yet': ({ notBefore }, _request, now) =>
    notBefore === undefined
      ? 'no DateGreaterThan: valid from any time'
      : `valid after ${momentFrom(now, notBefore)}`,
  'wrong-ip': ({ address }, request, _now, holds) => {
    if (address === undefined) return 'no IpAddress: valid from any address'
    if (parseAddress(request.address) === undefined)
      return `the address that asks is not known, and the policy wants ${address.text}`
    return `${request.address} is ${holds ? '' : 'not '}in ${address.text}`
  },
}

function named(action: Action): string {
  return { view: 'viewing', publish: 'publishing' }[action]
}

/** `2026-11-22T10:00:00Z, 3 h ago`. */
function momentFrom(now: Instant, at: Instant): string {
  const moment = new Date(at).toISOString().replace('.000Z', 'Z')
  const span = spanText(Math.abs(at - now))
  return at > now ? `${moment}, in ${span}` : `${moment}, ${span} ago`
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** In the largest unit of which there are two at least, rounded down. */
function spanText(milliseconds: number): string {
  const [unit, size] = UNITS.find(([, each]) => milliseconds >= 2 * each) ?? ['ms', 1]
  return `${Math.floor(milliseconds / size)} ${unit}`
}

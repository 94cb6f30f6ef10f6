import type { GrantReason, Instant } from '../core/index.ts'
import type { ExplainedCheck, Explanation } from '../client/index.ts'
import type { KeyGroup } from '../distribution/index.ts'
import {
  explainGrant,
  trustedKeys,
  type Carrier,
  type GrantExplanation,
  type GrantRequest,
} from '../signing/index.ts'

/** What is said of a grant, whether a viewer or an encoder carries it. */
export type ExplainedGrant = Pick<Explanation, 'carrier' | 'key' | 'policy' | 'token'> & {
  checks: ExplainedCheck[]
  verdict: 'allowed' | 'refused' | 'unknown'
  reason: GrantReason | null
  detail: string
}

/** The groups whose keys count here, and all that there are: a key of another group is known by its name. */
export interface Groups {
  counting: readonly KeyGroup[]
  all: readonly KeyGroup[]
}

/** Explains a CloudFront grant. An empty address is one that nobody named. */
export function explainPolicy(request: GrantRequest, groups: Groups, now: Instant): ExplainedGrant {
  const told = explainGrant(request, trustedKeys(groups.counting), now)
  const checks = request.address === '' ? told.checks.map(withoutAddress) : told.checks
  return {
    carrier: request.carrier.kind === 'carrier' ? carriedBy(request.carrier) : null,
    key: told.keyId === null ? null : keyOf(told.keyId, groups.all),
    policy: policyOf(told.statement),
    token: null,
    ...concluded(checks, 'every condition of the policy holds'),
  }
}

/** The first check that fails is told; when none does, one that is open; each of them may be what decides. */
export function concluded(
  checks: ExplainedCheck[],
  whenAllHold: string,
): Pick<ExplainedGrant, 'checks' | 'verdict' | 'reason' | 'detail'> {
  const failing = checks.find(each => each.verdict === 'fails')
  if (failing) {
    const reason = failing.check as GrantReason // the checks of a grant bear the words of its reasons
    return { checks, verdict: 'refused', reason, detail: failing.detail }
  }
  const open = checks.find(each => each.verdict === 'unknown')
  if (open) return { checks, verdict: 'unknown', reason: null, detail: open.detail }
  return { checks, verdict: 'allowed', reason: null, detail: whenAllHold }
}

/** Of several grants any that opens will do; one that may open comes before those that do not, in their order. */
export function firstThatOpens(grants: readonly ExplainedGrant[]): ExplainedGrant | undefined {
  const of = (word: ExplainedGrant['verdict']): ExplainedGrant | undefined =>
    grants.find(each => each.verdict === word)
  return of('allowed') ?? of('unknown') ?? grants[0]
}

function withoutAddress(check: ExplainedCheck): ExplainedCheck {
  if (check.check !== 'wrong-ip' || check.verdict !== 'fails') return check
  return { ...check, verdict: 'unknown', detail: `${check.detail}; name it with --address` }
}

function carriedBy({ via, statement, hash }: Carrier): Explanation['carrier'] {
  return { via, kind: statement.kind, hash }
}

function keyOf(id: string, all: readonly KeyGroup[]): Explanation['key'] {
  const holding = all.filter(group => group.keys.some(key => key.id === id))
  const name = holding[0]?.keys.find(key => key.id === id)?.name ?? null
  return { id, name, groups: holding.map(group => group.name) }
}

/** The policy as JSON; the text where it is none, and of a canned one the first text that may have been signed. */
function policyOf(statement: GrantExplanation['statement']): unknown {
  const text = statement?.kind === 'canned' ? statement.candidates[0] : statement?.policy
  if (text === undefined || text === null) return null
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

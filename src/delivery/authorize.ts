import { canonicalPath } from '../core/index.ts'
import { findCarrier, judge, stripSigning } from '../signing/index.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { key } from './key.ts'
import { refuse } from './refusal.ts'

/** A gated behaviour lets in what carries a grant for exactly this resource, now, from here; the rest is told why not. */
export const authorize: Step = (x: Exchange) => {
  const target = known(x.target, 'the target')
  if (target.lookalike !== undefined && gatesBehind(x, target.lookalike)) return refuse(x, 'malformed')
  const behaviour = known(x.behaviour, 'the behaviour')
  if (!behaviour.gate) return key
  const carrier = findCarrier({ query: target.query, token: target.token, cookies: x.header('cookie') })
  if (carrier.kind === 'none' || carrier.kind === 'keyless') return refuse(x, 'missing')
  if (carrier.kind === 'malformed') return refuse(x, 'malformed')
  const { scheme, authority, address } = known(x.viewer, 'the viewer')
  const request = {
    scheme,
    authority,
    rawPath: target.rawPath,
    canonicalPath: target.path,
    query: stripSigning(target.query),
    address,
    action: 'view' as const,
  }
  const trusted = known(x.node.trustedBy(behaviour), 'the trusted keys')
  const authenticated = x.node.grants.authenticate(carrier, request, trusted)
  if (authenticated.kind === 'refused') return refuse(x, authenticated.reason)
  const verdict = judge(authenticated.policy, authenticated.keyId, request, x.startedAt)
  if (verdict.kind === 'refused') return refuse(x, verdict.reason)
  // Enough of a signature to tell grants apart, too little to let anybody in.
  x.grant = carrier.signature.slice(0, 20)
  return key
}

/**
 * `/~a.b.c/members/x` is an ordinary path that no gate matches; but whoever sends it means a token, so it is held to
 * the gate that it would have met (SEAMS 1).
 */
function gatesBehind(x: Exchange, behind: string): boolean {
  if (x.gated) return true
  const canonical = canonicalPath(behind)
  const meant = canonical.kind === 'ok' ? x.served?.behaviour(canonical.path) : undefined
  if (!meant?.gate) return false
  x.behaviour = meant
  return true
}

import type { Instant, KeyId } from '../core/index.ts'
import { authenticate, refuse, type AuthenticateOptions, type Refused } from './authenticate.ts'
import type { CarrierResult } from './carrier.ts'
import { firstFailing, type JudgedRequest } from './conditions.ts'
import type { Policy } from './policy.ts'
import type { TrustedKeys } from './trusted-keys.ts'

export interface GrantRequest extends JudgedRequest {
  carrier: CarrierResult
}

export type Verdict = Allowed | Refused

export interface Allowed {
  kind: 'allowed'
  policy: Policy
  keyId: KeyId
  expires: Instant
}

/**
 * Whether a request may have what it asks for. Never throws, whatever a viewer sends; of several reasons it gives the
 * first of INTERFACE.md's order. Whoever remembers `authenticate` calls that and `judge` instead.
 */
export function verifyGrant(
  request: GrantRequest,
  trusted: TrustedKeys,
  now: Instant,
  options: AuthenticateOptions = {},
): Verdict {
  const { carrier } = request
  if (carrier.kind === 'none') return refuse('missing', 'the request carries no signed policy')
  if (carrier.kind === 'keyless') return refuse('missing', carrier.why)
  if (carrier.kind === 'malformed') return refuse('malformed', carrier.why)
  const authenticated = authenticate(carrier, request, trusted, options)
  if (authenticated.kind === 'refused') return authenticated
  return judge(authenticated.policy, authenticated.keyId, request, now)
}

/** Holds an authentic policy against a request: resource, action, times, address. */
export function judge(policy: Policy, keyId: KeyId, request: JudgedRequest, now: Instant): Verdict {
  const failing = firstFailing(policy, request, now)
  if (failing !== undefined) return refuse(failing.reason, failing.detail)
  return { kind: 'allowed', policy, keyId, expires: policy.expires }
}

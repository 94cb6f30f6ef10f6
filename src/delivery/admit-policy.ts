import type { Behaviour } from '../distribution/index.ts'
import {
  judge,
  stripSigning,
  type Authenticated,
  type Carrier,
  type CarrierResult,
  type JudgedRequest,
} from '../signing/index.ts'
import type { Admission, Asked } from './admission.ts'
import { known, type Exchange } from './exchange.ts'

/** Holds a signed policy against the keys of a behaviour's gate and the path that is asked for. */
export function admitPolicy(
  x: Exchange,
  behaviour: Behaviour,
  asked: Asked,
  carrier: CarrierResult,
): Admission {
  if (carrier.kind === 'none' || carrier.kind === 'keyless') return { kind: 'refused', reason: 'missing' }
  if (carrier.kind === 'malformed') return { kind: 'refused', reason: 'malformed' }
  const trusted = known(x.node.trustedBy(behaviour), 'the trusted keys')
  const authenticated = x.node.grants.authenticate(carrier, requestOf(x, asked), trusted)
  if (authenticated.kind === 'refused') return { kind: 'refused', reason: authenticated.reason }
  const cookies = carrier.via === 'cookie' ? x.header('cookie') : undefined
  if (cookies !== undefined)
    x.node.grants.rememberCookies(cookies, trusted, { carrier, authentic: authenticated })
  return admitAuthentic(x, asked, carrier, authenticated)
}

/** Nearly every request of a film comes with the cookies of the one before; what does not open is looked at anew. */
export function admitSeenCookies(x: Exchange, behaviour: Behaviour, asked: Asked): Admission | undefined {
  const cookies = x.header('cookie')
  const trusted = x.node.trustedBy(behaviour)
  const seen = cookies && trusted && x.node.grants.seenCookies(cookies, trusted)
  if (!seen) return undefined
  const admission = admitAuthentic(x, asked, seen.carrier, seen.authentic)
  return admission.kind === 'admitted' ? admission : undefined
}

function requestOf(x: Exchange, asked: Asked): JudgedRequest {
  const { scheme, authority, address } = known(x.viewer, 'the viewer')
  return {
    scheme,
    authority,
    rawPath: asked.rawPath,
    canonicalPath: asked.path,
    query: stripSigning(asked.query),
    address,
    action: 'view',
  }
}

function admitAuthentic(
  x: Exchange,
  asked: Asked,
  carrier: Carrier,
  authenticated: Authenticated & { kind: 'authentic' },
): Admission {
  const verdict = judge(authenticated.policy, authenticated.keyId, requestOf(x, asked), x.startedAt)
  if (verdict.kind === 'refused') return { kind: 'refused', reason: verdict.reason }
  return {
    kind: 'admitted',
    grant: carrier.signature.slice(0, 20),
    // Cookies must declare what a path token leaves open.
    carrier: carrier.hash === 'either' ? { ...carrier, hash: authenticated.hash } : carrier,
  }
}

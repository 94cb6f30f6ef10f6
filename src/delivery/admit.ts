import type { GrantReason } from '../core/index.ts'
import type { Behaviour } from '../distribution/index.ts'
import { findCarrier, judge, stripSigning, type Carrier } from '../signing/index.ts'
import { known, type Exchange, type Target } from './exchange.ts'

/** Whether a request may have what lies at a path behind a gate. */
export type Admission =
  | {
      kind: 'admitted'
      /** Enough of a signature to tell grants apart, too little to let anybody in. */
      grant: string
      /** What carried the grant, for those who hand it on in another form. Holds what lets a reader in. */
      carrier: Carrier
    }
  | { kind: 'refused'; reason: GrantReason }

/** What is asked for; usually the request's own target. */
export type Asked = Pick<Target, 'rawPath' | 'path' | 'query' | 'token'>

/** Holds what the request carries against the keys of a behaviour's gate and the path that is asked for. */
export function admit(x: Exchange, behaviour: Behaviour, asked: Asked): Admission | Promise<Admission> {
  const carrier = findCarrier({ query: asked.query, token: asked.token, cookies: x.header('cookie') })
  if (carrier.kind === 'none' || carrier.kind === 'keyless') return { kind: 'refused', reason: 'missing' }
  if (carrier.kind === 'malformed') return { kind: 'refused', reason: 'malformed' }
  const { scheme, authority, address } = known(x.viewer, 'the viewer')
  const request = {
    scheme,
    authority,
    rawPath: asked.rawPath,
    canonicalPath: asked.path,
    query: stripSigning(asked.query),
    address,
    action: 'view' as const,
  }
  const trusted = known(x.node.trustedBy(behaviour), 'the trusted keys')
  const authenticated = x.node.grants.authenticate(carrier, request, trusted)
  if (authenticated.kind === 'refused') return { kind: 'refused', reason: authenticated.reason }
  const verdict = judge(authenticated.policy, authenticated.keyId, request, x.startedAt)
  if (verdict.kind === 'refused') return { kind: 'refused', reason: verdict.reason }
  return { kind: 'admitted', grant: carrier.signature.slice(0, 20), carrier }
}

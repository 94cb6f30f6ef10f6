import type { Behaviour } from '../../distribution/index.ts'
import {
  judge,
  mayBeSigned,
  stripSigning,
  type Carrier,
  type CarrierResult,
  type JudgedRequest,
} from '../../signing/index.ts'
import type { Admission, Asked } from './admission.ts'
import { known, type Exchange } from '../exchange.ts'
import type { SeenGrant } from './grant-memo.ts'

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
  const ownQuery = stripSigning(asked.query)
  const authentic = x.node.grants.authenticate(carrier, requestOf(x, asked, ownQuery), trusted)
  if (authentic.kind === 'refused') return { kind: 'refused', reason: authentic.reason }
  const grant = { carrier, authentic, ownQuery }
  const text = textOf(x, asked, carrier.via)
  if (text !== undefined) x.node.grants.remember(text, trusted, grant)
  return admitAuthentic(x, asked, grant, ownQuery)
}

/** Whether what the request carries has been found authentic before, and opens this; undefined says nothing. */
export function admitSeen(x: Exchange, behaviour: Behaviour, asked: Asked): Admission | undefined {
  const via = viaOf(x, behaviour, asked)
  const text = via && textOf(x, asked, via)
  const trusted = x.node.trustedBy(behaviour)
  const seen = via && text && trusted && x.node.grants.seen(via, text, trusted)
  if (!seen) return undefined
  const admission = admitAuthentic(x, asked, seen, via === 'query' ? seen.ownQuery : asked.query)
  return admission.kind === 'admitted' ? admission : undefined
}

/** The carrier that counts, when it may be one of a policy: the order is that of `carriersOf`. */
function viaOf(x: Exchange, behaviour: Behaviour, asked: Asked): Carrier['via'] | undefined {
  if (mayBeSigned(asked.query)) return 'query'
  if (asked.token !== undefined) return 'path'
  if (asked.jwt !== undefined) return undefined
  const issuers = behaviour.gate?.issuers.length ?? 0
  return issuers > 0 && x.header('authorization') !== undefined ? undefined : 'cookie'
}

function textOf(x: Exchange, { query, token }: Asked, via: Carrier['via']): string | undefined {
  switch (via) {
    case 'query':
      return query
    case 'path':
      return token?.segment
    case 'cookie':
      return x.header('cookie')
  }
}

function requestOf(x: Exchange, asked: Asked, query: string): JudgedRequest {
  const { scheme, authority, address } = known(x.viewer, 'the viewer')
  const { rawPath, path: canonicalPath } = asked
  return { scheme, authority, rawPath, canonicalPath, query, address, action: 'view' }
}

function admitAuthentic(
  x: Exchange,
  asked: Asked,
  { carrier, authentic }: SeenGrant,
  ownQuery: string,
): Admission {
  const request = requestOf(x, asked, ownQuery)
  const verdict = judge(authentic.policy, authentic.keyId, request, x.startedAt)
  if (verdict.kind === 'refused') return { kind: 'refused', reason: verdict.reason }
  return {
    kind: 'admitted',
    grant: carrier.signature.slice(0, 20),
    ownQuery,
    // Cookies must declare what a path token leaves open.
    carrier: carrier.hash === 'either' ? { ...carrier, hash: authentic.hash } : carrier,
  }
}

import { readCookies } from './carrier-cookies.ts'
import type { PathToken } from './path-token.ts'
import { readQuery } from './carrier-query.ts'

/** The grant that a request carries, as text; nothing of it is believed or decoded yet. Holds what lets a reader in. */
export interface Carrier {
  readonly kind: 'carrier'
  readonly via: 'query' | 'path' | 'cookie'
  readonly statement: { kind: 'custom'; policy: string } | { kind: 'canned'; expires: string }
  readonly signature: string
  readonly keyId: string
  /** A path token has no place to declare one: `either` is SHA-256 first. Undeclared elsewhere is SHA-1. */
  readonly hash: 'sha1' | 'sha256' | 'either'
}

export type CarrierResult =
  | { kind: 'none' }
  /** Part of a grant without a Key-Pair-Id, which CloudFront answers as if there were none (`MissingKey`). */
  | { kind: 'keyless'; why: string }
  /** Something of a grant is there, but it is none. `why` is a sentence without secrets. */
  | { kind: 'malformed'; why: string }
  | Carrier

export interface CarrierSources {
  /** As sent, without the `?`. */
  query: string
  token?: PathToken | undefined
  /** The Cookie header; RTMP has none. */
  cookies?: string | undefined
}

/**
 * Any signing parameter in the URL makes it a signed URL, whatever else the request carries (CloudFront, "Choosing
 * between signed URLs and signed cookies"); then the path token counts, then the cookies.
 */
export function findCarrier({ query, token, cookies }: CarrierSources): CarrierResult {
  const inUrl = readQuery(query)
  if (inUrl.kind !== 'none') return inUrl
  if (token !== undefined) {
    const { policy, signature, keyId } = token
    return {
      kind: 'carrier',
      via: 'path',
      statement: { kind: 'custom', policy },
      signature,
      keyId,
      hash: 'either',
    }
  }
  return cookies === undefined ? { kind: 'none' } : readCookies(cookies)
}

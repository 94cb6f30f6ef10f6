import { decodeCloudFront, plainTilde } from './cloudfront-base64.ts'
import type { TokenParts } from './grant-url.ts'
import { isTokenHeader } from './viewer-token.ts'

/** `/~Policy.Signature.Key-Pair-Id` before a path, for players that keep neither cookies nor queries (SEAMS 1). */
export type PathToken = TokenParts

export interface TakenPath {
  /** On an ungated behaviour it is ignored. */
  token: PathToken | undefined
  /** A JSON Web Token that stands in its place: `header.payload.signature`. Ignored in the same way. */
  jwt?: string
  /** What is asked for: the path behind the token, or the whole path when there is none. */
  rest: string
  /**
   * The path behind three dotted parts that are no token. `rest` is an ordinary path then, unless the behaviour of
   * either is gated: `/~a.b.c/members/x` meets the gate of `/members/*` and is `malformed`.
   */
  lookalike: string | undefined
}

const FIRST_SEGMENT = /^\/(?:~|%7[Ee])([^/]*)/
const PART = /^[A-Za-z0-9_~-]+$/
const OPENING_BRACE = 0x7b

/** Looks at a path as sent, without its query. Decodes nothing else: what is left is made canonical by the caller. */
export function takePathToken(rawPath: string): TakenPath {
  const segment = FIRST_SEGMENT.exec(rawPath)
  if (segment === null) return ordinary(rawPath)
  // An escaped dot is the same path once it is canonical, so it looks alike; encoders of tokens never write it.
  const parts = (segment[1] ?? '').split(/(\.|%2[Ee])/)
  if (parts.length !== 5) return ordinary(rawPath)
  const behind = rawPath.slice(segment[0].length) || '/'
  const [policy = '', dot, signature = '', otherDot, keyId = ''] = parts.map(plainTilde)
  const spelled =
    dot === '.' && otherDot === '.' && PART.test(policy) && PART.test(signature) && PART.test(keyId)
  // The alphabets overlap, so a policy token is what is no JSON Web Token: only the header of one has an `alg`.
  if (spelled && isTokenHeader(policy))
    return { token: undefined, jwt: `${policy}.${signature}.${keyId}`, rest: behind, lookalike: undefined }
  if (!spelled || decodeCloudFront(policy)?.[0] !== OPENING_BRACE)
    return { ...ordinary(rawPath), lookalike: behind }
  return { token: { policy, signature, keyId }, rest: behind, lookalike: undefined }
}

function ordinary(rest: string): TakenPath {
  return { token: undefined, rest, lookalike: undefined }
}

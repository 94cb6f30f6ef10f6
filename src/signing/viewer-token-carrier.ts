/** A JSON Web Token that a request carries, as text; nothing of it is believed or read yet. Holds what lets a reader in. */
export interface TokenCarrier {
  readonly kind: 'token'
  readonly via: 'path' | 'authorization' | 'cookie'
  readonly text: string
}

export type TokenCarrierResult = { kind: 'none' } | { kind: 'malformed'; why: string } | TokenCarrier

const NONE: TokenCarrierResult = { kind: 'none' }

/** `Authorization: Bearer …` (RFC 6750 §2.1); another scheme is no grant and says nothing about one. */
export function bearerToken(authorization: string | undefined): TokenCarrierResult {
  const bearer = /^Bearer(?: +(.*))?$/i.exec(authorization ?? '')
  return bearer === null ? NONE : { kind: 'token', via: 'authorization', text: (bearer[1] ?? '').trimEnd() }
}

/** The token in the cookie of an issuer. Of two different ones nobody can tell which is meant. */
export function tokenCookie(header: string | undefined, name: string): TokenCarrierResult {
  if (header?.includes(`${name}=`) !== true) return NONE
  const values = header.split(';').flatMap(pair => {
    const cookie = pair.trim()
    return cookie.startsWith(`${name}=`) ? [cookie.slice(name.length + 1).replace(/^"(.*)"$/, '$1')] : []
  })
  const [text] = values
  if (text === undefined) return NONE
  if (values.some(value => value !== text))
    return { kind: 'malformed', why: `the cookie ${name} comes twice with different values` }
  return { kind: 'token', via: 'cookie', text }
}

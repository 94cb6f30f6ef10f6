import { PARAMETERS } from './parameters.ts'
import type { Hash } from './hash.ts'

/** What one key signed, ready for any carrier. Holds what lets a reader in. */
export interface Grant {
  /** `expires` in Unix seconds. */
  readonly statement: { kind: 'custom'; policy: string } | { kind: 'canned'; expires: number }
  readonly signature: string
  readonly keyId: string
  readonly hash: Hash
}

/** What AWS's command line asks of a URL before it signs it; `why` ends "This URL cannot be signed: …". */
export function whyUnsignable(url: string): string | undefined {
  if (!/^https?:\/\/[^/?#]+/.test(url)) return 'it must be whole and begin with http:// or https://'
  if (url.includes('#')) return 'leave out the fragment behind "#", which is never sent'
  if (!/^[\x21-\x7e]+$/.test(url)) return 'percent-encode its spaces and the letters beyond ASCII'
  const query = url.split('?')[1] ?? ''
  const taken = PARAMETERS.find(name => query.split('&').some(pair => pair.split('=')[0] === name))
  return taken === undefined ? undefined : `it has a parameter ${taken} already`
}

/** A URL as a resource that means just it: its question mark is no wildcard. */
export function literalResource(url: string): string {
  return url.replaceAll('?', '\\?')
}

/** The grant's parameters as AWS's command line orders them. SHA-1 is not declared, as old verifiers know it. */
export function grantQuery({ statement, signature, keyId, hash }: Grant): string {
  const first = statement.kind === 'canned' ? `Expires=${statement.expires}` : `Policy=${statement.policy}`
  const declared = hash === 'sha256' ? ['Hash-Algorithm=SHA256'] : []
  return [first, `Signature=${signature}`, `Key-Pair-Id=${keyId}`, ...declared].join('&')
}

/** A URL with its grant behind its own parameters. */
export function queryUrl(url: string, grant: Grant): string {
  return `${url}${url.includes('?') ? '&' : '?'}${grantQuery(grant)}`
}

/** `/~Policy.Signature.Key-Pair-Id`, which stands before a path; the policy names the path without it (SEAMS 1). */
export interface TokenParts {
  readonly policy: string
  readonly signature: string
  readonly keyId: string
}

/** The path under which a token stands. */
export function withPathToken(path: string, { policy, signature, keyId }: TokenParts): string {
  return `/~${policy}.${signature}.${keyId}${path}`
}

/** A URL with its grant before the path, which players keep through relative playlists. */
export function tokenUrl(url: string, token: TokenParts): string {
  const [, site = '', path = ''] = /^(\w+:\/\/[^/?]+)(.*)$/.exec(url) ?? []
  return site + withPathToken(path.startsWith('/') ? path : `/${path}`, token)
}

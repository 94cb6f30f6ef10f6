import { epochSeconds, SluiceError, type Instant } from '../core/index.ts'
import { grantCookies, type SignedCookies } from './cookie-formats.ts'
import { literalResource, queryUrl, tokenUrl, whyUnsignable, type Grant } from './grant-url.ts'
import type { PolicyTerms } from './policy.ts'
import type { Signer } from './signer.ts'

/** What a signed URL promises; the resource is that very URL unless it is given. */
export interface UrlTerms {
  expires: Instant
  resource?: string
  notBefore?: Instant
  address?: string
}

export interface SignedUrl {
  url: string
  resource: string
  expires: Instant
}

/** Cookies carry a custom policy always: a canned one opens a single file, which is no film. */
export function signCookies(signer: Signer, terms: PolicyTerms): SignedCookies {
  const { policy, signature } = signer.sign(terms)
  return grantCookies({ policy, signature, keyId: signer.keyId, hash: signer.hash })
}

/** A URL with its grant in the query: canned when it opens exactly this URL, else with the policy in it. */
export function signUrl(signer: Signer, url: string, terms: UrlTerms): SignedUrl {
  checkUrl(url)
  const { expires, notBefore, address } = terms
  const bound = notBefore !== undefined || address !== undefined || terms.resource !== undefined
  if (!bound && !url.includes('*')) {
    const { signature } = signer.sign({ resource: url, expires })
    const statement = { kind: 'canned', expires: epochSeconds(expires) } as const
    return {
      url: queryUrl(url, { statement, signature, keyId: signer.keyId, hash: signer.hash }),
      resource: url,
      expires,
    }
  }
  const resource = terms.resource ?? literalResource(url)
  return { url: queryUrl(url, customGrant(signer, { ...terms, resource })), resource, expires }
}

/** A URL with its grant before the path, which players keep through relative playlists (SEAMS 1). */
export function signPath(signer: Signer, url: string, terms: UrlTerms): SignedUrl {
  checkUrl(url)
  const resource = terms.resource ?? literalResource(url)
  const { policy, signature } = signer.sign({ ...terms, resource })
  const signed = tokenUrl(url, { policy, signature, keyId: signer.keyId })
  return { url: signed, resource, expires: terms.expires }
}

/** A custom policy, signed. */
export function customGrant(signer: Signer, terms: PolicyTerms): Grant {
  const { policy, signature } = signer.sign(terms)
  return { statement: { kind: 'custom', policy }, signature, keyId: signer.keyId, hash: signer.hash }
}

/** Whether a path or URL becomes a resource for itself alone or for all inside it; SEAMS 7. */
export type Extent = 'exact' | 'inside'

/** `/members/talk` → `*://` any host, `/members/talk/*`. */
export function resourceOfPath(path: string, extent: Extent): string {
  const resource = `*://*${path}`
  return extent === 'exact' ? resource : `${resource.replace(/\/$/, '')}/*`
}

function checkUrl(url: string): void {
  const why = whyUnsignable(url)
  if (why === undefined) return
  throw new SluiceError('bad-url', `This URL cannot be signed: ${why}.`, { side: 'operator', kind: 'usage' })
}

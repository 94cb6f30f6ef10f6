import { epochSeconds, SluiceError, type Instant } from '../core/index.ts'
import { PARAMETERS } from './parameters.ts'
import { withPathToken } from './path-token.ts'
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

/** The cookies of one grant by name, in the order in which AWS's command line prints them. */
export interface SignedCookies {
  'CloudFront-Policy': string
  'CloudFront-Signature': string
  'CloudFront-Key-Pair-Id': string
  /** Absent means SHA-1. */
  'CloudFront-Hash-Algorithm'?: 'SHA256'
}

/** Cookies carry a custom policy always: a canned one opens a single file, which is no film. */
export function signCookies(signer: Signer, terms: PolicyTerms): SignedCookies {
  const { policy, signature } = signer.sign(terms)
  return {
    'CloudFront-Policy': policy,
    'CloudFront-Signature': signature,
    'CloudFront-Key-Pair-Id': signer.keyId,
    ...(signer.hash === 'sha256' ? { 'CloudFront-Hash-Algorithm': 'SHA256' } : {}),
  }
}

/** A URL with its grant in the query: canned when it opens exactly this URL, else with the policy in it. */
export function signUrl(signer: Signer, url: string, terms: UrlTerms): SignedUrl {
  checkUrl(url)
  const { expires, notBefore, address } = terms
  const bound = notBefore !== undefined || address !== undefined || terms.resource !== undefined
  if (!bound && !url.includes('*')) {
    const { signature } = signer.sign({ resource: url, expires })
    const parameters = [`Expires=${epochSeconds(expires)}`, ...common(signer, signature)]
    return { url: withQuery(url, parameters), resource: url, expires }
  }
  const resource = terms.resource ?? literal(url)
  const { policy, signature } = signer.sign({ ...terms, resource })
  return { url: withQuery(url, [`Policy=${policy}`, ...common(signer, signature)]), resource, expires }
}

/** A URL with its grant before the path, which players keep through relative playlists (SEAMS 1). */
export function signPath(signer: Signer, url: string, terms: UrlTerms): SignedUrl {
  checkUrl(url)
  const resource = terms.resource ?? literal(url)
  const { policy, signature } = signer.sign({ ...terms, resource })
  const [, site = '', path = ''] = /^(\w+:\/\/[^/?]+)(.*)$/.exec(url) ?? []
  const rooted = path.startsWith('/') ? path : `/${path}`
  const token = { policy, signature, keyId: signer.keyId }
  return { url: site + withPathToken(rooted, token), resource, expires: terms.expires }
}

/** The parameters behind Policy or Expires, as AWS's signers order them. */
export function common(signer: Signer, signature: string): string[] {
  const declared = signer.hash === 'sha256' ? ['Hash-Algorithm=SHA256'] : []
  return [`Signature=${signature}`, `Key-Pair-Id=${signer.keyId}`, ...declared]
}

/** Whether a path or URL becomes a resource for itself alone or for all inside it; SEAMS 7. */
export type Extent = 'exact' | 'inside'

/** `/members/talk` → `*://` any host, `/members/talk/*`. */
export function resourceOfPath(path: string, extent: Extent): string {
  const resource = `*://*${path}`
  return extent === 'exact' ? resource : `${resource.replace(/\/$/, '')}/*`
}

/** A URL as a resource that means just it: its question mark is no wildcard. */
function literal(url: string): string {
  return url.replaceAll('?', '\\?')
}

function withQuery(url: string, parameters: string[]): string {
  return `${url}${url.includes('?') ? '&' : '?'}${parameters.join('&')}`
}

/** What AWS's command line asks of a URL before it signs it. */
function checkUrl(url: string): void {
  const refuse = (why: string): never => {
    throw new SluiceError('bad-url', `This URL cannot be signed: ${why}.`, {
      side: 'operator',
      kind: 'usage',
    })
  }
  if (!/^https?:\/\/[^/?#]+/.test(url)) refuse('it must be whole and begin with http:// or https://')
  if (url.includes('#')) refuse('leave out the fragment behind "#", which is never sent')
  if (!/^[\x21-\x7e]+$/.test(url)) refuse('percent-encode its spaces and the letters beyond ASCII')
  const query = url.split('?')[1] ?? ''
  const taken = PARAMETERS.find(name => query.split('&').some(pair => pair.split('=')[0] === name))
  if (taken !== undefined) refuse(`it has a parameter ${taken} already`)
}

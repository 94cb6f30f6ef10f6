import { getDomain, getPublicSuffix } from 'tldts'

const SUFFIXES = { allowPrivateDomains: true }

/**
 * Whether two hosts belong to one site, as browsers count: the same registrable domain by the public suffix list,
 * private suffixes included, so that two tenants of `github.io` are strangers. The door to tldts.
 */
export function sameSite(one: string, other: string): boolean {
  if (one === other) return true
  const domain = getDomain(one, SUFFIXES)
  return domain !== null && domain === getDomain(other, SUFFIXES)
}

/** Whether nobody may set cookies for all of this domain: `com`, `co.uk`, `github.io` (RFC 6265bis §5.7, step 9). */
export function isPublicSuffix(domain: string): boolean {
  return getPublicSuffix(domain, SUFFIXES) === domain
}

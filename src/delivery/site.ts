import { getDomain } from 'tldts'

/**
 * Whether two hosts belong to one site, as browsers count: the same registrable domain by the public suffix list,
 * private suffixes included, so that two tenants of `github.io` are strangers. The door to tldts.
 */
export function sameSite(one: string, other: string): boolean {
  if (one === other) return true
  const domain = getDomain(one, { allowPrivateDomains: true })
  return domain !== null && domain === getDomain(other, { allowPrivateDomains: true })
}

/**
 * Fields that an edge writes of a viewer for the origin (CloudFront, "Add CloudFront request headers"): what it can work
 * out itself. A viewer's own of such a name never gets through. The country takes a country file.
 */
export const TOLD_FIELDS = [
  'cloudfront-viewer-country',
  'cloudfront-is-mobile-viewer',
  'cloudfront-is-desktop-viewer',
  'cloudfront-is-tablet-viewer',
  'cloudfront-is-smarttv-viewer',
  'cloudfront-is-ios-viewer',
  'cloudfront-is-android-viewer',
  'cloudfront-viewer-address',
  'cloudfront-forwarded-proto',
  'cloudfront-viewer-http-version',
  'cloudfront-viewer-tls',
  'cloudfront-viewer-header-count',
  'cloudfront-viewer-header-order',
] as const

/** Each viewer's own, so that a key with one of them would keep every answer for one viewer (CloudFront refuses it too). */
const NEVER_KEYED: ReadonlySet<string> = new Set([
  'cloudfront-viewer-address',
  'cloudfront-viewer-asn',
  'cloudfront-viewer-tls',
  'cloudfront-viewer-ja3-fingerprint',
])

export function isToldField(name: string): boolean {
  return name.toLowerCase().startsWith('cloudfront-')
}

/** Why an edge cannot write this field, or not into a cache key, in words that follow its name; undefined when it can. */
export function toldRefusal(name: string, use: 'told' | 'keyed'): string | undefined {
  if (use === 'keyed' && NEVER_KEYED.has(name))
    return 'is another for every viewer, and so nothing to keep answers by: put it into "told"'
  if (TOLD_FIELDS.some(known => known === name)) return undefined
  return isToldField(name)
    ? `is not known to edges, which know a viewer's address, country and device but neither his city nor his network: take it out, or use one of ${TOLD_FIELDS.join(', ')}`
    : 'is not written by edges: put it into "forward" to pass on what viewers send'
}

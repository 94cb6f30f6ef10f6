/**
 * What is counted of a distribution, in words of ours; CloudFront's names for them stand in `cloudfront-names.ts`. Static is
 * what may be kept for 3600 s or longer, dynamic what may not, proxy what was asked by another method than GET and HEAD
 * (CloudFront's billing reports).
 */
export const USAGE_TYPES = [
  'requests-http',
  'requests-https',
  'requests-http-proxy',
  'requests-https-proxy',
  /** Of the proxied ones by https, those with fields that were encrypted. */
  'requests-https-proxy-encrypted',
  'bytes-http-static',
  'bytes-https-static',
  'bytes-http-dynamic',
  'bytes-https-dynamic',
  'bytes-http-proxy',
  'bytes-https-proxy',
  /** Of viewers' request bodies, on their way to the origin. */
  'submitted-bytes',
  /** Questions of an edge to a regional cache, what these answered, and bodies that went there. */
  'regional-requests',
  'regional-bytes',
  'regional-submitted-bytes',
  /** Questions to an origin, by whichever node put them, and what was answered. */
  'origin-requests',
  'origin-bytes',
  'invalidation-paths',
  'function-runs',
  'handler-runs',
  /** Milliseconds of media that were sent to viewers; `detail` is the rendition. */
  'watched-milliseconds',
] as const
export type UsageType = (typeof USAGE_TYPES)[number]

/** How much of what; whole numbers of requests, bytes, runs, paths or milliseconds. */
export interface UsageAmount {
  distribution: string
  type: UsageType
  /** The rendition of what was watched; empty otherwise. */
  detail: string
  amount: number
}

/**
 * Header fields of requests to an origin that nobody but the node itself sets: what HTTP needs, what caches decide by,
 * and what nodes and stores say to each other (CloudFront, "Custom headers that CloudFront can't add").
 */
const OWN: ReadonlySet<string> = new Set([
  ...['host', 'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
  ...[
    'content-length',
    'content-type',
    'content-encoding',
    'content-range',
    'range',
    'request-range',
    'if-range',
  ],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'accept-encoding'],
  ...['cache-control', 'pragma', 'max-forwards', 'via', 'age', 'cookie', 'x-cache', 'x-real-ip'],
])
const OWN_PREFIX = /^(?:sluice-|x-sluice-|proxy-|x-amz-|x-amzn-|x-edge-|x-accel-)/

/** What proxies tell each other of a viewer and his way; from a viewer himself it may say anything. */
const OF_PROXIES = new RegExp(
  `^(?:${[
    '(?:x-)?forwarded(?:-.*)?|x-real-ip|via|cdn-loop',
    '(?:x-)?(?:cluster-)?client-ip|true-client-ip|x-remote-(?:addr|ip)|x-originating-ip|x-proxyuser-ip',
    'cf-connecting-ipv?6?|fastly-client-ip|x-azure-(?:clientip|socketip)|x-envoy-external-address',
    'x-(?:host|http-host|original-host)(?:-override)?|x-(?:url-)?scheme|front-end-https',
  ].join('|')})$`,
)

/**
 * Names another path than the one that gate and key have judged, to servers that heed it: IIS and Zend, Symfony,
 * Azure, Envoy, Next.js.
 */
const REWRITES =
  /^(?:x-(?:original|rewrite|override|rewritten)-(?:url|uri|path)|x-waws-unencoded-url|x-envoy-.*|x-middleware-.*|x-invoke-.*)$/

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/

/** Why an operator may not name this field for an origin, in words that follow its name; undefined when he may. */
export function originFieldRefusal(name: string): string | undefined {
  if (!TOKEN.test(name)) return 'is no name of a header field: use letters, digits and "-"'
  const lower = name.toLowerCase()
  if (OWN.has(lower) || OWN_PREFIX.test(lower)) return 'is set by Sluice itself: use another name'
  return undefined
}

/**
 * A name as servers see it that take fields for variables: there `X_Forwarded_Host` and `X-Forwarded-Host` are one
 * (RFC 3875 §4.1.18). In lower case.
 */
export function dashed(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-')
}

/** Whether a field of a viewer's would pass for the word of a proxy, or lead to another path, in whatever spelling. */
export function misleads(name: string): boolean {
  const plain = dashed(name)
  return OF_PROXIES.test(plain) || REWRITES.test(plain)
}

/** As `originFieldRefusal`, for fields that an origin is to be told as viewers sent them. */
export function viewerFieldRefusal(name: string): string | undefined {
  const plain = dashed(name)
  if (OF_PROXIES.test(plain))
    return 'is one that viewers write themselves, and an origin would take it for the word of a proxy: take it out'
  if (REWRITES.test(plain))
    return 'leads some origins to another path than the one that was let in and is kept: take it out'
  return originFieldRefusal(name) ?? originFieldRefusal(plain)
}

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
const OF_PROXIES = /^(?:x-forwarded-.*|forwarded|x-real-ip|via|cdn-loop)$/

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/

/** Why an operator may not name this field for an origin, in words that follow its name; undefined when he may. */
export function originFieldRefusal(name: string): string | undefined {
  if (!TOKEN.test(name)) return 'is no name of a header field: use letters, digits and "-"'
  const lower = name.toLowerCase()
  if (OWN.has(lower) || OWN_PREFIX.test(lower)) return 'is set by Sluice itself: use another name'
  return undefined
}

/** The same for fields that an origin is to be told as viewers sent them. */
export function viewerFieldRefusal(name: string): string | undefined {
  if (OF_PROXIES.test(name.toLowerCase()))
    return 'is one that viewers write themselves, and an origin would take it for the word of a proxy: take it out'
  return originFieldRefusal(name)
}

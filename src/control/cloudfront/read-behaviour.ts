import type { Behaviour, BehaviourInput, Named } from '../../distribution/index.ts'
import { same } from './etag.ts'
import type { Findings } from './findings.ts'
import { readAssociations } from './function-associations.ts'
import { itemsOf } from './lists.ts'
import { methodsOf, namesOf, type KeyedWords } from './behaviour-words.ts'
import type { CacheBehavior, ForwardedValues } from './shapes.ts'

/** A behaviour as it is stored, and as it was last shown: what is sent as it was shown stays as it is stored. */
export interface KnownBehaviour {
  behaviour: Behaviour
  shown: CacheBehavior
}

const VIEWER_PROTOCOLS: Readonly<Record<string, Behaviour['viewerProtocol']>> = {
  'allow-all': 'allow-all',
  'redirect-to-https': 'redirect-to-https',
  'https-only': 'https-only',
}

/** A behaviour as we have it, of one of CloudFront's; the default one comes with the pattern `*`. */
export function readBehaviour(
  sent: CacheBehavior,
  known: KnownBehaviour | undefined,
  found: Findings,
): BehaviourInput {
  const pattern = sent.PathPattern ?? ''
  const place = pattern === '*' ? 'DefaultCacheBehavior' : `CacheBehavior ${pattern}`
  refuseStrange(sent, place, found)
  const methods = methodsOf(sent.AllowedMethods, place, found)
  return {
    pattern,
    originId: sent.TargetOriginId ?? '',
    gate: gateOf(sent, known, place, found),
    viewerProtocol: found.oneOf(
      `${place}, ViewerProtocolPolicy`,
      sent.ViewerProtocolPolicy ?? '',
      VIEWER_PROTOCOLS,
      'https-only',
    ),
    ...methods,
    compress: sent.Compress ?? false,
    // CloudFront has no words for these, so nothing that it says can change them.
    ...(known && { carry: known.behaviour.carry, corsOrigins: known.behaviour.corsOrigins }),
    ...keyed(sent, known, place, found),
    ...responseHeaders(sent, known),
    ...policies(sent),
    ...(sent.FieldLevelEncryptionId && { encryption: sent.FieldLevelEncryptionId }),
    ...readAssociations(sent, known?.behaviour, place, found),
  }
}

function policies(sent: CacheBehavior): Pick<BehaviourInput, 'policies'> {
  const named = {
    ...(sent.CachePolicyId && { cache: sent.CachePolicyId }),
    ...(sent.OriginRequestPolicyId && { originRequest: sent.OriginRequestPolicyId }),
    ...(sent.ResponseHeadersPolicyId && { responseHeaders: sent.ResponseHeadersPolicyId }),
  }
  return Object.keys(named).length === 0 ? {} : { policies: named }
}

/** Headers that /v1 has given a behaviour without a policy stay until a policy is named. */
function responseHeaders(
  sent: CacheBehavior,
  known: KnownBehaviour | undefined,
): Pick<BehaviourInput, 'responseHeaders'> {
  const stored = known?.behaviour.policies?.responseHeaders ? undefined : known?.behaviour.responseHeaders
  return sent.ResponseHeadersPolicyId || stored === undefined ? {} : { responseHeaders: stored }
}

/** What is keyed, told to the origin and how long it is kept: by policies, as it was shown, or as said here. */
function keyed(
  sent: CacheBehavior,
  known: KnownBehaviour | undefined,
  place: string,
  found: Findings,
): KeyedWords {
  const asShown = known && same(keyedPart(sent), keyedPart(known.shown)) ? known.behaviour : undefined
  if (sent.CachePolicyId) {
    if (sent.ForwardedValues !== undefined || [sent.MinTTL, sent.DefaultTTL, sent.MaxTTL].some(Boolean))
      found.refuse(
        place,
        'it names a cache policy, which says what ForwardedValues, MinTTL, DefaultTTL and MaxTTL would: take them out',
      )
    if (sent.OriginRequestPolicyId) return {}
    return asShown
      ? forwarded(asShown)
      : { forward: 'none', cookies: 'none', forwardQuery: 'none', host: 'origin', told: [] }
  }
  // One of ours may name the second policy alone.
  if (asShown) return asStored(asShown)
  if (sent.OriginRequestPolicyId)
    found.refuse(`${place}, OriginRequestPolicyId`, 'it needs a CachePolicyId beside it')
  if (sent.ForwardedValues === undefined) {
    found.refuse(place, 'give it a CachePolicyId, or ForwardedValues')
    return {}
  }
  return legacy(sent, sent.ForwardedValues, place, found)
}

function keyedPart(sent: CacheBehavior): unknown {
  const { ForwardedValues, MinTTL, DefaultTTL, MaxTTL, CachePolicyId = '', OriginRequestPolicyId = '' } = sent
  return {
    ForwardedValues: ForwardedValues && unordered(ForwardedValues),
    ...{ MinTTL, DefaultTTL, MaxTTL, CachePolicyId, OriginRequestPolicyId },
  }
}

/** Its lists are sets, which clients send in an order of their own; names of fields have no case. */
function unordered({ QueryString, Cookies, Headers, QueryStringCacheKeys: keys }: ForwardedValues): unknown {
  return {
    QueryString,
    Cookies: { Forward: Cookies?.Forward, names: [...itemsOf(Cookies?.WhitelistedNames)].sort() },
    headers: itemsOf(Headers)
      .map(each => each.toLowerCase())
      .sort(),
    keys: [...itemsOf(keys)].sort(),
  }
}

function asStored(behaviour: Behaviour): KeyedWords {
  const { ttl, query, headers, keyedCookies, acceptEncoding } = behaviour
  return {
    ...{ ttl, query, headers },
    ...(keyedCookies !== undefined && { keyedCookies }),
    ...(acceptEncoding !== undefined && { acceptEncoding }),
    ...forwarded(behaviour),
  }
}

/** What goes to the origin and is not keyed. */
function forwarded({ forward, cookies, forwardQuery, host, told }: Behaviour): KeyedWords {
  return {
    ...{ forward, cookies },
    ...(forwardQuery !== undefined && { forwardQuery }),
    ...(host !== undefined && { host }),
    ...(told !== undefined && { told }),
  }
}

/** ForwardedValues: what is named is keyed, and the origin is told it; with keys named, of the query all. */
function legacy(sent: CacheBehavior, values: ForwardedValues, place: string, found: Findings): KeyedWords {
  const minimum = sent.MinTTL ?? 0
  const maximum = sent.MaxTTL ?? Math.max(31_536_000, minimum, sent.DefaultTTL ?? 0)
  const usual = sent.DefaultTTL ?? Math.min(Math.max(86_400, minimum), maximum)
  if (minimum > usual || usual > maximum)
    found.refuse(place, 'MinTTL, DefaultTTL and MaxTTL must rise', 'InvalidTTLOrder')
  const names = itemsOf(values.Headers)
  const keys = itemsOf(values.QueryStringCacheKeys)
  if (keys.length > 0 && values.QueryString !== true)
    found.refuse(
      `${place}, QueryStringCacheKeys`,
      'they need QueryString to be true',
      'InvalidQueryStringParameters',
    )
  if (names.length > 16)
    found.refuse(`${place}, ForwardedValues.Headers`, '16 at most', 'TooManyHeadersInForwardedValues')
  const words = headerWords(names)
  return {
    ttl: words.all ? { minimum: 0, default: 0, maximum: 0 } : { minimum, default: usual, maximum },
    query: values.QueryString !== true ? 'none' : keys.length === 0 ? 'all' : keys,
    forwardQuery: keys.length > 0 ? 'all' : 'none',
    keyedCookies: cookiesOf(values, place, found),
    cookies: 'none',
    headers: words.headers,
    forward: words.all ? 'all' : 'none',
    host: words.host,
    told: [],
    ...words.coding,
  }
}

/** `Host` and `Accept-Encoding` have words of their own; `*` tells the origin all and keeps nothing. */
function headerWords(names: readonly string[]): {
  all: boolean
  headers: string[]
  host: 'viewer' | 'origin'
  coding: Pick<BehaviourInput, 'acceptEncoding'>
} {
  const lower = names.map(name => name.toLowerCase())
  const all = lower.includes('*')
  return {
    all,
    headers: lower.filter(name => !['*', 'host', 'accept-encoding'].includes(name)),
    host: all || lower.includes('host') ? 'viewer' : 'origin',
    coding: lower.includes('accept-encoding') ? { acceptEncoding: ['br', 'gzip'] } : {},
  }
}

function cookiesOf(values: ForwardedValues, place: string, found: Findings): Named {
  const { Forward: which = 'none', WhitelistedNames: names } = values.Cookies ?? {}
  const at = `${place}, ForwardedValues.Cookies`
  return namesOf(at, which, itemsOf(names), found)
}

/** Tokens of issuers open a behaviour beside signed requests, and CloudFront cannot say so: they stay. */
function gateOf(
  sent: CacheBehavior,
  known: KnownBehaviour | undefined,
  place: string,
  found: Findings,
): NonNullable<BehaviourInput['gate']> | null {
  const groups = itemsOf(sent.TrustedKeyGroups)
  const enabled = sent.TrustedKeyGroups?.Enabled === true
  if (enabled !== groups.length > 0)
    found.refuse(
      `${place}, TrustedKeyGroups`,
      enabled ? 'Enabled needs a key group' : 'it names key groups, so set Enabled to true, or take them out',
    )
  const issuers = known?.behaviour.gate?.issuers ?? []
  if (!enabled && issuers.length > 0)
    found.notice(
      `${place}, TrustedKeyGroups`,
      'tokens of issuers are still asked for, as sluice distribution update has set: change it there',
    )
  return groups.length + issuers.length === 0 ? null : { keyGroups: groups, issuers }
}

/** Each of these would let somebody in or shut somebody out, and does not work here. */
function refuseStrange(sent: CacheBehavior, place: string, found: Findings): void {
  const no = (setting: string, given: boolean, why: string, code?: string): void => {
    if (given) found.refuse(`${place}, ${setting}`, why, code)
  }
  const signers = sent.TrustedSigners
  no(
    'TrustedSigners',
    signers?.Enabled === true || itemsOf(signers).length > 0,
    'there are no AWS accounts here: use TrustedKeyGroups',
    'TrustedSignerDoesNotExist',
  )
  no('SmoothStreaming', sent.SmoothStreaming === true, 'it is not served: set it to false')
  no(
    'RealtimeLogConfigArn',
    (sent.RealtimeLogConfigArn ?? '') !== '',
    'there are no real-time logs: leave it empty',
  )
  no('GrpcConfig', sent.GrpcConfig?.Enabled === true, 'gRPC is not passed on: set Enabled to false')
}

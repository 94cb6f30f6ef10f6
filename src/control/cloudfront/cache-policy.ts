import type { CachePolicy, Policy } from '../../distribution/index.ts'
import { namesOf, renderNames } from './behaviour-words.ts'
import type { Findings } from './findings.ts'
import { itemsOf, listed } from './lists.ts'
import type { CachePolicyConfig } from './shapes.ts'

const CODINGS = ['br', 'gzip'] as const

/** What a cache policy of CloudFront's says of behaviours. */
export function readCachePolicy(config: CachePolicyConfig, found: Findings): CachePolicy {
  const parts = config.ParametersInCacheKeyAndForwardedToOrigin
  const minimum = config.MinTTL ?? 0
  const maximum = config.MaxTTL ?? Math.max(31_536_000, minimum, config.DefaultTTL ?? 0)
  const usual = config.DefaultTTL ?? Math.min(Math.max(86_400, minimum), maximum)
  if (minimum > usual || usual > maximum)
    found.refuse('MinTTL, DefaultTTL and MaxTTL', 'they must rise', 'InvalidArgument')
  const { HeadersConfig: headers, CookiesConfig: cookies, QueryStringsConfig: query } = parts ?? {}
  const lower = keyedHeaders(headers, found).map(name => name.toLowerCase())
  tooMany('TooManyHeadersInCachePolicy', 'HeadersConfig', lower, 16, found)
  const flags = [parts?.EnableAcceptEncodingBrotli === true, parts?.EnableAcceptEncodingGzip === true]
  const asHeader = lower.includes('accept-encoding')
  if (asHeader)
    found.notice(
      'HeadersConfig',
      'Accept-Encoding is kept in its normal form, for br and gzip, as if both were enabled',
    )
  return {
    kind: 'cache',
    ttl: { minimum, default: usual, maximum },
    query: namesOf(
      'QueryStringsConfig',
      query?.QueryStringBehavior ?? 'none',
      itemsOf(query?.QueryStrings),
      found,
    ),
    headers: lower.filter(name => name !== 'accept-encoding'),
    keyedCookies: namesOf(
      'CookiesConfig',
      cookies?.CookieBehavior ?? 'none',
      itemsOf(cookies?.Cookies),
      found,
    ),
    acceptEncoding: CODINGS.filter((_, at) => asHeader || flags[at]),
  }
}

/** Keyed by less than is named, an answer for one viewer would go to others: what a key cannot be made of is refused. */
function keyedHeaders(
  headers: NonNullable<CachePolicyConfig['ParametersInCacheKeyAndForwardedToOrigin']>['HeadersConfig'],
  found: Findings,
): readonly string[] {
  const setting = 'HeadersConfig, HeaderBehavior'
  const which = found.oneOf(
    setting,
    headers?.HeaderBehavior ?? 'none',
    { none: 'none', whitelist: 'whitelist' },
    'none',
  )
  const names = namesOf('HeadersConfig', which, itemsOf(headers?.Headers), found)
  return Array.isArray(names) ? names : []
}

function tooMany(
  code: string,
  setting: string,
  names: readonly string[],
  most: number,
  found: Findings,
): void {
  if (names.length > most) found.refuse(setting, `${most} at most`, code)
}

export function renderCachePolicy({ name, comment }: Policy, says: CachePolicy): CachePolicyConfig {
  const cookies = renderNames(says.keyedCookies)
  const query = renderNames(says.query)
  return {
    Name: name,
    Comment: comment,
    MinTTL: says.ttl.minimum,
    DefaultTTL: says.ttl.default,
    MaxTTL: says.ttl.maximum,
    ParametersInCacheKeyAndForwardedToOrigin: {
      EnableAcceptEncodingGzip: says.acceptEncoding.includes('gzip'),
      EnableAcceptEncodingBrotli: says.acceptEncoding.includes('br'),
      HeadersConfig:
        says.headers.length === 0
          ? { HeaderBehavior: 'none' }
          : { HeaderBehavior: 'whitelist', Headers: listed(says.headers) },
      CookiesConfig: { CookieBehavior: cookies.which, ...(cookies.names && { Cookies: cookies.names }) },
      QueryStringsConfig: {
        QueryStringBehavior: query.which,
        ...(query.names && { QueryStrings: query.names }),
      },
    },
  }
}

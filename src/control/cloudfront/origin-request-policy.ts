import type { Named, OriginRequestPolicy, Policy } from '../../distribution/index.ts'
import { namesOf, renderNames } from './behaviour-words.ts'
import type { Findings } from './findings.ts'
import { itemsOf, listed } from './lists.ts'
import type { OriginRequestPolicyConfig } from './shapes.ts'

type HeaderWords = Pick<OriginRequestPolicy, 'forward' | 'host' | 'told'>

/** What an origin request policy of CloudFront's says of behaviours. */
export function readOriginRequestPolicy(
  config: OriginRequestPolicyConfig,
  found: Findings,
): OriginRequestPolicy {
  const { CookiesConfig: cookies, QueryStringsConfig: query } = config
  return {
    kind: 'origin-request',
    ...headerWords(config, found),
    cookies: namesOf('CookiesConfig', cookies?.CookieBehavior ?? 'none', itemsOf(cookies?.Cookies), found),
    forwardQuery: namesOf(
      'QueryStringsConfig',
      query?.QueryStringBehavior ?? 'none',
      itemsOf(query?.QueryStrings),
      found,
    ),
  }
}

/** `Host` and what edges write themselves have words of their own; the rest of a viewer's fields is forwarded. */
function headerWords({ HeadersConfig: headers }: OriginRequestPolicyConfig, found: Findings): HeaderWords {
  const names = itemsOf(headers?.Headers).map(name => name.toLowerCase())
  const told = names.filter(name => name.startsWith('cloudfront-'))
  const rest = names.filter(
    name => !name.startsWith('cloudfront-') && name !== 'host' && !alwaysSent(name, found),
  )
  switch (headers?.HeaderBehavior ?? 'none') {
    case 'none':
      return { forward: 'none', host: 'origin', told: [] }
    case 'whitelist':
      if (names.length === 0) found.refuse('HeadersConfig', '"whitelist" needs names')
      return { forward: some(rest), host: names.includes('host') ? 'viewer' : 'origin', told }
    case 'allViewer':
      return { forward: 'all', host: 'viewer', told: [] }
    case 'allViewerAndWhitelistCloudFront':
      if (rest.length > 0 || names.includes('host'))
        found.refuse(
          'HeadersConfig',
          '"allViewerAndWhitelistCloudFront" names fields that begin with CloudFront- only',
        )
      return { forward: 'all', host: 'viewer', told }
    case 'allExcept':
      return {
        forward: rest.length === 0 ? 'all' : { except: rest },
        host: names.includes('host') ? 'origin' : 'viewer',
        told: [],
      }
    default:
      found.refuse(
        'HeadersConfig, HeaderBehavior',
        'it is one of none, whitelist, allViewer, allViewerAndWhitelistCloudFront, allExcept',
      )
      return { forward: 'none', host: 'origin', told: [] }
  }
}

/** The edge writes it itself, with the viewer's address, whatever the viewer sent. */
function alwaysSent(name: string, found: Findings): boolean {
  if (name !== 'x-forwarded-for') return false
  found.notice('HeadersConfig', 'X-Forwarded-For is written by the edge itself, with the address that it saw')
  return true
}

function some(names: readonly string[]): Named {
  return names.length === 0 ? 'none' : [...names]
}

export function renderOriginRequestPolicy(
  { name, comment }: Policy,
  says: OriginRequestPolicy,
): OriginRequestPolicyConfig {
  const cookies = renderNames(says.cookies)
  const query = renderNames(says.forwardQuery)
  return {
    Name: name,
    Comment: comment,
    HeadersConfig: renderHeaders(says),
    CookiesConfig: { CookieBehavior: cookies.which, ...(cookies.names && { Cookies: cookies.names }) },
    QueryStringsConfig: {
      QueryStringBehavior: query.which,
      ...(query.names && { QueryStrings: query.names }),
    },
  }
}

function renderHeaders({
  forward,
  host,
  told,
}: HeaderWords): NonNullable<OriginRequestPolicyConfig['HeadersConfig']> {
  const own = host === 'viewer' ? ['host'] : []
  if (forward === 'all' && host === 'viewer') {
    return told.length === 0
      ? { HeaderBehavior: 'allViewer' }
      : { HeaderBehavior: 'allViewerAndWhitelistCloudFront', Headers: listed(told) }
  }
  if (forward === 'all') return { HeaderBehavior: 'allExcept', Headers: listed(['host']) }
  if (typeof forward === 'object' && !Array.isArray(forward)) {
    const except = host === 'viewer' ? forward.except : ['host', ...forward.except]
    return { HeaderBehavior: 'allExcept', Headers: listed(except) }
  }
  const names = [...(forward === 'none' ? [] : forward), ...own, ...told]
  return names.length === 0
    ? { HeaderBehavior: 'none' }
    : { HeaderBehavior: 'whitelist', Headers: listed(names) }
}

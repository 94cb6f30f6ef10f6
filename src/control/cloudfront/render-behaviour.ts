import { namesAny, type Behaviour, type Named } from '../../distribution/index.ts'
import { renderMethods, renderNames } from './behaviour-words.ts'
import { renderAssociations } from './function-associations.ts'
import { listed } from './lists.ts'
import type { CacheBehavior, DefaultCacheBehavior, ForwardedValues } from './shapes.ts'

/**
 * A behaviour of ours in CloudFront's words. What it has no words for is shown as near as can be; `readBehaviour` keeps
 * it when it comes back as it was shown.
 */
export function renderBehaviour(behaviour: Behaviour): CacheBehavior {
  return { PathPattern: behaviour.pattern, ...renderDefault(behaviour) }
}

/** As the default one, which has no pattern. */
export function renderDefault(behaviour: Behaviour): DefaultCacheBehavior {
  const { policies = {}, gate, ttl } = behaviour
  const groups = gate?.keyGroups ?? []
  return {
    TargetOriginId: behaviour.originId,
    TrustedSigners: { Enabled: false, Quantity: 0 },
    TrustedKeyGroups: { Enabled: groups.length > 0, ...listed(groups) },
    ViewerProtocolPolicy: behaviour.viewerProtocol,
    AllowedMethods: renderMethods(behaviour),
    SmoothStreaming: false,
    Compress: behaviour.compress,
    ...renderAssociations(behaviour),
    FieldLevelEncryptionId: behaviour.encryption ?? '',
    GrpcConfig: { Enabled: false },
    ...(policies.cache === undefined
      ? {
          ForwardedValues: forwardedValues(behaviour),
          MinTTL: ttl.minimum,
          DefaultTTL: ttl.default,
          MaxTTL: ttl.maximum,
        }
      : { CachePolicyId: policies.cache }),
    ...(policies.originRequest !== undefined && { OriginRequestPolicyId: policies.originRequest }),
    ...(policies.responseHeaders !== undefined && { ResponseHeadersPolicyId: policies.responseHeaders }),
  }
}

function forwardedValues(behaviour: Behaviour): ForwardedValues {
  const { query, forwardQuery, headers, host, acceptEncoding, forward } = behaviour
  const names = [
    ...(forward === 'all' ? ['*'] : headers),
    ...(host === 'viewer' && forward !== 'all' ? ['Host'] : []),
    ...(acceptEncoding !== undefined && acceptEncoding.length > 0 && forward !== 'all'
      ? ['Accept-Encoding']
      : []),
  ]
  return {
    QueryString: namesAny(query) || namesAny(forwardQuery),
    Cookies: cookies(behaviour),
    Headers: listed(names),
    QueryStringCacheKeys: listed(Array.isArray(query) ? query : []),
  }
}

function cookies({ keyedCookies = 'none', cookies: told }: Behaviour): ForwardedValues['Cookies'] {
  const shown: Named = namesAny(keyedCookies) ? keyedCookies : told
  const { which, names } = renderNames(shown)
  if (which === 'allExcept') return { Forward: 'all' }
  return { Forward: which, ...(names && { WhitelistedNames: names }) }
}

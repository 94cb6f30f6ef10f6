import type { Distribution } from '../../distribution/index.ts'
import { fillConfig } from './config-defaults.ts'
import { etagOf } from './etag.ts'
import { mapHeaders, renderDistribution, type Rendering } from './render-distribution.ts'
import type { DistributionConfig } from './shapes.ts'

/** What is kept of a distribution that was sent: without the values of secret headers, which lie in our own words. */
export interface KeptDistribution {
  config: DistributionConfig
  /** Of the distribution that it became; another one since was changed elsewhere. */
  of: string
}

export function keptDistribution(config: DistributionConfig, made: Distribution): KeptDistribution {
  return { config: mapHeaders(fillConfig(config), () => ''), of: fingerprint(made) }
}

/** What a document decides of a distribution. What its policies say in its place may change without it. */
function fingerprint(distribution: Distribution): string {
  const behaviours = distribution.behaviours.map(behaviour => {
    const { cache, originRequest, responseHeaders } = behaviour.policies ?? {}
    const { ttl, query, headers, keyedCookies, acceptEncoding, ...afterCache } = behaviour
    const { forward, cookies, forwardQuery, host, told, ...afterOrigin } = afterCache
    const { responseHeaders: answered, ...rest } = afterOrigin
    return {
      ...rest,
      ...(cache === undefined && { ttl, query, headers, keyedCookies, acceptEncoding }),
      ...((originRequest ?? cache) === undefined && { forward, cookies, forwardQuery, host, told }),
      ...(responseHeaders === undefined && { responseHeaders: answered }),
    }
  })
  return etagOf({ ...distribution, behaviours })
}

/**
 * What is shown of a distribution: the document that was sent for it, while it still is what was made of that, or else
 * our own words in CloudFront's. Secret values are told to those who may set them.
 */
export function shownConfig(
  distribution: Distribution,
  kept: KeptDistribution | undefined,
  access: Rendering['access'],
  secrets: 'told' | 'untold',
): DistributionConfig {
  const current = kept?.of === fingerprint(distribution)
  const config = current ? kept.config : renderDistribution(distribution, { access, inert: kept?.config })
  return mapHeaders(config, (id, header) => {
    const origin = distribution.origins.find(each => each.id === id)
    if (secrets === 'untold' || origin?.kind !== 'http') return ''
    return origin.headers.find(each => each.name.toLowerCase() === header.toLowerCase())?.value
  })
}

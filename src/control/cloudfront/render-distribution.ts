import type { Distribution } from '../../distribution/index.ts'
import { fillConfig } from './config-defaults.ts'
import { itemsOf, listed } from './lists.ts'
import { renderBehaviour, renderDefault } from './render-behaviour.ts'
import { renderOrigin, renderOriginGroup } from './render-origin.ts'
import type { DistributionConfig } from './shapes.ts'
import { renderCertificate } from './viewer-certificate.ts'

export interface Rendering {
  /** How an origin access is named: an access control, or an identity. */
  access: (id: string) => 'control' | 'identity'
  /** The document that was last sent for it, whose settings without a meaning here are kept. */
  inert: DistributionConfig | undefined
}

/** A distribution of ours as CloudFront would show it: one that was never sent, or was changed elsewhere since. */
export function renderDistribution(
  distribution: Distribution,
  { access, inert }: Rendering,
): DistributionConfig {
  const last = distribution.behaviours.at(-1)
  return fillConfig({
    ...kept(distribution, inert),
    Aliases: listed(distribution.aliases),
    DefaultRootObject: distribution.defaultRoot ?? '',
    Origins: fully(distribution.origins.map(each => renderOrigin(each, access))),
    OriginGroups: listed((distribution.originGroups ?? []).map(renderOriginGroup)),
    DefaultCacheBehavior: last && renderDefault(last),
    CacheBehaviors: listed(distribution.behaviours.slice(0, -1).map(renderBehaviour)),
    CustomErrorResponses: listed(
      distribution.errors.map(({ status, ttl = 10, page = '', respondWith }) => ({
        ErrorCode: status,
        ResponsePagePath: page,
        ResponseCode: page === '' ? '' : String(respondWith ?? status),
        ErrorCachingMinTTL: ttl,
      })),
    ),
    Comment: distribution.comment,
    Enabled: distribution.enabled,
    ViewerCertificate: certificateOf(distribution, inert),
    Restrictions: { GeoRestriction: renderGeo(distribution) },
    HttpVersion: httpOf(distribution, inert),
    PriceClass: priceOf(distribution, inert),
  })
}

function fully<T>(items: T[]): { Quantity: number; Items: T[] } {
  return { Quantity: items.length, Items: items }
}

/** What changes nothing here comes back as it was sent; a distribution that was never sent refers to itself. */
function kept(
  distribution: Distribution,
  inert: DistributionConfig | undefined,
): Pick<DistributionConfig, 'CallerReference' | 'Logging' | 'IsIPV6Enabled'> {
  return {
    CallerReference: inert?.CallerReference ?? distribution.id,
    Logging: inert?.Logging,
    IsIPV6Enabled: inert?.IsIPV6Enabled ?? true,
  }
}

/** As it was written, while it means the same: an ARN, and not only the name in it. */
function certificateOf(
  distribution: Distribution,
  inert: DistributionConfig | undefined,
): DistributionConfig['ViewerCertificate'] {
  const rendered = renderCertificate(distribution)
  const written = inert?.ViewerCertificate
  const name =
    written?.ACMCertificateArn?.split('/').at(-1) ?? written?.IAMCertificateId ?? (written ? '' : undefined)
  if (written === undefined || name !== (distribution.certificate ?? '')) return rendered
  return { ...written, MinimumProtocolVersion: rendered.MinimumProtocolVersion }
}

/** `None` and `PriceClass_All` mean the same. */
function priceOf(
  { priceClass = 'all' }: Distribution,
  inert: DistributionConfig | undefined,
): DistributionConfig['PriceClass'] {
  if (priceClass !== 'all') return `PriceClass_${priceClass}`
  return inert?.PriceClass === 'None' ? 'None' : 'PriceClass_All'
}

function httpOf(
  { http }: Distribution,
  inert: DistributionConfig | undefined,
): NonNullable<DistributionConfig['HttpVersion']> {
  if (http === '1.1') return 'http1.1'
  const written = inert?.HttpVersion
  return written === undefined || written === 'http1.1' ? 'http2' : written
}

function renderGeo({
  geo,
}: Distribution): NonNullable<NonNullable<DistributionConfig['Restrictions']>['GeoRestriction']> {
  if (geo === undefined) return { RestrictionType: 'none', Quantity: 0 }
  return { RestrictionType: geo.mode === 'allow' ? 'whitelist' : 'blacklist', ...listed(geo.countries) }
}

/** The names of origins' secret headers, with what `value` tells of each; stores are told none. */
export function mapHeaders(
  config: DistributionConfig,
  value: (origin: string, header: string) => string | undefined,
): DistributionConfig {
  const origins = itemsOf(config.Origins).map(origin => {
    if (origin.S3OriginConfig !== undefined) return origin
    const headers = itemsOf(origin.CustomHeaders).map(header => ({
      ...header,
      HeaderValue: value(origin.Id ?? '', header.HeaderName ?? '') ?? '',
    }))
    return { ...origin, CustomHeaders: listed(headers) }
  })
  return { ...config, Origins: fully(origins) }
}

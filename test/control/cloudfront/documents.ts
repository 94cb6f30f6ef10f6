import type { DistributionConfig } from '../../../src/control/cloudfront/shapes.ts'

/** CachingOptimized, as CloudFront names it. */
export const OPTIMIZED = '658327ea-f89d-4fab-a63d-7e88639e58f6'

/** The least that CloudFront takes: one custom origin and a default behaviour by a policy. */
export function smallConfig(change: Partial<DistributionConfig> = {}): DistributionConfig {
  return {
    CallerReference: 'small',
    Comment: '',
    Enabled: true,
    Origins: {
      Quantity: 1,
      Items: [
        {
          Id: 'site',
          DomainName: 'site.example',
          CustomOriginConfig: { HTTPPort: 80, HTTPSPort: 443, OriginProtocolPolicy: 'https-only' },
        },
      ],
    },
    DefaultCacheBehavior: {
      TargetOriginId: 'site',
      ViewerProtocolPolicy: 'allow-all',
      CachePolicyId: OPTIMIZED,
    },
    ...change,
  }
}

type Origin = NonNullable<NonNullable<DistributionConfig['Origins']>['Items']>[number]
type Default = NonNullable<DistributionConfig['DefaultCacheBehavior']>

/** As `smallConfig`, with its origin changed. */
export function withOrigin(change: Partial<Origin>): DistributionConfig {
  const small = smallConfig()
  const origins = (small.Origins?.Items ?? []).map(each => ({ ...each, ...change }))
  return { ...small, Origins: { Quantity: origins.length, Items: origins } }
}

/** As `smallConfig`, with its behaviour changed. */
export function withBehaviour(change: Partial<Default>): DistributionConfig {
  const { DefaultCacheBehavior: behaviour } = smallConfig()
  if (behaviour === undefined) throw new Error('a config has a behaviour')
  return smallConfig({ DefaultCacheBehavior: { ...behaviour, ...change } })
}

import { itemsOf, listed } from './lists.ts'
import type { CacheBehavior, DefaultCacheBehavior, DistributionConfig, OriginConfig } from './shapes.ts'

/**
 * What CloudFront fills in where a document leaves it out: its answers say all of these, and a client that compares
 * what it reads with what it would send (Terraform) must find them.
 */
export function fillConfig(sent: DistributionConfig): DistributionConfig {
  const behaviours = itemsOf(sent.CacheBehaviors).map(each => ({
    ...fillBehaviour(each),
    PathPattern: each.PathPattern,
  }))
  const origins = itemsOf(sent.Origins).map(fillOrigin)
  return defined<DistributionConfig>({
    ...sent,
    Aliases: sent.Aliases ?? { Quantity: 0 },
    DefaultRootObject: sent.DefaultRootObject ?? '',
    Origins: { Quantity: origins.length, Items: origins },
    OriginGroups: sent.OriginGroups ?? { Quantity: 0 },
    DefaultCacheBehavior: sent.DefaultCacheBehavior && fillBehaviour(sent.DefaultCacheBehavior),
    CacheBehaviors: listed(behaviours),
    CustomErrorResponses: listed(itemsOf(sent.CustomErrorResponses).map(fillError)),
    Logging: sent.Logging ?? { Enabled: false, IncludeCookies: false, Bucket: '', Prefix: '' },
    PriceClass: sent.PriceClass ?? 'PriceClass_All',
    ViewerCertificate: fillCertificate(sent.ViewerCertificate),
    Restrictions: sent.Restrictions ?? { GeoRestriction: { RestrictionType: 'none', Quantity: 0 } },
    WebACLId: sent.WebACLId ?? '',
    HttpVersion: sent.HttpVersion ?? 'http2',
    IsIPV6Enabled: sent.IsIPV6Enabled ?? false,
    ContinuousDeploymentPolicyId: sent.ContinuousDeploymentPolicyId ?? '',
    Staging: sent.Staging ?? false,
  })
}

export function fillOrigin(sent: OriginConfig): OriginConfig {
  const custom = sent.CustomOriginConfig
  return defined<OriginConfig>({
    ...sent,
    OriginPath: sent.OriginPath ?? '',
    CustomHeaders: sent.CustomHeaders ?? { Quantity: 0 },
    ConnectionAttempts: sent.ConnectionAttempts ?? 3,
    ConnectionTimeout: sent.ConnectionTimeout ?? 10,
    OriginShield: sent.OriginShield ?? { Enabled: false },
    OriginAccessControlId: sent.OriginAccessControlId ?? '',
    ...(custom && {
      CustomOriginConfig: {
        ...custom,
        OriginSslProtocols: custom.OriginSslProtocols ?? {
          Quantity: 3,
          Items: ['TLSv1', 'TLSv1.1', 'TLSv1.2'],
        },
        OriginReadTimeout: custom.OriginReadTimeout ?? 30,
        OriginKeepaliveTimeout: custom.OriginKeepaliveTimeout ?? 5,
      },
    }),
  })
}

function fillBehaviour<B extends CacheBehavior | DefaultCacheBehavior>(sent: B): B {
  return defined({
    ...sent,
    TrustedSigners: sent.TrustedSigners ?? { Enabled: false, Quantity: 0 },
    TrustedKeyGroups: sent.TrustedKeyGroups ?? { Enabled: false, Quantity: 0 },
    AllowedMethods: fillMethods(sent.AllowedMethods),
    SmoothStreaming: sent.SmoothStreaming ?? false,
    Compress: sent.Compress ?? false,
    LambdaFunctionAssociations: sent.LambdaFunctionAssociations ?? { Quantity: 0 },
    FunctionAssociations: sent.FunctionAssociations ?? { Quantity: 0 },
    FieldLevelEncryptionId: sent.FieldLevelEncryptionId ?? '',
    GrpcConfig: sent.GrpcConfig ?? { Enabled: false },
    ...(sent.ForwardedValues && {
      ForwardedValues: {
        ...sent.ForwardedValues,
        Headers: sent.ForwardedValues.Headers ?? { Quantity: 0 },
        QueryStringCacheKeys: sent.ForwardedValues.QueryStringCacheKeys ?? { Quantity: 0 },
      },
      MinTTL: sent.MinTTL ?? 0,
      DefaultTTL: sent.DefaultTTL ?? 86_400,
      MaxTTL: sent.MaxTTL ?? 31_536_000,
    }),
  })
}

const READING = { Quantity: 2, Items: ['HEAD', 'GET'] } as const

function fillMethods(sent: CacheBehavior['AllowedMethods']): CacheBehavior['AllowedMethods'] {
  const reading = { Quantity: READING.Quantity, Items: [...READING.Items] }
  return { ...(sent ?? reading), CachedMethods: sent?.CachedMethods ?? reading }
}

type ErrorResponse = NonNullable<NonNullable<DistributionConfig['CustomErrorResponses']>['Items']>[number]

export function fillError(sent: ErrorResponse): ErrorResponse {
  return {
    ErrorCode: sent.ErrorCode,
    ResponsePagePath: sent.ResponsePagePath ?? '',
    ResponseCode: sent.ResponseCode ?? '',
    ErrorCachingMinTTL: sent.ErrorCachingMinTTL ?? 10,
  }
}

/** CloudFront repeats the certificate under the names that older clients read. */
function fillCertificate(
  sent: DistributionConfig['ViewerCertificate'],
): DistributionConfig['ViewerCertificate'] {
  const { ACMCertificateArn: arn, IAMCertificateId: iam } = sent ?? {}
  const named = arn
    ? { name: arn, source: 'acm' as const }
    : iam
      ? { name: iam, source: 'iam' as const }
      : undefined
  if (named === undefined) {
    return {
      ...sent,
      CloudFrontDefaultCertificate: true,
      SSLSupportMethod: sent?.SSLSupportMethod ?? 'vip',
      MinimumProtocolVersion: sent?.MinimumProtocolVersion ?? 'TLSv1',
      CertificateSource: 'cloudfront',
    }
  }
  return {
    ...sent,
    CloudFrontDefaultCertificate: false,
    SSLSupportMethod: sent?.SSLSupportMethod ?? 'sni-only',
    MinimumProtocolVersion: sent?.MinimumProtocolVersion ?? 'TLSv1',
    Certificate: named.name,
    CertificateSource: named.source,
  }
}

/** Without the members that are undefined, as a document has it that was read. */
function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T // the same members
}

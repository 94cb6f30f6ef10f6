/**
 * What becomes of a setting. Honoured: as CloudFront has it. Mapped: by a word of ours that does the same. Kept: stored
 * and shown again, without an effect, and a notice says so where it is set to anything. Refused: a request that sets it
 * changes nothing and is told why; what would decide who may see what is never merely kept.
 */
export type Treatment = 'honoured' | 'mapped' | 'kept' | 'refused'

export interface Setting {
  how: Treatment
  what: string
}

type Row = readonly [setting: string, how: Treatment, what: string]

const DISTRIBUTION: readonly Row[] = [
  ['CallerReference', 'honoured', 'counts once; again it is `DistributionAlreadyExists`'],
  ['Aliases.Items', 'honoured', 'host names in lower case; each is listed, there are no wildcards'],
  ['DefaultRootObject', 'honoured', 'for `/` alone'],
  ['Comment', 'honoured', ''],
  ['Enabled', 'honoured', 'false: edges stop at once'],
  [
    'PriceClass',
    'honoured',
    'routers send viewers to edges of this class or a cheaper one, where one is there',
  ],
  ['WebACLId', 'refused', 'there is no web application firewall'],
  ['HttpVersion', 'mapped', 'HTTP/1.1 alone, or 2 and 1.1; HTTP/3 is kept with a notice'],
  ['IsIPV6Enabled', 'kept', 'an edge answers at the addresses that its port is open on'],
  ['ContinuousDeploymentPolicyId', 'refused', 'there is no continuous deployment'],
  ['Staging', 'refused', 'true: there are no staging distributions'],
  ['AnycastIpListId', 'refused', ''],
  ['TenantConfig.ParameterDefinitions', 'refused', 'there are no tenants'],
  ['ConnectionMode', 'refused', 'all but `direct`: there are no tenants'],
  ['ViewerMtlsConfig', 'refused', 'viewers are asked for no certificate'],
  ['ConnectionFunctionAssociation.Id', 'refused', ''],
  ['CacheTagConfig.HeaderName', 'refused', 'paths are invalidated, not tags'],
  ['Logging.Enabled', 'kept', 'edges have an access log; no log is delivered to a bucket yet'],
  ['Logging.IncludeCookies', 'kept', ''],
  ['Logging.Bucket', 'kept', ''],
  ['Logging.Prefix', 'kept', ''],
  ['Restrictions.GeoRestriction.RestrictionType', 'honoured', "by the operator's country file at each edge"],
  ['Restrictions.GeoRestriction.Items', 'honoured', ''],
]

const CERTIFICATE: readonly Row[] = [
  ['ViewerCertificate.CloudFrontDefaultCertificate', 'mapped', 'the certificate that edges have'],
  [
    'ViewerCertificate.ACMCertificateArn',
    'mapped',
    'its last part is the name of a certificate at the edges',
  ],
  ['ViewerCertificate.IAMCertificateId', 'mapped', 'the name of a certificate at the edges'],
  [
    'ViewerCertificate.SSLSupportMethod',
    'mapped',
    'always SNI; `vip` and `static-ip` are kept with a notice',
  ],
  ['ViewerCertificate.MinimumProtocolVersion', 'mapped', 'TLS 1.2 at least, so older ones become stricter'],
  ['ViewerCertificate.Certificate', 'kept', 'CloudFront repeats the name here, and so do we'],
  ['ViewerCertificate.CertificateSource', 'kept', 'as above'],
]

const ORIGINS: readonly Row[] = [
  ['Origins.Items.Id', 'honoured', ''],
  ['Origins.Items.DomainName', 'honoured', '`origin.sluice.internal` is the built-in origin'],
  ['Origins.Items.OriginPath', 'honoured', ''],
  ['Origins.Items.CustomHeaders.Items.HeaderName', 'honoured', 'of buckets `Sluice-…` alone, see below'],
  ['Origins.Items.CustomHeaders.Items.HeaderValue', 'honoured', 'told to keys of the scope `all` only'],
  ['Origins.Items.ConnectionAttempts', 'honoured', 'of custom origins'],
  ['Origins.Items.ConnectionTimeout', 'honoured', 'of custom origins'],
  ['Origins.Items.ResponseCompletionTimeout', 'kept', 'no answer is cut off by it'],
  ['Origins.Items.OriginShield.Enabled', 'honoured', ''],
  ['Origins.Items.OriginShield.OriginShieldRegion', 'mapped', 'the name of a place of regional caches'],
  ['Origins.Items.OriginAccessControlId', 'mapped', 'requests are signed (SigV4) with stored credentials'],
  ['Origins.Items.S3OriginConfig.OriginAccessIdentity', 'mapped', 'as an access control that always signs'],
  ['Origins.Items.S3OriginConfig.OriginReadTimeout', 'kept', 'stores are given 30 s'],
  ['Origins.Items.CustomOriginConfig.HTTPPort', 'honoured', ''],
  ['Origins.Items.CustomOriginConfig.HTTPSPort', 'honoured', ''],
  ['Origins.Items.CustomOriginConfig.OriginProtocolPolicy', 'honoured', ''],
  ['Origins.Items.CustomOriginConfig.OriginSslProtocols.Items', 'mapped', 'TLS 1.2 and 1.3 alone are spoken'],
  ['Origins.Items.CustomOriginConfig.OriginReadTimeout', 'honoured', '1 to 180 s'],
  ['Origins.Items.CustomOriginConfig.OriginKeepaliveTimeout', 'honoured', '1 to 120 s'],
  ['Origins.Items.CustomOriginConfig.IpAddressType', 'kept', 'either family that the name has'],
  ['Origins.Items.CustomOriginConfig.OriginMtlsConfig', 'refused', 'origins are shown no certificate'],
  ['Origins.Items.VpcOriginConfig', 'refused', 'there are no VPCs'],
  ['OriginGroups.Items.Id', 'honoured', ''],
  ['OriginGroups.Items.FailoverCriteria.StatusCodes.Items', 'honoured', ''],
  ['OriginGroups.Items.Members.Items.OriginId', 'honoured', ''],
  ['OriginGroups.Items.SelectionCriteria', 'kept', 'the first member is always asked first'],
  ['CustomErrorResponses.Items.ErrorCode', 'honoured', ''],
  ['CustomErrorResponses.Items.ResponsePagePath', 'honoured', ''],
  ['CustomErrorResponses.Items.ResponseCode', 'honoured', '200, or the status of an error'],
  ['CustomErrorResponses.Items.ErrorCachingMinTTL', 'honoured', ''],
]

/** Of `DefaultCacheBehavior` and of each of `CacheBehaviors`. */
const BEHAVIOURS: readonly Row[] = [
  ['PathPattern', 'honoured', 'in order; the default behaviour is the last'],
  ['TargetOriginId', 'honoured', ''],
  ['ViewerProtocolPolicy', 'honoured', ''],
  ['TrustedKeyGroups.Enabled', 'honoured', ''],
  ['TrustedKeyGroups.Items', 'honoured', ''],
  ['TrustedSigners', 'refused', 'there are no AWS accounts: use key groups'],
  ['AllowedMethods.Items', 'honoured', ''],
  ['AllowedMethods.CachedMethods.Items', 'honoured', ''],
  ['SmoothStreaming', 'refused', 'true'],
  ['Compress', 'honoured', ''],
  [
    'LambdaFunctionAssociations.Items.LambdaFunctionARN',
    'mapped',
    '`…:function:NAME:VERSION` is that version of a `lambda-edge` function of `sluice functions`; `$LATEST` is refused',
  ],
  ['LambdaFunctionAssociations.Items.EventType', 'honoured', ''],
  ['LambdaFunctionAssociations.Items.IncludeBody', 'honoured', ''],
  ['FunctionAssociations.Items.FunctionARN', 'honoured', ''],
  ['FunctionAssociations.Items.EventType', 'honoured', ''],
  ['FieldLevelEncryptionId', 'honoured', 'see [FIELD-ENCRYPTION.md](FIELD-ENCRYPTION.md)'],
  ['RealtimeLogConfigArn', 'refused', 'there are no real-time logs'],
  ['CachePolicyId', 'honoured', "CloudFront's managed ones under their ids, too"],
  ['OriginRequestPolicyId', 'honoured', 'as above'],
  ['ResponseHeadersPolicyId', 'honoured', 'as above'],
  ['GrpcConfig', 'refused', 'true: gRPC is not passed on'],
  ['ForwardedValues.QueryString', 'honoured', ''],
  ['ForwardedValues.QueryStringCacheKeys.Items', 'honoured', ''],
  ['ForwardedValues.Cookies.Forward', 'honoured', ''],
  ['ForwardedValues.Cookies.WhitelistedNames.Items', 'honoured', ''],
  ['ForwardedValues.Headers.Items', 'honoured', '16 at most; `*` tells the origin all and keeps nothing'],
  ['MinTTL', 'honoured', ''],
  ['DefaultTTL', 'honoured', ''],
  ['MaxTTL', 'honoured', ''],
]

/** By the path of the setting in a DistributionConfig. What is refused may be a group of settings, all of them. */
export const SETTINGS: ReadonlyMap<string, Setting> = new Map(
  [
    ...DISTRIBUTION,
    ...CERTIFICATE,
    ...ORIGINS,
    ...['DefaultCacheBehavior', 'CacheBehaviors.Items'].flatMap(place =>
      BEHAVIOURS.filter(([setting]) => setting !== 'PathPattern' || place !== 'DefaultCacheBehavior').map(
        ([setting, ...rest]) => [`${place}.${setting}`, ...rest] as const,
      ),
    ),
  ].map(([setting, how, what]) => [setting, { how, what }]),
)

/** The row that speaks for a setting; undefined where none does. */
export function settingOf(path: string): Setting | undefined {
  const own = SETTINGS.get(path)
  if (own !== undefined) return own
  for (let at = path.lastIndexOf('.'); at > 0; at = path.lastIndexOf('.', at - 1)) {
    const group = SETTINGS.get(path.slice(0, at))
    if (group?.how === 'refused') return group
  }
  return undefined
}

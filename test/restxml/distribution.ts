import type { DistributionConfig } from '@aws-sdk/client-cloudfront'

const METHODS = { Quantity: 2, Items: ['HEAD', 'GET'] as ('HEAD' | 'GET')[] }
const PATTERNS = ['*.m3u8', '*.mp4', '/members/*', '/api/*', '/thumbnails/*.jpg']

/** Some 3 KB as a document, with what distributions commonly have. */
export const DISTRIBUTION: DistributionConfig = {
  CallerReference: 'ref-1',
  Comment: 'vod & <live>',
  Enabled: true,
  Aliases: { Quantity: 1, Items: ['media.example.test'] },
  DefaultRootObject: 'index.html',
  Origins: {
    Quantity: 1,
    Items: [
      {
        Id: 'packager',
        DomainName: 'origin.example.test',
        OriginPath: '',
        CustomHeaders: { Quantity: 1, Items: [{ HeaderName: 'X-Secret', HeaderValue: ' a "b" ' }] },
        CustomOriginConfig: {
          HTTPPort: 80,
          HTTPSPort: 443,
          OriginProtocolPolicy: 'http-only',
          OriginSslProtocols: { Quantity: 1, Items: ['TLSv1.2'] },
          OriginReadTimeout: 30,
          OriginKeepaliveTimeout: 5,
        },
        ConnectionAttempts: 3,
        ConnectionTimeout: 10,
        OriginShield: { Enabled: true, OriginShieldRegion: 'eu-west-1' },
      },
    ],
  },
  DefaultCacheBehavior: {
    TargetOriginId: 'packager',
    ViewerProtocolPolicy: 'redirect-to-https',
    TrustedSigners: { Enabled: false, Quantity: 0 },
    TrustedKeyGroups: { Enabled: true, Quantity: 1, Items: ['kg-1'] },
    AllowedMethods: { ...METHODS, CachedMethods: METHODS },
    SmoothStreaming: false,
    Compress: true,
    LambdaFunctionAssociations: { Quantity: 0, Items: [] },
    FieldLevelEncryptionId: '',
    CachePolicyId: '658327ea-f89d-4fab-a63d-7e88639e58f6',
  },
  CacheBehaviors: {
    Quantity: PATTERNS.length,
    Items: PATTERNS.map(PathPattern => ({
      PathPattern,
      TargetOriginId: 'packager',
      ViewerProtocolPolicy: 'https-only',
      Compress: true,
      CachePolicyId: '658327ea-f89d-4fab-a63d-7e88639e58f6',
    })),
  },
  CustomErrorResponses: { Quantity: 0 },
  Logging: { Enabled: true, IncludeCookies: false, Bucket: 'logs.s3.amazonaws.com', Prefix: 'cf/' },
  PriceClass: 'PriceClass_All',
  ViewerCertificate: { CloudFrontDefaultCertificate: true, MinimumProtocolVersion: 'TLSv1' },
  Restrictions: { GeoRestriction: { RestrictionType: 'whitelist', Quantity: 2, Items: ['DE', 'FR'] } },
  WebACLId: '',
  HttpVersion: 'http2and3',
  IsIPV6Enabled: true,
}

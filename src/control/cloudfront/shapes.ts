/**
 * The documents of CloudFront's API, as its own client describes them. Types only: nothing of that package runs here.
 * What arrives has been checked against the model for names and kinds, not for the words of an enumeration.
 */
export type {
  AllowedMethods,
  CacheBehavior,
  CachePolicyConfig,
  CloudFrontOriginAccessIdentityConfig,
  DefaultCacheBehavior,
  DistributionConfig,
  FieldLevelEncryptionConfig,
  FieldLevelEncryptionProfileConfig,
  ForwardedValues,
  FunctionConfig,
  InvalidationBatch,
  KeyGroupConfig,
  Origin as OriginConfig,
  OriginAccessControlConfig,
  OriginGroup as OriginGroupConfig,
  OriginRequestPolicyConfig,
  PublicKeyConfig,
  ResponseHeadersPolicyConfig,
  Tags,
  ViewerCertificate,
} from '@aws-sdk/client-cloudfront'

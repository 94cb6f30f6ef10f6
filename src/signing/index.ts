export { parseCidr, cidrHolds, parseAddress, type Cidr, type Address } from './address.ts'
export {
  authenticate,
  memoKey,
  type Authenticated,
  type AuthenticateOptions,
  type Refused,
  type ViewerUrl,
} from './authenticate.ts'
export { findCarrier, type Carrier, type CarrierResult, type CarrierSources } from './carrier.ts'
export { stripPlayer, stripSigning } from './carrier-query.ts'
export { decodeCloudFront, encodeCloudFront } from './cloudfront-base64.ts'
export { CONDITIONS, firstFailing, type Condition, type JudgedRequest } from './conditions.ts'
export {
  mayBeSecure,
  renderCookies,
  setCookieValues,
  type CookieAttributes,
  type CookieFormat,
} from './cookie-formats.ts'
export { type Ed25519PrivateJwk, type Ed25519PublicJwk } from './jwt.ts'
export { generateKeyPair, type KeyPair } from './key-pair.ts'
export {
  mintNodeToken,
  newNodeKey,
  NODE_TOKEN_LIFE,
  verifyNodeToken,
  type NodeAudience,
  type NodeIdentity,
  type NodeKey,
  type NodeTokenResult,
  type TrustedPeer,
} from './node-token.ts'
export { takePathToken, withPathToken, type PathToken, type TakenPath } from './path-token.ts'
export {
  cannedPolicy,
  parsePolicy,
  policyText,
  type Action,
  type Policy,
  type PolicyResult,
  type PolicyTerms,
} from './policy.ts'
export {
  resourceOfPath,
  signCookies,
  signPath,
  signUrl,
  type Extent,
  type SignedCookies,
  type SignedUrl,
  type UrlTerms,
} from './produce.ts'
export { readPublicKey, type KeyType, type PublicKeyResult } from './public-key.ts'
export { cloudFrontError, type CloudFrontError } from './refusal.ts'
export {
  compileResource,
  resourceCovers,
  splitHost,
  type Resource,
  type UrlSections,
  type ViewerScheme,
} from './resource.ts'
export { LONGEST_STREAM, signPublish, type PublishTerms, type SignedPublish } from './rtmp-url.ts'
export { checkSignature, type CheckSignature, type Hash } from './signature.ts'
export { createSigner, type SignedPolicy, type Signer, type SignerOptions } from './signer.ts'
export {
  trustedKeys,
  type KeyGroupKeys,
  type Sha1,
  type TrustedKey,
  type TrustedKeys,
} from './trusted-keys.ts'
export { judge, verifyGrant, type Allowed, type GrantRequest, type Verdict } from './verify.ts'

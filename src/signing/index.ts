export { parseCidr, cidrHolds, parseAddress, type Cidr, type Address } from './address.ts'
export { newAccessKey, type AccessKey } from './access-key.ts'
export {
  authenticate,
  memoKey,
  type Authenticated,
  type AuthenticateOptions,
  type Refused,
} from './authenticate.ts'
export { findCarrier, type Carrier, type CarrierResult, type CarrierSources } from './carrier.ts'
export { carriersOf, type Carried, type CarrierGate, type CarrierParts, type Carriers } from './carriers.ts'
export { mayBeSigned, stripPlayer, stripSigning } from './carrier-query.ts'
export { decodeCloudFront } from './cloudfront-base64.ts'
export { encodeCloudFront } from './cloudfront-encoder.ts'
export { explainGrant, type GrantExplanation } from './explain.ts'
export { withoutTokens, type CheckVerdict, type GrantCheck } from './grant-check.ts'
export { CONDITIONS, firstFailing, type Condition, type JudgedRequest } from './conditions.ts'
export {
  mayBeSecure,
  renderCookies,
  setCookieValues,
  type CookieAttributes,
  type CookieFormat,
  type SignedCookies,
} from './cookie-formats.ts'
export { type Ed25519PrivateJwk, type Ed25519PublicJwk } from './jwt.ts'
export { generateKeyPair, type KeyPair } from './key-pair.ts'
export { loggedPath } from './logged-path.ts'
export { loggedText } from './logged-text.ts'
export { withoutGrants } from './without-grants.ts'
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
export { withPathToken } from './grant-url.ts'
export { takePathToken, type PathToken, type TakenPath } from './path-token.ts'
export {
  cannedPolicy,
  parsePolicy,
  policyText,
  type Action,
  type Policy,
  type PolicyOptions,
  type PolicyResult,
  type PolicyTerms,
} from './policy.ts'
export {
  resourceOfPath,
  signCookies,
  signPath,
  signUrl,
  type Extent,
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
export { signPublish, type PublishTerms, type SignedPublish } from './rtmp-url.ts'
export { type ViewerUrl } from './statement.ts'
export type { Hash } from './hash.ts'
export { checkSignature, type CheckSignature } from './signature.ts'
export { LONGEST_STREAM } from './stream-key.ts'
export { s3Path, s3Query, signS3, type S3Request, type SigningCredentials } from './sigv4.ts'
export {
  isSignedBy,
  readSignature,
  SIGNATURE_SKEW,
  type ClaimResult,
  type SignatureClaim,
  type SignatureFault,
  type SignatureRefused,
  type SignedRequest,
} from './verify-sigv4.ts'
export { createSigner, type SignedPolicy, type Signer, type SignerOptions } from './signer.ts'
export {
  trustedKeys,
  type KeyGroupKeys,
  type Sha1,
  type TrustedKey,
  type TrustedKeys,
  type WithoutResource,
} from './trusted-keys.ts'
export { judge, verifyGrant, type Allowed, type GrantRequest, type Verdict } from './verify.ts'
export {
  bearerToken,
  tokenCookie,
  type TokenCarrier,
  type TokenCarrierResult,
} from './viewer-token-carrier.ts'
export {
  keysFor,
  mayBeOf,
  trustIssuer,
  type IssuerJwk,
  type IssuerTerms,
  type IssuerTrust,
  type TokenAlgorithm,
} from './viewer-token-keys.ts'
export { readTokenPaths, type TokenPaths } from './viewer-token-paths.ts'
export {
  authenticateToken,
  judgeToken,
  NOT_BEFORE_LEEWAY,
  unknownIssuer,
  verifyViewerToken,
  type TokenAuthenticated,
  type TokenGrant,
  type TokenRequest,
  type TokenVerdict,
} from './viewer-token-verify.ts'
export { LARGEST_TOKEN, readViewerToken, type ViewerToken, type ViewerTokenResult } from './viewer-token.ts'

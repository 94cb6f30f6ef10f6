import { randomBytes, randomUUID } from 'node:crypto'

/** `E…`, as CloudFront names distributions. */
export type DistributionId = string & { readonly id: 'distribution' }
/** `K…`, the Key-Pair-Id of signed URLs and cookies. */
export type KeyId = string & { readonly id: 'key' }
export type KeyGroupId = string & { readonly id: 'key-group' }
export type NodeId = string & { readonly id: 'node' }
export type AssetId = string & { readonly id: 'asset' }
/** One attempt of publishing something at a path. */
export type PublicationId = string & { readonly id: 'publication' }
export type JobId = string & { readonly id: 'job' }
/** One run of a channel, from its first publisher to its end; stands in the URLs of its media playlists (SEAMS 17). */
export type BroadcastId = string & { readonly id: 'broadcast' }
/** One encoder's connection, made by the gateway that took it. */
export type PublisherId = string & { readonly id: 'publisher' }
export type ChannelId = string & { readonly id: 'channel' }
/** Somebody whose tokens are trusted. */
export type IssuerId = string & { readonly id: 'issuer' }
/** An identity under which nodes read a bucket; `E…` as CloudFront names them. */
export type OriginAccessId = string & { readonly id: 'origin-access' }
export type PolicyId = string & { readonly id: 'policy' }
/** The name of a function, and of Lambda@Edge the number of its version: `name:3`. */
export type FunctionId = string & { readonly id: 'function' }
export type StoreId = string & { readonly id: 'store' }
export type EncryptionId = string & { readonly id: 'encryption' }
export type EncryptionProfileId = string & { readonly id: 'encryption-profile' }
export type InvalidationId = string & { readonly id: 'invalidation' }
/** Names one request in the response (`X-Sluice-Id`) and in the log. */
export type RequestId = string & { readonly id: 'request' }

const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Draws from `alphabet` without bias: 252 is the largest multiple of 36 below 256. */
function draw(alphabet: string, length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 252 && text.length < length) text += alphabet[byte % 36] ?? ''
    }
  }
  return text
}

export function newDistributionId(): DistributionId {
  return `E${draw(CAPITALS, 13)}` as DistributionId
}

export function newKeyId(): KeyId {
  return `K${draw(CAPITALS, 13)}` as KeyId
}

export function newInvalidationId(): InvalidationId {
  return `I${draw(CAPITALS, 13)}` as InvalidationId
}

export function newKeyGroupId(): KeyGroupId {
  return `kg-${draw(LOWER, 12)}` as KeyGroupId
}

export function newIssuerId(): IssuerId {
  return `iss-${draw(LOWER, 12)}` as IssuerId
}

export function newOriginAccessId(): OriginAccessId {
  return `E${draw(CAPITALS, 13)}` as OriginAccessId
}

/** As CloudFront names policies. */
export function newPolicyId(): PolicyId {
  return randomUUID() as string as PolicyId
}

/** As CloudFront names key value stores. */
export function newStoreId(): StoreId {
  return randomUUID() as string as StoreId
}

export function newNodeId(role: string): NodeId {
  return `${role}-${draw(LOWER, 8)}` as NodeId
}

export function newAssetId(): AssetId {
  return `a${draw(LOWER, 19)}` as AssetId
}

export function newPublicationId(): PublicationId {
  return `p${draw(LOWER, 19)}` as PublicationId
}

export function newChannelId(): ChannelId {
  return `c${draw(LOWER, 19)}` as ChannelId
}

export function newPublisherId(): PublisherId {
  return `u${draw(LOWER, 15)}` as PublisherId
}

export function newBroadcastId(): BroadcastId {
  return `b${draw(LOWER, 9)}` as BroadcastId
}

/** Names one hand-over to an origin, and with it the objects that it made (SEAMS 17). */
export function newEpoch(): string {
  return `e${draw(LOWER, 9)}`
}

/** Of what is kept for CloudFront's API alone. */
export function newDocumentId(letter: 'C' | 'P' | 'E'): string {
  return `${letter}${draw(CAPITALS, 13)}`
}

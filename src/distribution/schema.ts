import {
  Type,
  type ChannelId,
  type DistributionId,
  type KeyGroupId,
  type KeyId,
  type Static,
} from '../core/index.ts'

/** A public key that policies may be signed with. The private half never comes here. */
export const PublicKey = Type.Object({
  id: Type.Unsafe<KeyId>(Type.String({ pattern: '^[A-Z0-9]{1,64}$' })),
  name: Type.String({ minLength: 1, maxLength: 128 }),
  type: Type.Union([Type.Literal('rsa'), Type.Literal('p256')]),
  /** SubjectPublicKeyInfo, PEM. */
  pem: Type.String({ maxLength: 8192 }),
})
export type PublicKey = Static<typeof PublicKey>

export const KeyGroup = Type.Object({
  id: Type.Unsafe<KeyGroupId>(Type.String({ minLength: 1, maxLength: 64 })),
  name: Type.String({ minLength: 1, maxLength: 128 }),
  keys: Type.Array(PublicKey),
  /** SHA-1 is CloudFront's default digest, so old signers need it; a group may refuse it (`weak-hash`). */
  sha1: Type.Union([Type.Literal('accept'), Type.Literal('refuse')]),
})
export type KeyGroup = Static<typeof KeyGroup>

/** Where objects come from. `built-in` is the origin role of this CDN. */
export const Origin = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 128 }),
  kind: Type.Literal('built-in'),
})
export type Origin = Static<typeof Origin>

/** Lifetimes in seconds between which the origin's word counts; `default` holds when it says nothing. */
export const Lifetimes = Type.Object({
  minimum: Type.Integer({ minimum: 0, maximum: 3_153_600_000 }),
  default: Type.Integer({ minimum: 0, maximum: 3_153_600_000 }),
  maximum: Type.Integer({ minimum: 0, maximum: 3_153_600_000 }),
})
export type Lifetimes = Static<typeof Lifetimes>

export const Behaviour = Type.Object({
  /** `*` is any run of characters, `?` exactly one; a missing leading slash is understood. */
  pattern: Type.String({ minLength: 1, maxLength: 255 }),
  originId: Type.String({ minLength: 1, maxLength: 128 }),
  /** Signed requests only, by keys of these groups; null is open to all. */
  gate: Type.Union([
    Type.Null(),
    Type.Object({
      keyGroups: Type.Array(Type.Unsafe<KeyGroupId>(Type.String({ minLength: 1 })), { minItems: 1 }),
    }),
  ]),
  ttl: Lifetimes,
  viewerProtocol: Type.Union([
    Type.Literal('allow-all'),
    Type.Literal('redirect-to-https'),
    Type.Literal('https-only'),
  ]),
  /** Which query parameters enter the cache key and go to the origin. Signing parameters never do. */
  query: Type.Union([Type.Literal('none'), Type.Literal('all'), Type.Array(Type.String())]),
  /** Origins beyond same-site and localhost that may read gated answers with credentials (SEAMS 11). */
  corsOrigins: Type.Array(Type.String()),
})
export type Behaviour = Static<typeof Behaviour>

export const Distribution = Type.Object({
  id: Type.Unsafe<DistributionId>(Type.String({ pattern: '^E[A-Z0-9]{5,40}$' })),
  /** `<id>.cdn.localhost`, lower case; the suffix is a setting. */
  domain: Type.String({ minLength: 1, maxLength: 253 }),
  aliases: Type.Array(Type.String({ minLength: 1, maxLength: 253 })),
  enabled: Type.Boolean(),
  comment: Type.String({ maxLength: 128 }),
  origins: Type.Array(Origin, { minItems: 1 }),
  /** In order; the first whose pattern matches wins; the last is `*`. */
  behaviours: Type.Array(Behaviour, { minItems: 1 }),
})
export type Distribution = Static<typeof Distribution>

/** A path that may be published to live. One that was not created is refused (SEAMS 8). */
export const Channel = Type.Object({
  id: Type.Unsafe<ChannelId>(Type.String({ minLength: 1, maxLength: 64 })),
  /** `/live/stage`: two segments at least, for RTMP's app and stream. */
  path: Type.String({ pattern: '^/', maxLength: 512 }),
  /** Whose keys may sign for publishing. */
  ingest: Type.Object({
    keyGroups: Type.Array(Type.Unsafe<KeyGroupId>(Type.String({ minLength: 1 })), { minItems: 1 }),
  }),
  /** A broadcast whose encoder was lost waits so long for it, in milliseconds. */
  reconnect: Type.Integer({ minimum: 0, maximum: 3_600_000 }),
  /** Counts `live stop`: a publisher that was accepted under a lower number is cut and its broadcast ends. */
  stops: Type.Integer({ minimum: 0 }),
  /** Fencing number of the channel's owner; an origin that meets a higher one drops its window (SEAMS 28). */
  lease: Type.Integer({ minimum: 0 }),
})
export type Channel = Static<typeof Channel>

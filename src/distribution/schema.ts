import {
  Type,
  type ChannelId,
  type NodeId,
  type DistributionId,
  type EncryptionId,
  type IssuerId,
  type KeyGroupId,
  type KeyId,
  type PolicyId,
  type Static,
} from '../core/index.ts'
import { ResponseHeaders } from './answer-schema.ts'
import { FunctionUse } from './edge-code.ts'
import { Origin, OriginGroup } from './origin-schema.ts'

export * from './answer-schema.ts'
export * from './edge-code.ts'
export * from './origin-schema.ts'

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
  /** A policy without Resource opens everything that trusts its key; a group must ask for that (`malformed`). */
  withoutResource: Type.Union([Type.Literal('accept'), Type.Literal('refuse')]),
})
export type KeyGroup = Static<typeof KeyGroup>

/** Algorithms that an issuer may sign with; HMAC is not among them, since an edge would hold what signs. */
export const JWT_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number]

/** A public key as RFC 7517 writes it. */
export const PublicJwk = Type.Object({
  kty: Type.Union([Type.Literal('RSA'), Type.Literal('EC'), Type.Literal('OKP')]),
  kid: Type.Optional(Type.String({ maxLength: 256 })),
  alg: Type.Optional(Type.String({ maxLength: 16 })),
  use: Type.Optional(Type.String({ maxLength: 16 })),
  crv: Type.Optional(Type.String({ maxLength: 16 })),
  n: Type.Optional(Type.String({ maxLength: 2048 })),
  e: Type.Optional(Type.String({ maxLength: 16 })),
  x: Type.Optional(Type.String({ maxLength: 128 })),
  y: Type.Optional(Type.String({ maxLength: 128 })),
})
export type PublicJwk = Static<typeof PublicJwk>

/** Somebody whose JSON Web Tokens open what a behaviour gates: who they are, whom they sign for, and with what. */
export const TrustedIssuer = Type.Object({
  id: Type.Unsafe<IssuerId>(Type.String({ minLength: 1, maxLength: 64 })),
  name: Type.String({ minLength: 1, maxLength: 128 }),
  /** `iss` and `aud` must be exactly these (RFC 7519 §4.1.1, §4.1.3). */
  issuer: Type.String({ minLength: 1, maxLength: 512 }),
  audience: Type.String({ minLength: 1, maxLength: 512 }),
  algorithms: Type.Array(Type.Union(JWT_ALGORITHMS.map(name => Type.Literal(name))), { minItems: 1 }),
  keys: Type.Union([
    Type.Object({ kind: Type.Literal('url'), url: Type.String({ pattern: '^https?://', maxLength: 2048 }) }),
    Type.Object({ kind: Type.Literal('inline'), keys: Type.Array(PublicJwk, { minItems: 1, maxItems: 32 }) }),
  ]),
  /** The claim that lists path globs: `["/members/talk/*"]`. */
  claim: Type.String({ minLength: 1, maxLength: 256 }),
  /** The cookie that may carry the token. */
  cookie: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
})
export interface TrustedIssuer {
  id: IssuerId
  name: string
  issuer: string
  audience: string
  algorithms: JwtAlgorithm[]
  keys: { kind: 'url'; url: string } | { kind: 'inline'; keys: PublicJwk[] }
  claim: string
  cookie: string
}

/** Which of several things: none, all, those named, or all but those named. Names keep their case. */
export const Named = Type.Union([
  Type.Literal('none'),
  Type.Literal('all'),
  Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 64 }),
  Type.Object({
    except: Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 64 }),
  }),
])
export type Named = Static<typeof Named>

/** Lifetimes in seconds between which the origin's word counts; `default` holds when it says nothing. */
export const Lifetimes = Type.Object({
  minimum: Type.Integer({ minimum: 0, maximum: 3_153_600_000 }),
  default: Type.Integer({ minimum: 0, maximum: 3_153_600_000 }),
  maximum: Type.Integer({ minimum: 0, maximum: 3_153_600_000 }),
})
export type Lifetimes = Static<typeof Lifetimes>

const PolicyName = Type.Unsafe<PolicyId>(Type.String({ minLength: 1, maxLength: 64 }))

export const Behaviour = Type.Object({
  /** `*` is any run of characters, `?` exactly one; a missing leading slash is understood. */
  pattern: Type.String({ minLength: 1, maxLength: 255 }),
  /** Of an origin or of an origin group. */
  originId: Type.String({ minLength: 1, maxLength: 128 }),
  /**
   * Only requests that carry a policy signed by a key of these groups or a token of one of these issuers; at least one
   * of either is named. Null is open to all.
   */
  gate: Type.Union([
    Type.Null(),
    Type.Object({
      keyGroups: Type.Array(Type.Unsafe<KeyGroupId>(Type.String({ minLength: 1 }))),
      issuers: Type.Array(Type.Unsafe<IssuerId>(Type.String({ minLength: 1 }))),
    }),
  ]),
  /** `define`: playlists hand a signed query on to what they name, by `EXT-X-DEFINE:QUERYPARAM` (rfc8216bis §4.4.2.3). */
  carry: Type.Union([Type.Literal('none'), Type.Literal('define')]),
  ttl: Lifetimes,
  viewerProtocol: Type.Union([
    Type.Literal('allow-all'),
    Type.Literal('redirect-to-https'),
    Type.Literal('https-only'),
  ]),
  /** Which query parameters enter the cache key and go to the origin. Signing parameters never do. */
  query: Named,
  /** Request header fields that enter the cache key and go to the origin, lower case; no other of a viewer's does. */
  headers: Type.Array(Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$" }), { maxItems: 16 }),
  /**
   * Further header fields of a viewer that go to the origin and are not keyed; `all` are those that may travel on,
   * Cookie aside. An answer that varies on one is kept once for each of its values (RFC 9111 §4.1).
   */
  forward: Named,
  /**
   * Which cookies go to the origin unkeyed, never those that are grants. Set-Cookie comes back where any cookie may go,
   * keyed or not.
   */
  cookies: Named,
  /** Cookies that enter the cache key and go to the origin; none when left out. */
  keyedCookies: Type.Optional(Named),
  /** Query parameters that go to the origin beside the keyed ones and are not keyed; none when left out. */
  forwardQuery: Type.Optional(Named),
  /** The Host that an HTTP origin is told: its own when left out. The viewer's is part of the cache key then. */
  host: Type.Optional(Type.Union([Type.Literal('origin'), Type.Literal('viewer')])),
  /**
   * Fields that the edge itself writes of a viewer for the origin, not keyed, in lower case: `cloudfront-viewer-country`.
   * Those that are keyed stand in `headers`.
   */
  told: Type.Optional(Type.Array(Type.String({ pattern: '^cloudfront-[a-z0-9-]{1,64}$' }), { maxItems: 64 })),
  /**
   * Codings that are offered to the origin where the viewer takes them, the first first; its answer is kept once for
   * each that it sends (CloudFront's EnableAcceptEncodingGzip and -Brotli). Left out: `compress` decides alone.
   */
  acceptEncoding: Type.Optional(
    Type.Array(Type.Union([Type.Literal('br'), Type.Literal('gzip')]), { maxItems: 2 }),
  ),
  /**
   * `get` is GET and HEAD; `read` adds OPTIONS; `all` adds every other but CONNECT and TRACE; they go to the origin and
   * are never kept.
   */
  methods: Type.Union([Type.Literal('get'), Type.Literal('read'), Type.Literal('all')]),
  /** Whether an origin's answers to OPTIONS are kept; false when left out. */
  keepOptions: Type.Optional(Type.Boolean()),
  /** What is taken from and added to answers on their way to viewers. */
  responseHeaders: Type.Optional(ResponseHeaders),
  /** Ids of the policies that said what the fields above are; changed with them. */
  policies: Type.Optional(
    Type.Object({
      cache: Type.Optional(PolicyName),
      originRequest: Type.Optional(PolicyName),
      responseHeaders: Type.Optional(PolicyName),
    }),
  ),
  /** Texts and playlists go compressed to viewers that accept it. */
  compress: Type.Boolean(),
  /** Origins beyond same-site and localhost that may read gated answers with credentials (SEAMS 11). */
  corsOrigins: Type.Array(Type.String()),
  /** What is run for a request, one function for each event at most. */
  functions: Type.Optional(Type.Array(Type.Unsafe<FunctionUse>(FunctionUse), { maxItems: 5 })),
  /** By which form fields are encrypted on their way to the origin. */
  encryption: Type.Optional(Type.Unsafe<EncryptionId>(Type.String({ minLength: 1, maxLength: 64 }))),
})
export type Behaviour = Static<typeof Behaviour>

export const ErrorRule = Type.Object({
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  /** How long such errors of an origin are kept at least, in seconds; as those without a rule when left out. */
  ttl: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_153_600_000 })),
  /** Canonical path of what viewers are shown in their place. */
  page: Type.Optional(Type.String({ pattern: '^/', maxLength: 4000 })),
  /** The status that the page is sent with, 200 or one of an error; that of the error when left out. */
  respondWith: Type.Optional(Type.Integer({ minimum: 200, maximum: 599 })),
})
export type ErrorRule = Static<typeof ErrorRule>

export const Distribution = Type.Object({
  id: Type.Unsafe<DistributionId>(Type.String({ pattern: '^E[A-Z0-9]{5,40}$' })),
  /** `<id>.cdn.localhost`, lower case; the suffix is a setting. */
  domain: Type.String({ minLength: 1, maxLength: 253 }),
  aliases: Type.Array(Type.String({ minLength: 1, maxLength: 253 })),
  enabled: Type.Boolean(),
  comment: Type.String({ maxLength: 128 }),
  origins: Type.Array(Origin, { minItems: 1 }),
  /** Left out where there are none. No id is an origin's. */
  originGroups: Type.Optional(Type.Array(Type.Unsafe<OriginGroup>(OriginGroup), { maxItems: 100 })),
  /** In order; the first whose pattern matches wins; the last is `*`. */
  behaviours: Type.Array(Behaviour, { minItems: 1 }),
  /** By status, what is special about errors. */
  errors: Type.Array(ErrorRule, { maxItems: 64 }),
  /** What `/` alone shows, without the slash before it: `index.html`. */
  defaultRoot: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  /** From which countries viewers are let in, by the country file of the edge (ISO 3166-1 alpha-2, capitals). */
  geo: Type.Optional(
    Type.Object({
      mode: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
      countries: Type.Array(Type.String({ pattern: '^[A-Z]{2}$' }), { minItems: 1, maxItems: 300 }),
    }),
  ),
  /** The least version of TLS that viewers of its names may speak; 1.2 when left out. */
  minimumTls: Type.Optional(Type.Union([Type.Literal('1.2'), Type.Literal('1.3')])),
  /** The newest version of HTTP that viewers of its names are offered; 2 when left out. */
  http: Type.Optional(Type.Union([Type.Literal('1.1'), Type.Literal('2')])),
  /** The name of the certificate that its names show, where edges have one of this name. */
  certificate: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  /**
   * Which edges viewers are sent to, where some of those are there: of this label or a cheaper one (CloudFront's
   * PriceClass). All of them when left out.
   */
  priceClass: Type.Optional(Type.Union([Type.Literal('100'), Type.Literal('200'), Type.Literal('all')])),
  /** Whether players are told where else a playlist's files are, so that they move on in mid-stream; false when left out. */
  steering: Type.Optional(Type.Boolean()),
  /** What edges write down of a request beyond what they write of all; nothing more when left out. */
  logs: Type.Optional(
    Type.Object({
      /** Whether cookies are written, less those that are grants. */
      cookies: Type.Boolean(),
    }),
  ),
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
  /** The origin that has it; without one it is the first of those that `rendezvous` names. */
  owner: Type.Optional(Type.Unsafe<NodeId>(Type.String({ minLength: 1 }))),
})
export type Channel = Static<typeof Channel>

/**
 * A part of a behaviour under a name, so that many behaviours say the same by it. Each kind says what the fields of its
 * own are, all of them; the behaviours that name it follow when it changes.
 */
export const CachePolicy = Type.Object({
  kind: Type.Literal('cache'),
  ttl: Behaviour.properties.ttl,
  query: Behaviour.properties.query,
  headers: Behaviour.properties.headers,
  keyedCookies: Named,
  acceptEncoding: Type.Array(Type.Union([Type.Literal('br'), Type.Literal('gzip')]), { maxItems: 2 }),
})
export type CachePolicy = Static<typeof CachePolicy>

export const OriginRequestPolicy = Type.Object({
  kind: Type.Literal('origin-request'),
  forward: Behaviour.properties.forward,
  cookies: Behaviour.properties.cookies,
  forwardQuery: Named,
  host: Type.Union([Type.Literal('origin'), Type.Literal('viewer')]),
  told: Type.Array(Type.String({ pattern: '^cloudfront-[a-z0-9-]{1,64}$' }), { maxItems: 64 }),
})
export type OriginRequestPolicy = Static<typeof OriginRequestPolicy>

export const ResponseHeadersPolicy = Type.Object({
  kind: Type.Literal('response-headers'),
  responseHeaders: ResponseHeaders,
})
export type ResponseHeadersPolicy = Static<typeof ResponseHeadersPolicy>

export const Policy = Type.Object({
  id: PolicyName,
  name: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,128}$' }),
  comment: Type.String({ maxLength: 128 }),
  says: Type.Union([CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy]),
})
export type Policy = Static<typeof Policy>

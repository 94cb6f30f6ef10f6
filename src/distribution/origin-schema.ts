import { Type, type OriginAccessId, type Static } from '../core/index.ts'

export const BucketCredentials = Type.Object({
  accessKeyId: Type.String({ minLength: 1, maxLength: 256 }),
  secretAccessKey: Type.String({ minLength: 1, maxLength: 1024 }),
  /** Of temporary credentials. */
  sessionToken: Type.Optional(Type.String({ minLength: 1, maxLength: 8192 })),
})
export type BucketCredentials = Static<typeof BucketCredentials>

/**
 * How nodes prove to a bucket that they may read it. An access control (CloudFront's OAC) signs always, never, or
 * unless the viewer did; an access identity (OAI) always signs. It holds a secret: only nodes that talk to buckets
 * are given it, and no API tells it.
 */
export const OriginAccess = Type.Object({
  id: Type.Unsafe<OriginAccessId>(Type.String({ minLength: 1, maxLength: 64 })),
  name: Type.String({ minLength: 1, maxLength: 64 }),
  kind: Type.Union([Type.Literal('control'), Type.Literal('identity')]),
  signing: Type.Union([Type.Literal('always'), Type.Literal('never'), Type.Literal('no-override')]),
  /** Null with `never` only. */
  credentials: Type.Union([Type.Null(), BucketCredentials]),
})
export type OriginAccess = Static<typeof OriginAccess>

const OriginName = Type.String({ minLength: 1, maxLength: 128 })
/** Scheme, host, perhaps a port and a path prefix; no credentials, query or fragment. */
const OriginUrl = Type.String({ pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$', maxLength: 2048 })

/** The origin role of this CDN: assets and channels. */
export const BuiltInOrigin = Type.Object({ id: OriginName, kind: Type.Literal('built-in') })
export type BuiltInOrigin = Static<typeof BuiltInOrigin>

/** Any HTTP server. Its secret headers stand in place of a viewer's of the same name and are told to nobody else. */
export const HttpOrigin = Type.Object({
  id: OriginName,
  kind: Type.Literal('http'),
  /** `https://site.example` or `http://10.0.0.5:8081/prefix`. */
  url: OriginUrl,
  headers: Type.Array(
    Type.Object({
      name: Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$" }),
      value: Type.String({ minLength: 1, maxLength: 2048 }),
    }),
    { maxItems: 32 },
  ),
  /** `match-viewer`: the viewer's scheme in place of the URL's, at `httpPort` or `httpsPort`. */
  protocol: Type.Union([Type.Literal('as-url'), Type.Literal('match-viewer')]),
  httpPort: Type.Integer({ minimum: 1, maximum: 65_535 }),
  httpsPort: Type.Integer({ minimum: 1, maximum: 65_535 }),
  /** Connections that are tried before the origin counts as away, and seconds that each may take. */
  attempts: Type.Integer({ minimum: 1, maximum: 3 }),
  connectTimeout: Type.Integer({ minimum: 1, maximum: 10 }),
  /** Seconds until the head of an answer is there, and at most between two pieces of its body. */
  responseTimeout: Type.Integer({ minimum: 1, maximum: 180 }),
  /** Seconds that a connection is kept without a request. */
  keepAlive: Type.Integer({ minimum: 1, maximum: 120 }),
  /** Versions of TLS that may be spoken with it; whatever both can when left out. */
  tls: Type.Optional(
    Type.Array(Type.Union([Type.Literal('1.2'), Type.Literal('1.3')]), { minItems: 1, maxItems: 2 }),
  ),
  /** The place whose regional caches are asked first for what lies there; any when left out. */
  shield: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
})
export type HttpOrigin = Static<typeof HttpOrigin>

/** A bucket of an S3-compatible store. */
export const S3Origin = Type.Object({
  id: OriginName,
  kind: Type.Literal('s3'),
  /** Of the store, without the bucket: `https://s3.eu-central-1.amazonaws.com`, `http://minio.internal:9000`. */
  endpoint: OriginUrl,
  bucket: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$' }),
  region: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }),
  /** `path` is `/bucket/key`, as most self-hosted stores want it; `host` is `bucket.endpoint/key`. */
  addressing: Type.Union([Type.Literal('path'), Type.Literal('host')]),
  /** Put before every key: `/site` or empty. */
  path: Type.String({ pattern: '^(/[^\\s?#]*[^\\s?#/])?$', maxLength: 512 }),
  /** Null: nothing is signed, the bucket is public. */
  access: Type.Union([Type.Null(), Type.Unsafe<OriginAccessId>(Type.String({ minLength: 1 }))]),
  /** As of an HTTP origin. */
  shield: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
})
export type S3Origin = Static<typeof S3Origin>

/** Where objects come from. */
export const Origin = Type.Union([BuiltInOrigin, HttpOrigin, S3Origin])
export type Origin = Static<typeof Origin>

/** Statuses that a group may pass on to its second member (CloudFront, "Failover criteria"). */
export const FAILOVER_STATUSES = [400, 403, 404, 416, 429, 500, 502, 503, 504] as const

/**
 * Two origins, named like one: what the first cannot be asked, or answers with one of these statuses, the second is
 * asked. For GET, HEAD and OPTIONS; other methods go to the first alone.
 */
export const OriginGroup = Type.Object({
  id: OriginName,
  /** Ids of origins, first and second. */
  members: Type.Array(OriginName, { minItems: 2, maxItems: 2 }),
  statuses: Type.Array(Type.Union(FAILOVER_STATUSES.map(status => Type.Literal(status)))),
})
export interface OriginGroup {
  id: string
  members: string[]
  statuses: number[]
}

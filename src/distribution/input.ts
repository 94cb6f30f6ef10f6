import { Type, type Static } from '../core/index.ts'
import { ResponseHeadersInput } from './response-headers-input.ts'
import { FUNCTION_EVENTS, Named, type FunctionEvent } from './schema.ts'

/**
 * A distribution as people write it, in a request, a file or on the command line. Everything but an origin has a
 * default, key groups, issuers and accesses may be called by name or by id, and what `distribution show --json` prints
 * is good input again. What is stored and followed by nodes is `Distribution`, made of it by `settleDistribution`.
 */
const Name = Type.String({ minLength: 1, maxLength: 128 })

export const OriginInput = Type.Object(
  {
    /** The host of the URL, the bucket, or `built-in` when left out. */
    id: Type.Optional(Name),
    /** Told from `url` or `bucket` when left out. */
    kind: Type.Optional(Type.Union([Type.Literal('built-in'), Type.Literal('http'), Type.Literal('s3')])),
    /** Of an HTTP server: scheme, host, perhaps a port and a path prefix. */
    url: Type.Optional(Type.String({ maxLength: 2048 })),
    /** Told to an HTTP origin with each request and to nobody else. */
    headers: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ maxLength: 128 }),
            /** Null or left out: as it is stored. */
            value: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 2048 })])),
          },
          { additionalProperties: false },
        ),
        { maxItems: 32 },
      ),
    ),
    protocol: Type.Optional(Type.Union([Type.Literal('as-url'), Type.Literal('match-viewer')])),
    /** 80 and 443 when left out, or the URL's; they count with `match-viewer` only. */
    httpPort: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    httpsPort: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    /** 3, 10 s, 30 s and 5 s when left out, as CloudFront has them. */
    attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 3 })),
    connectTimeout: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
    responseTimeout: Type.Optional(Type.Integer({ minimum: 1, maximum: 180 })),
    keepAlive: Type.Optional(Type.Integer({ minimum: 1, maximum: 120 })),
    /** Versions of TLS that may be spoken with an HTTP origin; both when left out. */
    tls: Type.Optional(
      Type.Array(Type.Union([Type.Literal('1.2'), Type.Literal('1.3')]), { minItems: 1, maxItems: 2 }),
    ),
    /** The place whose regional caches are asked first, of an HTTP origin or a bucket. */
    shield: Type.Optional(Type.String({ maxLength: 64 })),
    /** Of an S3-compatible store, without the bucket; Amazon's of the region when left out. */
    endpoint: Type.Optional(Type.String({ maxLength: 2048 })),
    bucket: Type.Optional(Type.String({ maxLength: 64 })),
    /** `us-east-1` when left out. */
    region: Type.Optional(Type.String({ maxLength: 64 })),
    /** `host` for Amazon's endpoints, `path` for all others when left out. */
    addressing: Type.Optional(Type.Union([Type.Literal('path'), Type.Literal('host')])),
    /** Put before every key. */
    path: Type.Optional(Type.String({ maxLength: 512 })),
    /** An origin access by name or id; null: the bucket is public. */
    access: Type.Optional(Type.Union([Type.Null(), Name])),
  },
  { additionalProperties: false },
)
export type OriginInput = Static<typeof OriginInput>

const UseInput = Type.Object(
  {
    event: Type.Unsafe<FunctionEvent>(Type.Union(FUNCTION_EVENTS.map(each => Type.Literal(each)))),
    /** By name, of Lambda@Edge with the number of the version: `name:3`. */
    function: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}(?::[0-9]{1,9})?$' }),
    /** Of requests at Lambda@Edge: whether it sees their bodies; false when left out. */
    body: Type.Optional(Type.Boolean()),
    /** At `playlist-response`: before a playlist is stored, or for each request; `stored` when left out. */
    when: Type.Optional(Type.Union([Type.Literal('stored'), Type.Literal('asked')])),
  },
  { additionalProperties: false },
)

const Seconds = Type.Integer({ minimum: 0, maximum: 3_153_600_000 })

export const BehaviourInput = Type.Object(
  {
    pattern: Type.String({ maxLength: 255 }),
    /** An origin or an origin group; the first origin when left out. */
    originId: Type.Optional(Name),
    /** Key groups and issuers by name or id. */
    gate: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.Object(
          {
            keyGroups: Type.Optional(Type.Array(Name, { maxItems: 32 })),
            issuers: Type.Optional(Type.Array(Name, { maxItems: 32 })),
          },
          { additionalProperties: false },
        ),
      ]),
    ),
    carry: Type.Optional(Type.Union([Type.Literal('none'), Type.Literal('define')])),
    ttl: Type.Optional(
      Type.Object(
        {
          minimum: Type.Optional(Seconds),
          default: Type.Optional(Seconds),
          maximum: Type.Optional(Seconds),
        },
        { additionalProperties: false },
      ),
    ),
    viewerProtocol: Type.Optional(
      Type.Union([Type.Literal('allow-all'), Type.Literal('redirect-to-https'), Type.Literal('https-only')]),
    ),
    query: Type.Optional(Named),
    headers: Type.Optional(Type.Array(Type.String({ maxLength: 128 }), { maxItems: 16 })),
    /**
     * `all` before an HTTP origin, `none` before others when left out; so are `query`, and `cookies` without a gate.
     * Where a cache or an origin request policy is named they are `none`.
     */
    forward: Type.Optional(Named),
    cookies: Type.Optional(Named),
    /** None when left out; so is the next. */
    keyedCookies: Type.Optional(Named),
    forwardQuery: Type.Optional(Named),
    /** `origin` when left out. */
    host: Type.Optional(Type.Union([Type.Literal('origin'), Type.Literal('viewer')])),
    /** Fields that the edge writes of a viewer, `CloudFront-Viewer-Country`; those that are keyed stand in `headers`. */
    told: Type.Optional(Type.Array(Type.String({ maxLength: 128 }), { maxItems: 64 })),
    /** As `compress` has it when left out. */
    acceptEncoding: Type.Optional(
      Type.Array(Type.Union([Type.Literal('br'), Type.Literal('gzip')]), { maxItems: 2 }),
    ),
    /** `all` before an HTTP origin, `read` before others when left out. */
    methods: Type.Optional(Type.Union([Type.Literal('get'), Type.Literal('read'), Type.Literal('all')])),
    /** False when left out. */
    keepOptions: Type.Optional(Type.Boolean()),
    responseHeaders: Type.Optional(ResponseHeadersInput),
    /**
     * Policies by name or id. What they say may be left out, or stand here as they say it or as it was stored; anything
     * else is refused.
     */
    policies: Type.Optional(
      Type.Object(
        {
          cache: Type.Optional(Name),
          originRequest: Type.Optional(Name),
          responseHeaders: Type.Optional(Name),
        },
        { additionalProperties: false },
      ),
    ),
    /** True when left out. */
    compress: Type.Optional(Type.Boolean()),
    corsOrigins: Type.Optional(Type.Array(Type.String({ maxLength: 512 }), { maxItems: 64 })),
    /** What is run for a request, one function for each event at most. */
    functions: Type.Optional(Type.Array(UseInput, { maxItems: 16 })),
    /** The id of a configuration of field-level encryption; null: none. */
    encryption: Type.Optional(Type.Union([Type.Null(), Type.String({ minLength: 1, maxLength: 64 })])),
  },
  { additionalProperties: false },
)
export type BehaviourInput = Static<typeof BehaviourInput>

export const OriginGroupInput = Type.Object(
  {
    id: Name,
    /** The first two origins when left out. */
    members: Type.Optional(Type.Array(Name, { maxItems: 2 })),
    /** 500, 502, 503 and 504 when left out; whatever they are, an origin that cannot be asked counts as failed. */
    statuses: Type.Optional(Type.Array(Type.Integer({ minimum: 400, maximum: 599 }), { maxItems: 16 })),
  },
  { additionalProperties: false },
)
export type OriginGroupInput = Static<typeof OriginGroupInput>

export const ErrorInput = Type.Object(
  {
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    /** As without a rule when left out: 10 s, or not at all. */
    ttl: Type.Optional(Seconds),
    /** A path of this distribution; null: none. */
    page: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 4000 })])),
    /** That of the error when left out or null. */
    respondWith: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 200, maximum: 599 })])),
  },
  { additionalProperties: false },
)
export type ErrorInput = Static<typeof ErrorInput>

export const DistributionInput = Type.Object(
  {
    /** Of the distribution that is replaced; a new one gets its own, whatever stands here. */
    id: Type.Optional(Type.String({ maxLength: 64 })),
    domain: Type.Optional(Type.String({ maxLength: 253 })),
    fallback: Type.Optional(Type.Boolean()),
    /** What a configuration file calls it; told, and nothing to choose. */
    file: Type.Optional(Type.String({ maxLength: 64 })),
    /** Host names beside its own domain; every other distribution's must differ. */
    aliases: Type.Optional(Type.Array(Type.String({ maxLength: 253 }), { maxItems: 100 })),
    enabled: Type.Optional(Type.Boolean()),
    comment: Type.Optional(Type.String({ maxLength: 128 })),
    /** Short for one HTTP origin: its URL. */
    origin: Type.Optional(Type.String({ maxLength: 2048 })),
    origins: Type.Optional(Type.Array(OriginInput, { minItems: 1, maxItems: 100 })),
    /** Two origins each, of which the second is asked where the first fails. */
    originGroups: Type.Optional(Type.Array(OriginGroupInput, { maxItems: 100 })),
    /** One `*` on the first origin, open to all, when left out. */
    behaviours: Type.Optional(Type.Array(BehaviourInput, { minItems: 1, maxItems: 100 })),
    /** By status, how long errors are kept at least, and what is shown in their place. */
    errors: Type.Optional(Type.Array(ErrorInput, { maxItems: 64 })),
    /** What `/` alone shows; empty: what the origin has there. */
    defaultRoot: Type.Optional(Type.String({ maxLength: 255 })),
    /** Everywhere when left out. */
    geo: Type.Optional(
      Type.Object(
        {
          mode: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
          countries: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 300 }),
        },
        { additionalProperties: false },
      ),
    ),
    /** 1.2 when left out. */
    minimumTls: Type.Optional(Type.Union([Type.Literal('1.2'), Type.Literal('1.3')])),
    /** 2 when left out. */
    http: Type.Optional(Type.Union([Type.Literal('1.1'), Type.Literal('2')])),
    /** The name of a certificate at the edges; chosen by the names that stand in it when left out. */
    certificate: Type.Optional(Type.String({ maxLength: 128 })),
    /** Which edges viewers are sent to; `all` when left out. */
    priceClass: Type.Optional(Type.Union([Type.Literal('100'), Type.Literal('200'), Type.Literal('all')])),
    /** Whether players are told where else a playlist's files are; false when left out. */
    steering: Type.Optional(Type.Boolean()),
    /** Lines of edges hold what CloudFront's logs have, with cookies where that is said; as of all when left out or null. */
    logs: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.Object({ cookies: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
      ]),
    ),
  },
  { additionalProperties: false },
)
export type DistributionInput = Static<typeof DistributionInput>

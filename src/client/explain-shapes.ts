import { Type, type DistributionId, type Static, type TSchema } from '../core/index.ts'

/** What somebody asks about: a request as a viewer or an encoder would send it. What it carries is never told back. */
export const ExplainRequest = Type.Object(
  {
    /** Whole, with what is signed in it; `http`, `https`, `rtmp` or `rtmps`. */
    url: Type.String({ minLength: 1, maxLength: 16_384 }),
    /** The value of the Cookie header. */
    cookie: Type.Optional(Type.String({ maxLength: 32_768 })),
    /** The value of the Authorization header. */
    authorization: Type.Optional(Type.String({ maxLength: 32_768 })),
    /** The viewer's own address; without it a condition on addresses is `unknown`. */
    address: Type.Optional(Type.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
)
export type ExplainRequest = Static<typeof ExplainRequest>

/** One condition; `detail` is a sentence and holds no secret. */
export const ExplainedCheck = Type.Object({
  check: Type.String(),
  verdict: Type.Union([Type.Literal('holds'), Type.Literal('fails'), Type.Literal('unknown')]),
  detail: Type.String(),
})
export type ExplainedCheck = Static<typeof ExplainedCheck>

export const ExplainedBehaviour = Type.Object({
  pattern: Type.String(),
  /** Whether its pattern matches the path; of those that do, the first is asked. */
  matches: Type.Boolean(),
  chosen: Type.Boolean(),
  gated: Type.Boolean(),
})
export type ExplainedBehaviour = Static<typeof ExplainedBehaviour>

const Nullable = <S extends TSchema>(schema: S) => Type.Union([Type.Null(), schema])

/** What an edge or a gateway that has the newest configuration says to a request, and why. */
export const Explanation = Type.Object({
  /** Control's. */
  clock: Type.String({ format: 'date-time' }),
  /** As asked, without what lets in. */
  url: Type.String(),
  action: Type.Union([Type.Literal('view'), Type.Literal('publish')]),
  /** `unknown` where something could not be checked here; the checks name it. */
  verdict: Type.Union([
    Type.Literal('allowed'),
    Type.Literal('redirected'),
    Type.Literal('refused'),
    Type.Literal('unknown'),
  ]),
  /** The word of `X-Sluice-Reason`; null unless refused. */
  reason: Nullable(Type.String()),
  detail: Type.String(),
  /** Null for RTMP, and where no distribution answers to the name. */
  distribution: Nullable(
    Type.Object({
      id: Type.Unsafe<DistributionId>(Type.String()),
      domain: Type.String(),
      by: Type.Union([Type.Literal('name'), Type.Literal('fallback')]),
    }),
  ),
  path: Type.Object({
    /** Without query and path token; null when it cannot be made canonical. */
    canonical: Nullable(Type.String()),
    bad: Nullable(Type.String()),
  }),
  /** In their order. */
  behaviours: Type.Array(ExplainedBehaviour),
  /** Of RTMP. */
  channel: Nullable(Type.Object({ path: Type.String(), exists: Type.Boolean() })),
  /** Whose grants count; null where everybody may read. */
  gate: Nullable(
    Type.Object({
      keyGroups: Type.Array(Type.Object({ name: Type.String(), keys: Type.Array(Type.String()) })),
      issuers: Type.Array(Type.Object({ name: Type.String(), issuer: Type.String(), cookie: Type.String() })),
    }),
  ),
  /** What of the request counts as the grant; null when it carries none. */
  carrier: Nullable(
    Type.Object({
      via: Type.Union([
        Type.Literal('query'),
        Type.Literal('path'),
        Type.Literal('cookie'),
        Type.Literal('authorization'),
      ]),
      kind: Type.Union([Type.Literal('custom'), Type.Literal('canned'), Type.Literal('token')]),
      /** `either` is SHA-256, then SHA-1. Null for tokens. */
      hash: Nullable(Type.Union([Type.Literal('sha1'), Type.Literal('sha256'), Type.Literal('either')])),
    }),
  ),
  /** The key that is named, its name and groups null and empty when nobody knows it. */
  key: Nullable(
    Type.Object({ id: Type.String(), name: Nullable(Type.String()), groups: Type.Array(Type.String()) }),
  ),
  /** The decoded policy; null when there is none or it cannot be read. */
  policy: Type.Unknown(),
  /** Of a JSON Web Token: what stands in it and decides. */
  token: Nullable(
    Type.Object({
      algorithm: Nullable(Type.String()),
      keyId: Nullable(Type.String()),
      /** Of the issuers that the behaviour trusts; null when none is meant. */
      trustedIssuer: Nullable(Type.String()),
      claims: Type.Record(Type.String(), Type.Unknown()),
    }),
  ),
  checks: Type.Array(ExplainedCheck),
  /** What the object is stored under: viewers with the same of all these get the same bytes. */
  cache: Nullable(
    Type.Object({
      distribution: Type.String(),
      path: Type.String(),
      query: Type.String(),
      /** Names of request header fields of which the values count too. */
      headers: Type.Array(Type.String()),
    }),
  ),
})
export type Explanation = Static<typeof Explanation>

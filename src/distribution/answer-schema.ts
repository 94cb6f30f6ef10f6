import { Type, type Static } from '../core/index.ts'

const FieldName = Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$" })
const FieldValue = Type.String({ maxLength: 2048 })

/** Who may read answers from other pages (Fetch, "CORS protocol"). */
export const Cors = Type.Object({
  /** `*`, or origins as browsers write them, of which the first label may be `*`. */
  origins: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { minItems: 1, maxItems: 64 }),
  credentials: Type.Boolean(),
  /** `*` or names. */
  headers: Type.Array(FieldName, { minItems: 1, maxItems: 64 }),
  methods: Type.Array(
    Type.Union(
      (['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE', 'ALL'] as const).map(each =>
        Type.Literal(each),
      ),
    ),
    { minItems: 1, maxItems: 8 },
  ),
  expose: Type.Array(FieldName, { maxItems: 64 }),
  /** Seconds that a browser keeps a preflight's answer. */
  maxAge: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647 })),
  /** Whether these stand in place of what the origin says of it. */
  override: Type.Boolean(),
})
export interface Cors {
  origins: string[]
  credentials: boolean
  headers: string[]
  methods: ('GET' | 'HEAD' | 'OPTIONS' | 'PUT' | 'POST' | 'PATCH' | 'DELETE' | 'ALL')[]
  expose: string[]
  maxAge?: number
  override: boolean
}

/** What is taken from answers first, and added then (CloudFront, "Understanding response headers policies"). */
export const ResponseHeaders = Type.Object({
  cors: Type.Optional(Type.Unsafe<Cors>(Cors)),
  security: Type.Optional(
    Type.Object({
      contentSecurityPolicy: Type.Optional(Type.Object({ value: FieldValue, override: Type.Boolean() })),
      /** `X-Content-Type-Options: nosniff` */
      contentTypeOptions: Type.Optional(Type.Object({ override: Type.Boolean() })),
      frameOptions: Type.Optional(
        Type.Object({
          value: Type.Union([Type.Literal('DENY'), Type.Literal('SAMEORIGIN')]),
          override: Type.Boolean(),
        }),
      ),
      referrerPolicy: Type.Optional(Type.Object({ value: FieldValue, override: Type.Boolean() })),
      strictTransportSecurity: Type.Optional(
        Type.Object({
          maxAge: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
          includeSubdomains: Type.Boolean(),
          preload: Type.Boolean(),
          override: Type.Boolean(),
        }),
      ),
      xssProtection: Type.Optional(
        Type.Object({
          protection: Type.Boolean(),
          modeBlock: Type.Boolean(),
          reportUri: Type.Optional(FieldValue),
          override: Type.Boolean(),
        }),
      ),
    }),
  ),
  custom: Type.Array(Type.Object({ name: FieldName, value: FieldValue, override: Type.Boolean() }), {
    maxItems: 64,
  }),
  remove: Type.Array(FieldName, { maxItems: 64 }),
  /** Of how many answers in a hundred `Server-Timing` tells how they came about. */
  serverTiming: Type.Optional(Type.Object({ samplingRate: Type.Number({ minimum: 0, maximum: 100 }) })),
})
export type ResponseHeaders = Static<typeof ResponseHeaders>

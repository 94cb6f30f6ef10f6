import { Type, type Static } from '../core/index.ts'
import type { Cors, ResponseHeaders } from './schema.ts'

const STRICT = { additionalProperties: false }
/** Whether it stands in place of what the origin says; true when left out. */
const Override = Type.Optional(Type.Boolean())
const FieldName = Type.String({ maxLength: 128 })
const FieldNames = Type.Array(FieldName, { maxItems: 64 })
const FieldValue = Type.String({ maxLength: 2048 })
const Seconds = Type.Integer({ minimum: 0, maximum: 2_147_483_647 })

export const CorsInput = Type.Object(
  {
    /** `*`, or origins as browsers write them, of which the first label may be `*`. */
    origins: Type.Array(Type.String({ maxLength: 512 }), { minItems: 1, maxItems: 64 }),
    /** False when left out. */
    credentials: Type.Optional(Type.Boolean()),
    /** `*` when left out. */
    headers: Type.Optional(Type.Array(FieldName, { minItems: 1, maxItems: 64 })),
    /** GET, HEAD and OPTIONS when left out. */
    methods: Type.Optional(
      Type.Array(
        Type.Union(
          (['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE', 'ALL'] as const).map(each =>
            Type.Literal(each),
          ),
        ),
        { minItems: 1, maxItems: 8 },
      ),
    ),
    expose: Type.Optional(FieldNames),
    maxAge: Type.Optional(Seconds),
    override: Override,
  },
  STRICT,
)
export interface CorsInput extends Partial<Cors> {
  origins: string[]
}

const Text = Type.Optional(Type.Object({ value: FieldValue, override: Override }, STRICT))

export const SecurityInput = Type.Object(
  {
    contentSecurityPolicy: Text,
    contentTypeOptions: Type.Optional(Type.Object({ override: Override }, STRICT)),
    frameOptions: Type.Optional(
      Type.Object(
        { value: Type.Union([Type.Literal('DENY'), Type.Literal('SAMEORIGIN')]), override: Override },
        STRICT,
      ),
    ),
    referrerPolicy: Text,
    strictTransportSecurity: Type.Optional(
      Type.Object(
        {
          maxAge: Seconds,
          /** False when left out; so is the next. */
          includeSubdomains: Type.Optional(Type.Boolean()),
          preload: Type.Optional(Type.Boolean()),
          override: Override,
        },
        STRICT,
      ),
    ),
    xssProtection: Type.Optional(
      Type.Object(
        {
          protection: Type.Boolean(),
          /** False when left out. */
          modeBlock: Type.Optional(Type.Boolean()),
          reportUri: Type.Optional(FieldValue),
          override: Override,
        },
        STRICT,
      ),
    ),
  },
  STRICT,
)
export type SecurityInput = Static<typeof SecurityInput>

/** What is taken from answers first, and added then, as people write it. */
export const ResponseHeadersInput = Type.Object(
  {
    cors: Type.Optional(Type.Unsafe<CorsInput>(CorsInput)),
    security: Type.Optional(SecurityInput),
    custom: Type.Optional(
      Type.Array(Type.Object({ name: FieldName, value: FieldValue, override: Override }, STRICT), {
        maxItems: 64,
      }),
    ),
    remove: Type.Optional(FieldNames),
    serverTiming: Type.Optional(
      Type.Object({ samplingRate: Type.Number({ minimum: 0, maximum: 100 }) }, STRICT),
    ),
  },
  STRICT,
)
export type ResponseHeadersInput = Static<typeof ResponseHeadersInput>

/** With its defaults, and every member at one place, so that two that say the same are written the same. */
export function completeResponseHeaders(input: ResponseHeadersInput): ResponseHeaders {
  const { cors, security = {}, custom = [], remove = [], serverTiming } = input
  const { contentSecurityPolicy: csp, contentTypeOptions, frameOptions, referrerPolicy } = security
  const { strictTransportSecurity: hsts, xssProtection: xss } = security
  const of = ({ override = true }: { override?: boolean }): { override: boolean } => ({ override })
  const completed: ResponseHeaders['security'] = {
    ...(csp && { contentSecurityPolicy: { value: csp.value, ...of(csp) } }),
    ...(contentTypeOptions && { contentTypeOptions: of(contentTypeOptions) }),
    ...(frameOptions && { frameOptions: { value: frameOptions.value, ...of(frameOptions) } }),
    ...(referrerPolicy && { referrerPolicy: { value: referrerPolicy.value, ...of(referrerPolicy) } }),
    ...(hsts && {
      strictTransportSecurity: {
        maxAge: hsts.maxAge,
        includeSubdomains: hsts.includeSubdomains ?? false,
        preload: hsts.preload ?? false,
        ...of(hsts),
      },
    }),
    ...(xss && {
      xssProtection: {
        protection: xss.protection,
        modeBlock: xss.modeBlock ?? false,
        ...(xss.reportUri !== undefined && { reportUri: xss.reportUri }),
        ...of(xss),
      },
    }),
  }
  return {
    ...(cors && { cors: completeCors(cors) }),
    ...(Object.keys(completed).length > 0 && { security: completed }),
    custom: custom.map(each => ({ name: each.name, value: each.value, ...of(each) })),
    remove: [...new Set(remove.map(name => name.toLowerCase()))],
    ...(serverTiming && { serverTiming: { samplingRate: serverTiming.samplingRate } }),
  }
}

function completeCors(input: CorsInput): Cors {
  return {
    origins: [...new Set(input.origins.map(each => each.toLowerCase()))],
    credentials: input.credentials ?? false,
    headers: once(input.headers ?? ['*']),
    methods: once(input.methods ?? ['GET', 'HEAD', 'OPTIONS']),
    expose: once(input.expose ?? []),
    ...(input.maxAge !== undefined && { maxAge: input.maxAge }),
    override: input.override ?? true,
  }
}

function once<T>(all: readonly T[]): T[] {
  return [...new Set(all)]
}

/** Whether there is nothing that it takes or adds. */
export function changesNothing({ cors, security, custom, remove, serverTiming }: ResponseHeaders): boolean {
  return (cors ?? security ?? serverTiming) === undefined && custom.length === 0 && remove.length === 0
}

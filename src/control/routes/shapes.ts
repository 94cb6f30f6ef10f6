import { Type } from '../../core/index.ts'

/** Seconds that an answer may be held back for. */
export const WaitSeconds = Type.Integer({ minimum: 0, maximum: 30 })

export const Wait = Type.Object({ wait: Type.Optional(WaitSeconds) })

/** Ids are letters, digits and dashes; anything else can be none. */
export const ById = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }) })

/** What people may also call by its name. */
export const ByIdOrName = Type.Object({
  id: Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$' }),
})

/** Exactly one asset or channel. */
export const AtPath = Type.Object({ path: Type.String({ maxLength: 1024 }) })

export const WithPrefix = Type.Object({
  prefix: Type.Optional(Type.String({ pattern: '^[!-~]*$', maxLength: 1024 })),
})

/** What a list is narrowed to; undefined is everything. */
export function prefixOf({ prefix }: { prefix?: string }): string | undefined {
  if (prefix === undefined || prefix === '/') return undefined
  return prefix.startsWith('/') ? prefix : `/${prefix}`
}

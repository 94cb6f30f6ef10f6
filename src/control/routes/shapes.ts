import { Type } from '../../core/index.ts'

/** Seconds that an answer may be held back for. */
export const WaitSeconds = Type.Integer({ minimum: 0, maximum: 30 })

export const Wait = Type.Object({ wait: Type.Optional(WaitSeconds) })

/** Ids are letters, digits and dashes; anything else can be none. */
export const ById = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }) })

import { Type, type Static } from '../core/index.ts'
import { JWT_ALGORITHMS } from './schema.ts'

/** An issuer of tokens as people write it; what is left out has a default. */
export const IssuerInput = Type.Object(
  {
    /** Of an issuer that is replaced; a new one gets its own. */
    id: Type.Optional(Type.String({ maxLength: 64 })),
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
    /** `iss` and `aud` of its tokens, exactly. */
    issuer: Type.String({ minLength: 1, maxLength: 512 }),
    audience: Type.String({ minLength: 1, maxLength: 512 }),
    /** All four when left out. */
    algorithms: Type.Optional(
      Type.Array(Type.Union(JWT_ALGORITHMS.map(name => Type.Literal(name))), { minItems: 1, maxItems: 4 }),
    ),
    /** Where its JSON Web Key Set is, or the keys of that set. */
    keys: Type.Union([
      Type.Object(
        { kind: Type.Literal('url'), url: Type.String({ maxLength: 2048 }) },
        { additionalProperties: false },
      ),
      Type.Object(
        {
          kind: Type.Literal('inline'),
          /** Public keys as RFC 7517 writes them; further members are not kept. */
          keys: Type.Array(Type.Object({ kty: Type.String({ maxLength: 16 }) }), {
            minItems: 1,
            maxItems: 32,
          }),
        },
        { additionalProperties: false },
      ),
    ]),
    /** The claim that lists path globs; `paths` when left out. */
    claim: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    /** The cookie that may carry its tokens; `sluice-token` when left out. */
    cookie: Type.Optional(Type.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
)
export type IssuerInput = Omit<Static<typeof IssuerInput>, 'algorithms'> & { algorithms?: string[] }

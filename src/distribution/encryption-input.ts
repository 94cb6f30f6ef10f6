import { Type, type Static } from '../core/index.ts'

const STRICT = { additionalProperties: false }
const Name = Type.String({ pattern: '^[A-Za-z0-9_.-]{1,128}$' })
const Comment = Type.Optional(Type.String({ maxLength: 128 }))
const Unknown = Type.Optional(Type.Union([Type.Literal('forward'), Type.Literal('reject')]))

/** Which fields of a form are encrypted, and for whom. */
export const EncryptionProfileInput = Type.Object(
  {
    /** Told, and nothing to choose; so is the name of its key. */
    id: Type.Optional(Type.String({ maxLength: 64 })),
    keyName: Type.Optional(Type.String({ maxLength: 128 })),
    /** No other profile has it, of whatever encryption. */
    name: Name,
    comment: Comment,
    /** A public key of `sluice keys` by id or name, RSA with 2048 bits. Who has its private half reads the fields. */
    key: Type.String({ minLength: 1, maxLength: 128 }),
    /** With the key's name it tells readers which key they need. */
    provider: Type.String({ maxLength: 128 }),
    /** Names of fields; `card*` is all that begin so. */
    patterns: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 64 }),
  },
  STRICT,
)
export type EncryptionProfileInput = Static<typeof EncryptionProfileInput>

/**
 * A field-level encryption as people write it, with its profiles; behaviours name it. CloudFront has both apart, so
 * profiles are called by name or id here, and one that is there already need not be written again. What
 * `encryption show --json` prints is good input again.
 */
export const EncryptionInput = Type.Object(
  {
    /** Of the one that is replaced; a new one gets its own, whatever stands here. */
    id: Type.Optional(Type.String({ maxLength: 64 })),
    name: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' }),
    comment: Comment,
    profiles: Type.Optional(Type.Array(EncryptionProfileInput, { maxItems: 10 })),
    /** What `fle-profile` in a query chooses. Requests that name anything else there are refused when left out. */
    byQuery: Type.Optional(
      Type.Object(
        {
          unknown: Unknown,
          profiles: Type.Optional(
            Type.Array(Type.Object({ argument: Type.String({ maxLength: 256 }), profile: Name }, STRICT), {
              maxItems: 64,
            }),
          ),
        },
        STRICT,
      ),
    ),
    /** What forms have otherwise. Bodies of another type are refused when left out. */
    byContentType: Type.Optional(
      Type.Object(
        {
          unknown: Unknown,
          profiles: Type.Optional(
            Type.Array(
              Type.Object(
                {
                  contentType: Type.Optional(Type.Literal('application/x-www-form-urlencoded')),
                  /** None when left out: forms go on as they are, unless their query names one. */
                  profile: Type.Optional(Name),
                },
                STRICT,
              ),
              { maxItems: 1 },
            ),
          ),
        },
        STRICT,
      ),
    ),
  },
  STRICT,
)
export type EncryptionInput = Static<typeof EncryptionInput>

import { Type, type EncryptionId, type EncryptionProfileId, type KeyId, type Static } from '../core/index.ts'

const Unknown = Type.Union([Type.Literal('forward'), Type.Literal('reject')])

/** A field-level encryption with its profiles, which it calls by name. */
export const EncryptionInfo = Type.Object({
  id: Type.Unsafe<EncryptionId>(Type.String()),
  /** Its id, where it came by CloudFront's API, which gives none. */
  name: Type.String(),
  comment: Type.String(),
  profiles: Type.Array(
    Type.Object({
      id: Type.Unsafe<EncryptionProfileId>(Type.String()),
      name: Type.String(),
      comment: Type.String(),
      key: Type.Unsafe<KeyId>(Type.String()),
      /** As its messages call it. */
      keyName: Type.String(),
      provider: Type.String(),
      patterns: Type.Array(Type.String()),
    }),
  ),
  byQuery: Type.Object({
    unknown: Unknown,
    profiles: Type.Array(Type.Object({ argument: Type.String(), profile: Type.String() })),
  }),
  byContentType: Type.Object({
    unknown: Unknown,
    profiles: Type.Array(
      Type.Object({
        contentType: Type.Literal('application/x-www-form-urlencoded'),
        profile: Type.Optional(Type.String()),
      }),
    ),
  }),
})
export type EncryptionInfo = Static<typeof EncryptionInfo>

export const ChangedEncryption = Type.Object({
  encryption: EncryptionInfo,
  snapshotVersion: Type.Integer({ minimum: 1 }),
})
export type ChangedEncryption = Static<typeof ChangedEncryption>

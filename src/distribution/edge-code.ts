import {
  Type,
  type EncryptionId,
  type EncryptionProfileId,
  type FunctionId,
  type KeyId,
  type Static,
  type StoreId,
} from '../core/index.ts'

/** When a function is run for a request; a behaviour has one for each of them at most. */
export const FUNCTION_EVENTS = [
  'viewer-request',
  'origin-request',
  'origin-response',
  'playlist-response',
  'viewer-response',
] as const
export type FunctionEvent = (typeof FUNCTION_EVENTS)[number]

/**
 * How a function is written. CloudFront Functions have the two runtimes of theirs and run at viewer events; handlers of
 * Lambda@Edge run at all four of CloudFront's events; `sluice-js-1` sees playlists as values, at `playlist-response` alone.
 */
export const FUNCTION_RUNTIMES = [
  'cloudfront-js-1.0',
  'cloudfront-js-2.0',
  'lambda-edge',
  'sluice-js-1',
] as const
export type FunctionRuntime = (typeof FUNCTION_RUNTIMES)[number]

/** Bytes that are not in the snapshot: nodes fetch them from control by their digest, and keep them. */
export const Blob = Type.Object({
  /** SHA-256, hexadecimal. */
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  bytes: Type.Integer({ minimum: 0, maximum: 8_388_608 }),
})
export type Blob = Static<typeof Blob>

const FunctionName = Type.Unsafe<FunctionId>(
  Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}(?::[0-9]{1,9})?$' }),
)
const StoreName = Type.Unsafe<StoreId>(Type.String({ minLength: 1, maxLength: 64 }))

/** A function as it was published. Its id is its name; of Lambda@Edge with the number of the version, `name:3`. */
export const EdgeFunction = Type.Object({
  id: FunctionName,
  runtime: Type.Union(FUNCTION_RUNTIMES.map(each => Type.Literal(each))),
  code: Blob,
  /** The key value store that it reads, if any. */
  store: Type.Optional(StoreName),
  /** Where `fetch` may go at origin events: host names, `*.` before one is any below it. None when left out. */
  hosts: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 253 }), { maxItems: 64 })),
})
export interface EdgeFunction extends Omit<Static<typeof EdgeFunction>, 'runtime'> {
  runtime: FunctionRuntime
}

/** What functions read by key. The blob is a JSON object of strings. */
export const KeyValueStore = Type.Object({
  id: StoreName,
  name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
  data: Blob,
})
export type KeyValueStore = Static<typeof KeyValueStore>

/** Which function a behaviour runs when. */
export const FunctionUse = Type.Object({
  event: Type.Union(FUNCTION_EVENTS.map(each => Type.Literal(each))),
  function: FunctionName,
  /** Of requests at Lambda@Edge: whether it sees their bodies; false when left out. */
  body: Type.Optional(Type.Boolean()),
  /**
   * At `playlist-response`: before the playlist is stored, once for all viewers (`stored`, when left out), or for each
   * request on its way out (`asked`).
   */
  when: Type.Optional(Type.Union([Type.Literal('stored'), Type.Literal('asked')])),
})
export interface FunctionUse extends Omit<Static<typeof FunctionUse>, 'event'> {
  event: FunctionEvent
}

/** Names of form fields: as they are, or all that begin so where the last character is `*`. */
const FieldPattern = Type.String({ pattern: '^[A-Za-z0-9\\[\\]._+-]*\\*?$', minLength: 1, maxLength: 128 })

/** Which fields of a form are encrypted, and for whom (CloudFront's field-level encryption). */
export const EncryptionProfile = Type.Object({
  id: Type.Unsafe<EncryptionProfileId>(Type.String({ minLength: 1, maxLength: 64 })),
  entities: Type.Array(
    Type.Object({
      keyId: Type.Unsafe<KeyId>(Type.String({ minLength: 1, maxLength: 64 })),
      /** The key's name: the key id of the messages; with `provider` it tells the reader which private key he needs. */
      keyName: Type.String({ minLength: 1, maxLength: 128 }),
      provider: Type.String({ pattern: '^[A-Za-z0-9:_-]{1,128}$' }),
      /** RSA, SubjectPublicKeyInfo, PEM. The private half never comes here. */
      pem: Type.String({ maxLength: 8192 }),
      patterns: Type.Array(FieldPattern, { minItems: 1, maxItems: 10 }),
    }),
    { maxItems: 1 },
  ),
})
export type EncryptionProfile = Static<typeof EncryptionProfile>

/** Which profile a request is encrypted by. Profiles are told inside, so that nodes need nothing else. */
export const FieldEncryption = Type.Object({
  id: Type.Unsafe<EncryptionId>(Type.String({ minLength: 1, maxLength: 64 })),
  byQuery: Type.Object({
    /** What becomes of a request whose `fle-profile` names none of these. */
    unknown: Type.Union([Type.Literal('forward'), Type.Literal('reject')]),
    profiles: Type.Array(
      Type.Object({ argument: Type.String({ minLength: 1, maxLength: 128 }), profile: EncryptionProfile }),
      {
        maxItems: 5,
      },
    ),
  }),
  byContentType: Type.Object({
    unknown: Type.Union([Type.Literal('forward'), Type.Literal('reject')]),
    profiles: Type.Array(
      Type.Object({
        contentType: Type.Literal('application/x-www-form-urlencoded'),
        /** None: forms of this type are sent on as they are. */
        profile: Type.Optional(EncryptionProfile),
      }),
      { maxItems: 1 },
    ),
  }),
})
export type FieldEncryption = Static<typeof FieldEncryption>

import { Type, type KeyGroupId, type KeyId, type OriginAccessId, type Static } from '../core/index.ts'
import {
  BucketCredentials,
  BuiltInOrigin,
  Distribution,
  HttpOrigin,
  Policy,
  S3Origin,
  TrustedIssuer,
} from '../distribution/index.ts'

const SnapshotVersion = Type.Object({ snapshotVersion: Type.Integer({ minimum: 1 }) })
/** Sentences about what was done and is seldom meant. */
const Warnings = Type.Object({ warnings: Type.Array(Type.String()) })

const Accepts = Type.Union([Type.Literal('accept'), Type.Literal('refuse')])

export const KeyGroupInfo = Type.Object({
  id: Type.Unsafe<KeyGroupId>(Type.String()),
  name: Type.String(),
  keys: Type.Array(Type.Unsafe<KeyId>(Type.String())),
  /** Signatures over SHA-1, CloudFront's default digest. */
  sha1: Accepts,
  /** Policies that name no resource, and so open everything that trusts the group. */
  withoutResource: Accepts,
})
export type KeyGroupInfo = Static<typeof KeyGroupInfo>

/** What is left out stays as it is. */
export const KeyGroupChange = Type.Object(
  { sha1: Type.Optional(Accepts), withoutResource: Type.Optional(Accepts) },
  { additionalProperties: false },
)
export type KeyGroupChange = Static<typeof KeyGroupChange>

export const ChangedKeyGroup = Type.Intersect([KeyGroupInfo, SnapshotVersion])
export type ChangedKeyGroup = Static<typeof ChangedKeyGroup>

/** An HTTP origin as people see it: the names of its secret headers. */
const HttpOriginInfo = Type.Object({
  ...HttpOrigin.properties,
  headers: Type.Array(Type.Object({ name: Type.String(), value: Type.Null() })),
})

/** A distribution without its secrets, and whether it serves the Hosts that no other claims. */
export const DistributionInfo = Type.Object({
  ...Distribution.properties,
  origins: Type.Array(Type.Union([BuiltInOrigin, HttpOriginInfo, S3Origin])),
  fallback: Type.Boolean(),
  /** What the configuration file that made it calls it; left out where none did. */
  file: Type.Optional(Type.String()),
})
export type DistributionInfo = Static<typeof DistributionInfo>

export const ChangedDistribution = Type.Object({
  distribution: DistributionInfo,
  ...SnapshotVersion.properties,
  ...Warnings.properties,
})
export type ChangedDistribution = Static<typeof ChangedDistribution>

/** What came of the distributions of a configuration file, in its order; then those that it says no more. */
export const AppliedFile = Type.Object({
  distributions: Type.Array(
    Type.Object({
      name: Type.String(),
      id: Type.String(),
      domain: Type.String(),
      outcome: Type.Union([
        Type.Literal('made'),
        Type.Literal('changed'),
        Type.Literal('same'),
        Type.Literal('disabled'),
      ]),
    }),
  ),
  ...SnapshotVersion.properties,
  ...Warnings.properties,
})
export type AppliedFile = Static<typeof AppliedFile>

export const ChangedIssuer = Type.Object({
  issuer: TrustedIssuer,
  ...SnapshotVersion.properties,
  ...Warnings.properties,
})
export type ChangedIssuer = Omit<Static<typeof ChangedIssuer>, 'issuer'> & { issuer: TrustedIssuer }

/** A policy, and whether it is one of those that are always there. */
export const PolicyInfo = Type.Object({ ...Policy.properties, managed: Type.Boolean() })
export type PolicyInfo = Static<typeof PolicyInfo>

export const ChangedPolicy = Type.Object({
  policy: PolicyInfo,
  ...SnapshotVersion.properties,
  ...Warnings.properties,
})
export type ChangedPolicy = Static<typeof ChangedPolicy>

/** An origin access as people see it: which access key, and never the secret. */
export const OriginAccessInfo = Type.Object({
  id: Type.Unsafe<OriginAccessId>(Type.String()),
  name: Type.String(),
  kind: Type.Union([Type.Literal('control'), Type.Literal('identity')]),
  signing: Type.Union([Type.Literal('always'), Type.Literal('never'), Type.Literal('no-override')]),
  accessKeyId: Type.Union([Type.Null(), Type.String()]),
})
export type OriginAccessInfo = Static<typeof OriginAccessInfo>

/** Replaces what is said; the credentials stay as they are where they are left out. */
export const NewOriginAccess = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
    /** `control` when left out. */
    kind: Type.Optional(OriginAccessInfo.properties.kind),
    /** `always` when left out; an identity has no other. */
    signing: Type.Optional(OriginAccessInfo.properties.signing),
    /** Null with `never` only. */
    credentials: Type.Optional(
      Type.Union([Type.Null(), Type.Object(BucketCredentials.properties, { additionalProperties: false })]),
    ),
  },
  { additionalProperties: false },
)
export type NewOriginAccess = Static<typeof NewOriginAccess>

/** What is left out stays as it is; credentials are replaced whole. */
export const OriginAccessChange = Type.Object(
  { ...NewOriginAccess.properties, name: Type.Optional(NewOriginAccess.properties.name) },
  { additionalProperties: false },
)
export type OriginAccessChange = Static<typeof OriginAccessChange>

export const ChangedOriginAccess = Type.Object({
  originAccess: OriginAccessInfo,
  ...SnapshotVersion.properties,
})
export type ChangedOriginAccess = Static<typeof ChangedOriginAccess>

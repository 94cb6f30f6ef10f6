import {
  ROLES,
  Type,
  type AssetId,
  type DistributionId,
  type InvalidationId,
  type JobId,
  type KeyId,
  type NodeId,
  type PublicationId,
  type RoleName,
  type Static,
} from '../core/index.ts'
import { ViewersAt } from '../distribution/index.ts'

/** What can be asked of a publication's renditions: as it is, our choice, or the named heights. */
export const Ladder = Type.Union([
  Type.Literal('none'),
  Type.Literal('auto'),
  Type.Array(Type.String({ pattern: '^[0-9]{2,4}p$' }), { minItems: 1, maxItems: 10 }),
])
export type Ladder = Static<typeof Ladder>

/** One rendition as people see it; the source's stands first. */
export const Rendition = Type.Object({
  /** Its folder under the asset's path; changes with the content. */
  name: Type.String(),
  kind: Type.Union([Type.Literal('video'), Type.Literal('audio')]),
  /** RFC 6381. */
  codec: Type.String(),
  width: Type.Optional(Type.Integer()),
  height: Type.Optional(Type.Integer()),
  /** Bits per second, mean and highest segment. */
  bandwidth: Type.Object({ average: Type.Integer(), peak: Type.Integer() }),
  durationSeconds: Type.Number(),
  language: Type.Optional(Type.String()),
})
export type Rendition = Static<typeof Rendition>

export const Failure = Type.Object({ code: Type.String(), message: Type.String() })
export type Failure = Static<typeof Failure>

/** uploading → queued → preparing → ready or errored. */
export const PublicationState = Type.Union([
  Type.Literal('uploading'),
  Type.Literal('queued'),
  Type.Literal('preparing'),
  Type.Literal('ready'),
  Type.Literal('errored'),
])
export type PublicationState = Static<typeof PublicationState>

/** What an origin does of a job just now. */
export const Progress = Type.Object({
  stage: Type.Union([
    Type.Literal('probing'),
    Type.Literal('remuxing'),
    Type.Literal('encoding'),
    Type.Literal('indexing'),
  ]),
  /** 0 to 1, of the whole job. */
  fraction: Type.Number({ minimum: 0, maximum: 1 }),
})
export type Progress = Static<typeof Progress>

/** One attempt of somebody to publish something at a path. */
export const Publication = Type.Object({
  id: Type.Unsafe<PublicationId>(Type.String()),
  assetId: Type.Unsafe<AssetId>(Type.String()),
  path: Type.String(),
  /** Counts the publications of this asset from 1. */
  version: Type.Integer({ minimum: 1 }),
  state: PublicationState,
  /** tus, relative to the control URL: `/v1/uploads/<id>`. */
  uploadUrl: Type.String(),
  progress: Type.Union([Type.Null(), Progress]),
  error: Type.Union([Type.Null(), Failure]),
  renditions: Type.Array(Rendition),
  /** Nodes that have this snapshot version show the result; null until ready. */
  snapshotVersion: Type.Union([Type.Null(), Type.Integer()]),
  createdAt: Type.String({ format: 'date-time' }),
})
export type Publication = Static<typeof Publication>

/** What is published at a path: the newest ready publication, and the newest of all when that is another. */
export const Asset = Type.Object({
  id: Type.Unsafe<AssetId>(Type.String()),
  path: Type.String(),
  /** `ready` as long as something is served; else the state of the newest publication. */
  state: PublicationState,
  version: Type.Union([Type.Null(), Type.Integer()]),
  renditions: Type.Array(Rendition),
  durationSeconds: Type.Union([Type.Null(), Type.Number()]),
  error: Type.Union([Type.Null(), Failure]),
  createdAt: Type.String({ format: 'date-time' }),
  updatedAt: Type.String({ format: 'date-time' }),
})
export type Asset = Static<typeof Asset>

/** Package an uploaded file; the origin that leases it does the work. */
export const PackageJob = Type.Object({
  kind: Type.Literal('package'),
  id: Type.Unsafe<JobId>(Type.String()),
  publicationId: Type.Unsafe<PublicationId>(Type.String()),
  assetId: Type.Unsafe<AssetId>(Type.String()),
  path: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  /** Object key of the upload. */
  source: Type.String(),
  fileName: Type.String(),
  ladder: Ladder,
})
export type PackageJob = Static<typeof PackageJob>

/** Take an asset out of service and delete what it stored. */
export const RemoveJob = Type.Object({
  kind: Type.Literal('remove'),
  id: Type.Unsafe<JobId>(Type.String()),
  assetId: Type.Unsafe<AssetId>(Type.String()),
  path: Type.String(),
})
export type RemoveJob = Static<typeof RemoveJob>

export const Job = Type.Union([PackageJob, RemoveJob])
export type Job = Static<typeof Job>

/** How a job ended. `errored` is final: the file is at fault; what may pass by itself is thrown and tried again. */
export const JobResult = Type.Union([
  Type.Object({
    kind: Type.Literal('packaged'),
    renditions: Type.Array(Rendition),
    durationSeconds: Type.Number(),
  }),
  Type.Object({ kind: Type.Literal('removed') }),
  Type.Object({ kind: Type.Literal('errored'), error: Failure }),
])
export type JobResult = Static<typeof JobResult>

/** Begins a publication; the answer says where to upload to. */
export const NewPublication = Type.Object(
  {
    path: Type.String({ minLength: 1, maxLength: 1024 }),
    /** For people and for guessing the container; never becomes a path. */
    fileName: Type.String({ minLength: 1, maxLength: 255 }),
    /** Bytes that will be uploaded. */
    size: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    ladder: Ladder,
  },
  { additionalProperties: false },
)
export type NewPublication = Static<typeof NewPublication>

/** The snapshot version that carries a change; nodes that acknowledged it have the change. */
export const Changed = Type.Object({ snapshotVersion: Type.Integer({ minimum: 1 }) })
export type Changed = Static<typeof Changed>

/** Which live nodes have applied a snapshot version; `ms` counts from the change to the acknowledgement. */
export const Acknowledgements = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  acknowledged: Type.Array(Type.Object({ id: Type.String(), ms: Type.Integer({ minimum: 0 }) })),
  /** Live nodes that have not; a node that is away is not waited for. */
  missing: Type.Array(Type.String()),
})
export type Acknowledgements = Static<typeof Acknowledgements>

/** A public key as people see it. */
export const KeyInfo = Type.Object({
  id: Type.Unsafe<KeyId>(Type.String()),
  name: Type.String(),
  /** The names of the groups that it belongs to. */
  groups: Type.Array(Type.String()),
  type: Type.Union([Type.Literal('rsa'), Type.Literal('p256')]),
  createdAt: Type.String({ format: 'date-time' }),
})
export type KeyInfo = Static<typeof KeyInfo>

export const NewKey = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128 }),
    /** SubjectPublicKeyInfo, PEM: RSA of 2048 bits at least, or P-256. */
    pem: Type.String({ minLength: 1, maxLength: 8192 }),
    /** By name; made when there is none of this name. */
    group: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
  },
  { additionalProperties: false },
)
export type NewKey = Static<typeof NewKey>

export const ImportedKey = Type.Object({
  id: Type.Unsafe<KeyId>(Type.String()),
  name: Type.String(),
  group: Type.String(),
  /** There was no group of this name before. */
  groupMade: Type.Boolean(),
  snapshotVersion: Type.Integer({ minimum: 1 }),
})
export type ImportedKey = Static<typeof ImportedKey>

export const NewInvalidation = Type.Object(
  {
    /** Absent: every distribution. */
    distributionId: Type.Optional(Type.Unsafe<DistributionId>(Type.String({ maxLength: 64 }))),
    /** Exact paths, or prefixes with one `*` at the end. */
    paths: Type.Array(Type.String({ minLength: 1, maxLength: 4000 }), { minItems: 1, maxItems: 3000 }),
    /** The caller's own name for it: asking again with the same one changes nothing. */
    reference: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
)
export type NewInvalidation = Static<typeof NewInvalidation>

export const InvalidationInfo = Type.Object({
  id: Type.Unsafe<InvalidationId>(Type.String()),
  sequence: Type.Integer({ minimum: 1 }),
  snapshotVersion: Type.Integer({ minimum: 1 }),
})
export type InvalidationInfo = Static<typeof InvalidationInfo>

export const NodeInfo = Type.Object({
  id: Type.Unsafe<NodeId>(Type.String()),
  role: Type.Union(ROLES.map(role => Type.Literal(role))),
  /** `live` or `draining` while it follows the snapshot or did a moment ago. */
  state: Type.Union([Type.Literal('live'), Type.Literal('draining'), Type.Literal('away')]),
  /** The newest snapshot version that it acknowledged since control started. */
  version: Type.Union([Type.Null(), Type.Integer()]),
  /** Null when it was not seen since control started. */
  lastSeen: Type.Union([Type.Null(), Type.String({ format: 'date-time' })]),
  /** The name of its place, where control knows it. */
  pop: Type.Union([Type.Null(), Type.String()]),
  /** Of an edge or a router: where viewers reach it, as it says itself; null where it was not told. */
  viewers: Type.Union([Type.Null(), Type.Unsafe<ViewersAt>(ViewersAt)]),
  /** Whether it is to get nothing new; also of one that is away. */
  draining: Type.Boolean(),
  /** The newest invalidation number that it has applied. */
  sequence: Type.Union([Type.Null(), Type.Integer()]),
  /** To those whom it serves, over about ten seconds; null of one that is not heard of. */
  traffic: Type.Union([
    Type.Null(),
    Type.Object({ bytesPerSecond: Type.Number(), requestsPerSecond: Type.Number() }),
  ]),
  /** Of the requests that could be answered from its cache, the part that was. */
  hitRatio: Type.Union([Type.Null(), Type.Number()]),
  /** What is under way there and a drain waits for. */
  busy: Type.Union([Type.Null(), Type.Integer()]),
  /** How far its clock is ahead of that of control: milliseconds. */
  clockOffset: Type.Union([Type.Null(), Type.Integer()]),
  /** The version of its Sluice, and that of control. */
  software: Type.Union([Type.Null(), Type.String()]),
  controlSoftware: Type.String(),
  /** Null unless control did not answer it a moment ago. */
  controlAwaySince: Type.Union([Type.Null(), Type.String({ format: 'date-time' })]),
})
export type NodeInfo = Omit<Static<typeof NodeInfo>, 'role' | 'viewers'> & {
  role: RoleName
  viewers: ViewersAt | null
}

/** `admin` may do everything; every scope may read, tokens excepted. */
export const SCOPES = ['read', 'publish', 'keys', 'purge', 'admin'] as const
export const Scope = Type.Union(SCOPES.map(scope => Type.Literal(scope)))
export type Scope = (typeof SCOPES)[number]

export const NewToken = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128 }),
    scopes: Type.Array(Scope, { minItems: 1, maxItems: SCOPES.length }),
  },
  { additionalProperties: false },
)
export interface NewToken {
  name: string
  scopes: Scope[]
}

export const TokenInfo = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Scope),
  /** Of the access key that may do the same; null for tokens from before there were any. */
  accessKeyId: Type.Union([Type.String(), Type.Null()]),
  createdAt: Type.String({ format: 'date-time' }),
})
export interface TokenInfo {
  id: string
  name: string
  scopes: Scope[]
  accessKeyId: string | null
  createdAt: string
}

/** The only answer that ever holds the token itself and the secret of its access key. */
export const CreatedToken = Type.Intersect([
  TokenInfo,
  Type.Object({ token: Type.String(), accessKeyId: Type.String(), secretAccessKey: Type.String() }),
])
export type CreatedToken = TokenInfo & { token: string; accessKeyId: string; secretAccessKey: string }

/** Every error of the APIs on the control port. */
export const ApiError = Type.Object({ error: Failure })
export type ApiError = Static<typeof ApiError>

import {
  bigint,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core'
import type {
  AssetId,
  ChannelId,
  DistributionId,
  InvalidationId,
  IssuerId,
  JobId,
  KeyGroupId,
  KeyId,
  NodeId,
  OriginAccessId,
  PolicyId,
  PublicationId,
  RoleName,
} from '../../core/index.ts'
import type { Failure, Ladder, Progress, PublicationState, Rendition, Scope } from '../../client/index.ts'
import type {
  Distribution,
  OriginAccess,
  PeerNode,
  Policy,
  TrustedIssuer,
  ViewersAt,
} from '../../distribution/index.ts'

export * from './event-tables.ts'
export * from './function-tables.ts'
export * from './usage-tables.ts'
export * from './webhook-tables.ts'

/** Instants are epoch milliseconds. PGlite gives bigint as a number, node-postgres as text; `mode: 'number'` settles it. */
const instantColumn = (name: string) => bigint(name, { mode: 'number' })

/** One row: the counters that every change takes its number from, and what exists once. */
export const meta = pgTable('meta', {
  id: integer('id').primaryKey().default(1),
  /** Names this life of the database; a restored backup gets another. */
  epoch: text('epoch').notNull(),
  version: bigint('version', { mode: 'number' }).notNull(),
  sequence: bigint('sequence', { mode: 'number' }).notNull(),
  fallbackDistribution: text('fallback_distribution').$type<DistributionId>(),
})

export const distributions = pgTable('distributions', {
  id: text('id').$type<DistributionId>().primaryKey(),
  definition: jsonb('definition').$type<Distribution>().notNull(),
  /** Of its last change; 0 when that was before this was kept. */
  snapshotVersion: bigint('snapshot_version', { mode: 'number' }).notNull().default(0),
  /** What it is called in the configuration file that made it; null for all others. */
  fileName: text('file_name').unique(),
  createdAt: instantColumn('created_at').notNull(),
  modifiedAt: instantColumn('modified_at'),
})

/** Those of the operator. What they say stands in the behaviours that name them, too. */
export const policies = pgTable(
  'policies',
  {
    id: text('id').$type<PolicyId>().primaryKey(),
    kind: text('kind').$type<Policy['says']['kind']>().notNull(),
    name: text('name').notNull(),
    comment: text('comment').notNull(),
    says: jsonb('says').$type<Policy['says']>().notNull(),
    createdAt: instantColumn('created_at').notNull(),
  },
  table => [unique('policies_kind_name_unique').on(table.kind, table.name)],
)

export const keyGroups = pgTable('key_groups', {
  id: text('id').$type<KeyGroupId>().primaryKey(),
  name: text('name').notNull().unique(),
  sha1: text('sha1').$type<'accept' | 'refuse'>().notNull(),
  withoutResource: text('without_resource').$type<'accept' | 'refuse'>().notNull().default('refuse'),
  createdAt: instantColumn('created_at').notNull(),
})

export const publicKeys = pgTable('public_keys', {
  id: text('id').$type<KeyId>().primaryKey(),
  name: text('name').notNull(),
  type: text('type').$type<'rsa' | 'p256'>().notNull(),
  pem: text('pem').notNull(),
  createdAt: instantColumn('created_at').notNull(),
})

export const keyGroupMembers = pgTable(
  'key_group_members',
  {
    groupId: text('group_id')
      .$type<KeyGroupId>()
      .notNull()
      .references(() => keyGroups.id, { onDelete: 'cascade' }),
    keyId: text('key_id')
      .$type<KeyId>()
      .notNull()
      .references(() => publicKeys.id, { onDelete: 'cascade' }),
  },
  table => [primaryKey({ columns: [table.groupId, table.keyId] })],
)

/** Whose tokens behaviours may trust; they name it by id in their definitions. */
export const issuers = pgTable('issuers', {
  id: text('id').$type<IssuerId>().primaryKey(),
  name: text('name').notNull().unique(),
  definition: jsonb('definition').$type<Omit<TrustedIssuer, 'id' | 'name'>>().notNull(),
  createdAt: instantColumn('created_at').notNull(),
})

/** How nodes read buckets; origins name it by id in their distribution. */
export const originAccess = pgTable('origin_access', {
  id: text('id').$type<OriginAccessId>().primaryKey(),
  name: text('name').notNull().unique(),
  kind: text('kind').$type<OriginAccess['kind']>().notNull(),
  signing: text('signing').$type<OriginAccess['signing']>().notNull(),
  /** A secret: it goes to the nodes that talk to buckets, and into no answer. */
  credentials: jsonb('credentials').$type<NonNullable<OriginAccess['credentials']>>(),
  createdAt: instantColumn('created_at').notNull(),
})

export const nodes = pgTable('nodes', {
  id: text('id').$type<NodeId>().primaryKey(),
  role: text('role').$type<RoleName>().notNull(),
  publicKey: jsonb('public_key').$type<PeerNode['publicKey']>().notNull(),
  /** `local` nodes are the supervisor's own and follow what it says at each start. */
  origin: text('origin').$type<'local' | 'joined'>().notNull(),
  /** The name of its place; null where the supervisor's own say it themselves. */
  pop: text('pop'),
  /** Where other nodes reach it over TLS. */
  url: text('url'),
  /** Set while it is to get nothing new. */
  drainingSince: instantColumn('draining_since'),
  /** Whose own it is, where it is `local`: a name of the supervisor's data folder. Null from before there were several. */
  keeper: text('keeper'),
  /** Where viewers reach it; null of a node that they do not, or that does not say so. */
  viewers: jsonb('viewers').$type<ViewersAt>(),
  createdAt: instantColumn('created_at').notNull(),
})

/** Control processes that other machines reach: nodes are told of all, and ask the next when one does not answer. */
export const controls = pgTable('controls', {
  url: text('url').primaryKey(),
  seenAt: instantColumn('seen_at').notNull(),
})

/** What signs the certificates of control and nodes. One row; its key is a secret and goes nowhere. */
export const authority = pgTable('authority', {
  id: integer('id').primaryKey().default(1),
  certificate: text('certificate').notNull(),
  key: text('key').notNull(),
  createdAt: instantColumn('created_at').notNull(),
})

/** Each lets one machine in, once. */
export const joinTokens = pgTable('join_tokens', {
  /** Hex; the secret itself is told once and kept nowhere. */
  sha256: text('sha256').primaryKey(),
  role: text('role').$type<RoleName>().notNull(),
  pop: text('pop').notNull(),
  expiresAt: instantColumn('expires_at').notNull(),
  /** An answer that was lost on its way is given again to who asked. */
  usedBy: text('used_by').$type<NodeId>(),
  createdAt: instantColumn('created_at').notNull(),
})

export const tokens = pgTable('tokens', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  /** Hex; the token itself is told once and kept nowhere. */
  sha256: text('sha256').notNull().unique(),
  scopes: jsonb('scopes').$type<Scope[]>().notNull(),
  createdAt: instantColumn('created_at').notNull(),
})

/** The other face of a token, for those who sign their requests as AWS has it. */
export const accessKeys = pgTable('access_keys', {
  id: text('id').primaryKey(),
  tokenId: text('token_id')
    .notNull()
    .references(() => tokens.id, { onDelete: 'cascade' }),
  /** A secret that is told once. It lies here as it is, since a signature can be checked with nothing less. */
  secret: text('secret').notNull(),
  createdAt: instantColumn('created_at').notNull(),
})

export const assets = pgTable('assets', {
  id: text('id').$type<AssetId>().primaryKey(),
  path: text('path').notNull().unique(),
  /** Of the newest publication; media keys carry it, so it never counts back. */
  lastVersion: integer('last_version').notNull(),
  /** What is served; null until the first publication is ready. */
  currentVersion: integer('current_version'),
  renditions: jsonb('renditions').$type<Rendition[]>().notNull(),
  durationSeconds: doublePrecision('duration_seconds'),
  /** `removing` from the request to unpublish until an origin has done it. */
  state: text('state').$type<'present' | 'removing'>().notNull(),
  /** The one job of this asset that is in the queue or runs; the next is queued when it ends. */
  activeJob: text('active_job').$type<JobId>(),
  createdAt: instantColumn('created_at').notNull(),
  updatedAt: instantColumn('updated_at').notNull(),
})

export const publications = pgTable(
  'publications',
  {
    id: text('id').$type<PublicationId>().primaryKey(),
    /** No foreign key: a publication can be asked for after its asset was removed. */
    assetId: text('asset_id').$type<AssetId>().notNull(),
    path: text('path').notNull(),
    version: integer('version').notNull(),
    state: text('state').$type<PublicationState>().notNull(),
    fileName: text('file_name').notNull(),
    size: bigint('size', { mode: 'number' }).notNull(),
    ladder: jsonb('ladder').$type<Ladder>().notNull(),
    progress: jsonb('progress').$type<Progress>(),
    error: jsonb('error').$type<Failure>(),
    renditions: jsonb('renditions').$type<Rendition[]>().notNull(),
    snapshotVersion: bigint('snapshot_version', { mode: 'number' }),
    createdAt: instantColumn('created_at').notNull(),
    updatedAt: instantColumn('updated_at').notNull(),
  },
  table => [
    index('publications_of_asset').on(table.assetId, table.version),
    index('publications_by_state').on(table.state),
  ],
)

export const leases = pgTable(
  'leases',
  {
    jobId: text('job_id').$type<JobId>().notNull(),
    /** Fences: who holds an older attempt cannot speak for this one. */
    attempt: integer('attempt').notNull(),
    nodeId: text('node_id').$type<NodeId>().notNull(),
    assetId: text('asset_id').$type<AssetId>().notNull(),
    publicationId: text('publication_id').$type<PublicationId>(),
    /** `cancelled`: the holder is told to stop. `finished`: kept a while, so that finishing twice is no error. */
    state: text('state').$type<'running' | 'cancelled' | 'finished'>().notNull(),
    deadline: instantColumn('deadline').notNull(),
  },
  table => [
    primaryKey({ columns: [table.jobId, table.attempt] }),
    index('leases_by_deadline').on(table.deadline),
  ],
)

export const channels = pgTable('channels', {
  id: text('id').$type<ChannelId>().primaryKey(),
  path: text('path').notNull().unique(),
  /** Whose keys sign for publishing; a group that a channel names cannot be deleted. */
  keyGroup: text('key_group')
    .$type<KeyGroupId>()
    .notNull()
    .references(() => keyGroups.id),
  reconnectMs: integer('reconnect_ms').notNull(),
  /**
   * Begins at the snapshot version that made the channel and grows by one with each stop, so that it also grows when
   * a channel is deleted and made again at its path.
   */
  stops: bigint('stops', { mode: 'number' }).notNull(),
  lease: bigint('lease', { mode: 'number' }).notNull(),
  /** The origin that has it under this number; null while nobody was given it. */
  owner: text('owner').$type<NodeId>(),
  createdAt: instantColumn('created_at').notNull(),
})

/** When each origin was last heard by any control, by the clock of the database; where several share one. */
export const originLeases = pgTable('origin_leases', {
  nodeId: text('node_id').$type<NodeId>().primaryKey(),
  heardAt: instantColumn('heard_at').notNull(),
})

/** What was asked for, for idempotence and for showing. */
export const invalidations = pgTable('invalidations', {
  id: text('id').$type<InvalidationId>().primaryKey(),
  reference: text('reference').unique(),
  sequence: bigint('sequence', { mode: 'number' }).notNull(),
  distributionIds: jsonb('distribution_ids').$type<DistributionId[]>().notNull(),
  paths: jsonb('paths').$type<string[]>().notNull(),
  snapshotVersion: bigint('snapshot_version', { mode: 'number' }).notNull(),
  createdAt: instantColumn('created_at').notNull(),
})

/** What nodes are told: the newest number of each pattern. */
export const invalidationPatterns = pgTable(
  'invalidation_patterns',
  {
    distributionId: text('distribution_id').$type<DistributionId>().notNull(),
    pattern: text('pattern').notNull(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
  },
  table => [primaryKey({ columns: [table.distributionId, table.pattern] })],
)

/**
 * What was sent through CloudFront's API and has no place in our own words: documents as they were sent, caller
 * references, tags. What is there in our words has its own table; a row here without one there is not shown.
 */
export const cloudfrontDocuments = pgTable(
  'cloudfront_documents',
  {
    /** As operations call it: `PublicKey`. */
    kind: text('kind').notNull(),
    id: text('id').notNull(),
    name: text('name'),
    reference: text('reference'),
    config: jsonb('config').$type<object>(),
    /** Counts its changes. */
    revision: integer('revision').notNull(),
    tags: jsonb('tags').$type<Record<string, string>>().notNull(),
    createdAt: instantColumn('created_at').notNull(),
    modifiedAt: instantColumn('modified_at').notNull(),
  },
  table => [primaryKey({ columns: [table.kind, table.id] })],
)

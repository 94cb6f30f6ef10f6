import {
  ROLES,
  reader,
  Type,
  type DistributionId,
  type NodeId,
  type RoleName,
  type Static,
} from '../core/index.ts'
import { isKnownBefore, ROLES_BEFORE, withheld } from './before.ts'
import {
  Channel,
  Distribution,
  EdgeFunction,
  FieldEncryption,
  KeyGroup,
  KeyValueStore,
  OriginAccess,
  TrustedIssuer,
} from './schema.ts'

/** One invalidation: everything of a distribution whose path matches and that was asked for before `sequence`. */
export const Invalidation = Type.Object({
  sequence: Type.Integer({ minimum: 1 }),
  distributionId: Type.Unsafe<DistributionId>(Type.String()),
  /** An exact canonical path, or a prefix with one `*` at its end. */
  pattern: Type.String({ pattern: '^/', maxLength: 4000 }),
})
export type Invalidation = Static<typeof Invalidation>

/** An address of either family, and no name, which would be looked up. */
const ADDRESS = '^(?:[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$'

/** Where viewers reach an edge, and where that is in the world. */
export const ViewersAt = Type.Object({
  /** Of any family; what DNS answers. */
  addresses: Type.Array(Type.String({ pattern: ADDRESS, maxLength: 45 }), { maxItems: 16 }),
  /** What viewers connect to there; null where it does not listen. */
  http: Type.Union([Type.Null(), Type.Integer({ minimum: 1, maximum: 65_535 })]),
  https: Type.Union([Type.Null(), Type.Integer({ minimum: 1, maximum: 65_535 })]),
  /** Degrees, north and east. */
  location: Type.Optional(
    Type.Object({
      latitude: Type.Number({ minimum: -90, maximum: 90 }),
      longitude: Type.Number({ minimum: -180, maximum: 180 }),
    }),
  ),
  /** CloudFront's price class of the place; `100` is the cheapest, and what is left out counts as that. */
  priceClass: Type.Optional(Type.Union([Type.Literal('100'), Type.Literal('200'), Type.Literal('all')])),
})
export type ViewersAt = Static<typeof ViewersAt>

/** A peer whose tokens are believed. Absent means revoked (SEAMS 25). */
export const PeerNode = Type.Object({
  id: Type.Unsafe<NodeId>(Type.String({ minLength: 1 })),
  role: Type.Union(ROLES.map(role => Type.Literal(role))),
  /** Ed25519 public key as a JWK. */
  publicKey: Type.Object({ kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Type.String() }),
  /** The name of its place, where control knows it. */
  pop: Type.Optional(Type.Union([Type.Null(), Type.String()])),
  /** Where other nodes reach it over TLS; https://host:port. */
  url: Type.Optional(Type.Union([Type.Null(), Type.String()])),
  /** It does what it has begun and is to get nothing new. */
  draining: Type.Optional(Type.Boolean()),
  /** Of an edge, what a router has to know of it; without it no viewer is sent there. */
  viewers: Type.Optional(Type.Unsafe<ViewersAt>(ViewersAt)),
})
export interface PeerNode {
  id: NodeId
  role: RoleName
  publicKey: { kty: 'OKP'; crv: 'Ed25519'; x: string }
  pop?: string | null
  url?: string | null
  draining?: boolean
  viewers?: ViewersAt
}

/**
 * Everything a node needs to serve without control: pulled by long poll, applied, kept on disk, acknowledged by the
 * next poll's `If-None-Match`.
 */
export const Snapshot = Type.Object({
  /** Grows with every change; the entity tag of the poll is `"<version>"`. */
  version: Type.Integer({ minimum: 1 }),
  distributions: Type.Array(Distribution),
  /** Serves Hosts that no distribution claims; a setting, never inferred. */
  fallbackDistribution: Type.Union([Type.Null(), Type.Unsafe<DistributionId>(Type.String())]),
  keyGroups: Type.Array(KeyGroup),
  issuers: Type.Array(TrustedIssuer),
  /** Empty for nodes that talk to no bucket. */
  originAccess: Type.Array(OriginAccess),
  nodes: Type.Array(PeerNode),
  /** Where control is reached by nodes on other machines, over TLS; https://host:port. */
  controls: Type.Optional(Type.Array(Type.String())),
  channels: Type.Array(Channel),
  /** Those that behaviours name. */
  functions: Type.Optional(Type.Array(Type.Unsafe<EdgeFunction>(EdgeFunction))),
  /** Those that these functions read. */
  stores: Type.Optional(Type.Array(KeyValueStore)),
  /** Those that behaviours name. */
  encryptions: Type.Optional(Type.Array(FieldEncryption)),
  /** The highest invalidation number given out; `invalidations` may hold fewer, merged ones. */
  sequence: Type.Integer({ minimum: 0 }),
  invalidations: Type.Array(Invalidation),
})
export type Snapshot = Omit<Static<typeof Snapshot>, 'nodes' | 'issuers' | 'functions'> & {
  nodes: PeerNode[]
  functions?: EdgeFunction[]
  issuers: TrustedIssuer[]
}

/** The roles that talk to origins: they hold what origins are told in secret, and run functions. */
const ROLES_WITH_SECRETS: ReadonlySet<RoleName> = new Set(['edge', 'regional'])

/** The words that a node knows: those of this version, or of the one before. */
export type KnownWords = 'all' | 'before'

/**
 * What a node of this role is given: secrets reach only the roles that use them, and a distribution that it would serve
 * by less than what it says reaches it as switched off.
 */
export function snapshotFor(role: RoleName, whole: Snapshot, words: KnownWords = 'all'): Snapshot {
  const { encryptions, ...rest } = words === 'all' ? whole : asKnownBefore(whole)
  // Requests with forms pass edges and no other node.
  const snapshot = role === 'edge' && encryptions ? { ...rest, encryptions } : rest
  if (ROLES_WITH_SECRETS.has(role)) return snapshot
  const distributions = snapshot.distributions.map(distribution => ({
    ...distribution,
    origins: distribution.origins.map(origin =>
      origin.kind === 'http' ? { ...origin, headers: [] } : origin,
    ),
  }))
  const given = { ...snapshot, distributions, originAccess: [] }
  delete given.functions
  delete given.stores
  return given
}

/** As nodes of the version before may have it: what they would serve by less than it says is switched off. */
export function asKnownBefore(whole: Snapshot): Snapshot {
  const known = (each: Distribution): Distribution => (isKnownBefore(each) ? each : withheld(each))
  const nodes = whole.nodes.filter(each => ROLES_BEFORE.has(each.role))
  return { ...whole, distributions: whole.distributions.map(known), nodes }
}

/** Reads a snapshot from control or from disk; throws a sentence when it is not one. */
export const readSnapshot: (value: unknown) => Snapshot = reader(Snapshot, 'the snapshot')

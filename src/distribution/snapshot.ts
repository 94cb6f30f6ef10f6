import {
  ROLES,
  reader,
  Type,
  type DistributionId,
  type NodeId,
  type RoleName,
  type Static,
} from '../core/index.ts'
import { isKnownBefore, withheld } from './before.ts'
import { Channel, Distribution, KeyGroup, OriginAccess, TrustedIssuer } from './schema.ts'

/** One invalidation: everything of a distribution whose path matches and that was asked for before `sequence`. */
export const Invalidation = Type.Object({
  sequence: Type.Integer({ minimum: 1 }),
  distributionId: Type.Unsafe<DistributionId>(Type.String()),
  /** An exact canonical path, or a prefix with one `*` at its end. */
  pattern: Type.String({ pattern: '^/', maxLength: 4000 }),
})
export type Invalidation = Static<typeof Invalidation>

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
})
export interface PeerNode {
  id: NodeId
  role: RoleName
  publicKey: { kty: 'OKP'; crv: 'Ed25519'; x: string }
  pop?: string | null
  url?: string | null
  draining?: boolean
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
  /** The highest invalidation number given out; `invalidations` may hold fewer, merged ones. */
  sequence: Type.Integer({ minimum: 0 }),
  invalidations: Type.Array(Invalidation),
})
export type Snapshot = Omit<Static<typeof Snapshot>, 'nodes' | 'issuers'> & {
  nodes: PeerNode[]
  issuers: TrustedIssuer[]
}

/** The roles that talk to origins, and so must hold what origins are told in secret. */
const ROLES_WITH_SECRETS: ReadonlySet<RoleName> = new Set(['edge', 'regional'])

/** The words that a node knows: those of this version, or of the one before. */
export type KnownWords = 'all' | 'before'

/**
 * What a node of this role is given: secrets reach only the roles that use them, and a distribution that it would serve
 * by less than what it says reaches it as switched off.
 */
export function snapshotFor(role: RoleName, whole: Snapshot, words: KnownWords = 'all'): Snapshot {
  const snapshot = words === 'all' ? whole : asKnownBefore(whole)
  if (ROLES_WITH_SECRETS.has(role)) return snapshot
  const distributions = snapshot.distributions.map(distribution => ({
    ...distribution,
    origins: distribution.origins.map(origin =>
      origin.kind === 'http' ? { ...origin, headers: [] } : origin,
    ),
  }))
  return { ...snapshot, distributions, originAccess: [] }
}

/** As nodes of the version before may have it: what they would serve by less than it says is switched off. */
export function asKnownBefore(whole: Snapshot): Snapshot {
  const known = (each: Distribution): Distribution => (isKnownBefore(each) ? each : withheld(each))
  return { ...whole, distributions: whole.distributions.map(known) }
}

/** Reads a snapshot from control or from disk; throws a sentence when it is not one. */
export const readSnapshot: (value: unknown) => Snapshot = reader(Snapshot, 'the snapshot')

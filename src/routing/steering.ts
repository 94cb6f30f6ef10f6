import type { PeerNode } from '../distribution/index.ts'
import type { Distribution } from '../distribution/index.ts'
import type { Edge } from './edge.ts'
import { nameAtEdge, nameOfRouter } from './names.ts'
import type { Ranked } from './nearest.ts'

export type Scheme = 'http' | 'https'

/** Where a router says to players which edges there are. */
export const STEERING_PATH = '/.sluice/steering'
/** Seconds, after which a player asks again. One whose edge is gone does not wait for it. */
const STEERING_TTL = 20
/** A player needs to know where to go next, not of everybody. */
const MOST_PATHWAYS = 8

const STANDARD: Record<Scheme, number> = { http: 80, https: 443 }

/** The port where viewers reach a node by this scheme; undefined where they do not. */
export function portOf({ viewers }: Pick<Edge, 'viewers'>, scheme: Scheme): number | undefined {
  return viewers[scheme] ?? undefined
}

/** Without the port where that is the scheme's own. */
export function authorityOf(host: string, port: number, scheme: Scheme): string {
  return port === STANDARD[scheme] ? host : `${host}:${port}`
}

/** Where a router steers the players of a distribution; undefined where none is there that speaks the viewer's scheme. */
export function steeringUri(
  distribution: Pick<Distribution, 'id' | 'domain'>,
  nodes: readonly PeerNode[],
  scheme: Scheme,
): string | undefined {
  const routers = nodes.filter(({ role, draining }) => role === 'router' && draining !== true)
  const ports = routers.flatMap(({ viewers }) => (viewers && portOf({ viewers }, scheme)) ?? [])
  const [port] = ports
  if (port === undefined) return undefined
  const authority = authorityOf(nameOfRouter(distribution.domain), port, scheme)
  return `${scheme}://${authority}${steeringPath(distribution)}`
}

/**
 * The tag that a multivariant playlist gets; `port` is the one at which the player has it, where that is not the scheme's
 * own: a player may change the host of what it asks for and keeps the port (rfc8216bis §7.2).
 */
export function steeringTag(uri: string, port: string | undefined): string {
  return `#EXT-X-CONTENT-STEERING:SERVER-URI="${uri}${port === undefined ? '' : `&port=${port}`}"`
}

function steeringPath({ id }: Pick<Distribution, 'id'>, port?: number): string {
  return `${STEERING_PATH}?d=${id}${port === undefined ? '' : `&port=${port}`}`
}

/** rfc8216bis §7.1. */
export interface SteeringManifest {
  VERSION: 1
  TTL: number
  'RELOAD-URI': string
  'PATHWAY-PRIORITY': string[]
  'PATHWAY-CLONES'?: { 'BASE-ID': '.'; ID: string; 'URI-REPLACEMENT': { HOST: string } }[]
}

/** The pathway of a playlist that names none (rfc8216bis §4.4.6.6). */
const AS_WRITTEN = '.'

/** What a player has of a playlist: it keeps both at another host. */
export interface SteeredAt {
  scheme: Scheme
  /** Where that is not the scheme's own. */
  port?: number | undefined
}

/** Whether a player may go on at an edge. */
export function isSteeredTo(edge: Edge, { scheme, port = STANDARD[scheme] }: SteeredAt): boolean {
  return portOf(edge, scheme) === port
}

/**
 * What players are told: each edge is a copy of the playlist's own pathway under another host, at the port that they have.
 * What the playlist itself names comes last, since its host may be an edge that is gone.
 */
export function steeringManifest(
  distribution: Pick<Distribution, 'id' | 'domain'>,
  ranked: readonly Ranked[],
  at: SteeredAt,
): SteeringManifest {
  const reached = ranked.filter(({ edge }) => isSteeredTo(edge, at))
  const named = reached.slice(0, MOST_PATHWAYS).map(({ edge }) => edge.id)
  const clones = named.map(id => {
    const HOST = nameAtEdge(distribution.domain, id)
    return { 'BASE-ID': AS_WRITTEN, ID: id, 'URI-REPLACEMENT': { HOST } } as const
  })
  return {
    VERSION: 1,
    TTL: STEERING_TTL,
    'RELOAD-URI': steeringPath(distribution, at.port),
    'PATHWAY-PRIORITY': [...named, AS_WRITTEN],
    ...(clones.length > 0 && { 'PATHWAY-CLONES': clones }),
  }
}

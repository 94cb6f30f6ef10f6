import type { NodeId, RoleName } from '../core/index.ts'
import { ownersOf, type Channel, type Snapshot } from '../distribution/index.ts'
import type { NodeCredentials } from '../inbound/index.ts'
import type { Membership } from './membership.ts'
import { nodeName } from './node-names.ts'

/** Where a node that others ask says that it is there. */
export const ALIVE_PATH = '/.sluice/alive'

/** Where another node is reached. */
export interface NodePlace {
  /** http://127.0.0.1:9001, or https://host:port. */
  url: string
  /** Of a node on another machine: which one it has to prove to be. */
  id?: NodeId
}

/** What a connection to a node on another machine needs; PEM. */
export interface NodeTls {
  ca: string
  cert: string
  key: string
  servername: string
}

/** The nodes of a role that are to be asked, always in the same order; draining ones only where all are. */
export function placesOf({ nodes }: Pick<Snapshot, 'nodes'>, role: RoleName): NodePlace[] {
  const reached = nodes.filter(node => node.role === role && node.url)
  const serving = reached.filter(({ draining }) => draining !== true)
  return (serving.length > 0 ? serving : reached)
    .flatMap(({ id, url }) => (url ? [{ id, url }] : []))
    .sort((one, other) => (one.id < other.id ? -1 : 1))
}

/** Origins that other nodes reach, whoever has a channel first (`ownersOf`). */
export function placesOfChannel(
  { nodes }: Pick<Snapshot, 'nodes'>,
  channel: Pick<Channel, 'path' | 'owner'>,
): NodePlace[] {
  return ownersOf(channel, nodes).flatMap(({ id, url }) => (url ? [{ id, url }] : []))
}

/** Whether a node is to get nothing new. */
export function isDraining({ nodes }: Pick<Snapshot, 'nodes'>, id: NodeId): boolean {
  return nodes.find(node => node.id === id)?.draining === true
}

/** Undefined for a place on this machine, which is asked in the clear. */
export function tlsTo({ id }: NodePlace, membership: Membership | undefined): NodeTls | undefined {
  return id === undefined || membership === undefined ? undefined : termsTo(id, membership.credentials)
}

function termsTo(id: NodeId, { authority, certificate, key }: NodeCredentials): NodeTls {
  return { ca: authority, cert: certificate, key, servername: nodeName(id) }
}

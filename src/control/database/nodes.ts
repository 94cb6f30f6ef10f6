import { asc, eq, lt } from 'drizzle-orm'
import type { NodeId, RoleName } from '../../core/index.ts'
import { ownersAmong, type PeerNode, type ViewersAt } from '../../distribution/index.ts'
import type { Authority } from '../../inbound/index.ts'
import { disownChannels, nameOwner } from './channels.ts'
import type { Tx } from './database.ts'
import { addEvent } from './events.ts'
import { forgetOrigin } from './origin-leases.ts'
import { authority, joinTokens, nodes } from './tables.ts'
import { nameRemoved } from './usage.ts'

export async function listNodes(tx: Tx): Promise<PeerNode[]> {
  const rows = await tx.sql.select().from(nodes).orderBy(asc(nodes.id))
  return rows.map(({ id, role, publicKey, pop, url, drainingSince, viewers }) => ({
    ...{ id, role, publicKey, pop, url },
    ...(drainingSince !== null && { draining: true }),
    ...(viewers !== null && { viewers: placed(viewers) }),
  }))
}

/** Where viewers reach a node from now on. */
export async function setViewers(tx: Tx, id: NodeId, viewers: ViewersAt | null): Promise<void> {
  const [old] = await tx.sql.select().from(nodes).where(eq(nodes.id, id))
  if (old === undefined || isSamePlace(old.viewers, viewers)) return
  await tx.sql.update(nodes).set({ viewers }).where(eq(nodes.id, id))
  await tx.bump()
}

export function isSamePlace(one: ViewersAt | null, other: ViewersAt | null): boolean {
  return JSON.stringify(one && placed(one)) === JSON.stringify(other && placed(other))
}

/** What we know of it, in one order: a newer node says more, and the database has an order of its own. */
export function placed({ addresses, http, https, location, priceClass }: ViewersAt): ViewersAt {
  const at = location && { latitude: location.latitude, longitude: location.longitude }
  return { addresses, http, https, ...(at && { location: at }), ...(priceClass && { priceClass }) }
}

/** Whether a node is to get nothing new. */
export async function setDraining(
  tx: Tx,
  id: NodeId,
  wanted: 'draining' | 'serving',
): Promise<'changed' | 'same' | 'absent'> {
  const [old] = await tx.sql.select().from(nodes).where(eq(nodes.id, id))
  if (old === undefined) return 'absent'
  if ((old.drainingSince !== null) === (wanted === 'draining')) return 'same'
  const drainingSince = wanted === 'draining' ? tx.now : null
  await tx.sql.update(nodes).set({ drainingSince }).where(eq(nodes.id, id))
  await addEvent(tx, { type: `node.${wanted}`, subject: id, data: { role: old.role } })
  await tx.bump()
  return 'changed'
}

/** What the supervisor says of its own nodes. */
export type LocalNode = Pick<PeerNode, 'id' | 'role' | 'publicKey'> & { url: string | null }

export interface Keeper {
  name: string
  /** Whether another supervisor may have nodes of its own in this database. */
  database: 'its-own' | 'shared'
}

/** Makes a supervisor's own nodes exactly these; bumps the version only when something differs. */
export async function setLocalNodes(tx: Tx, wanted: readonly LocalNode[], keeper: Keeper): Promise<void> {
  const before = ownersAmong(await listNodes(tx))
  const known = await tx.sql.select().from(nodes).where(eq(nodes.origin, 'local'))
  for (const old of known) {
    const others = keeper.database === 'shared' && old.keeper !== keeper.name
    if (others || wanted.some(node => node.id === old.id)) continue
    await tx.bump()
    await tx.sql.delete(nodes).where(eq(nodes.id, old.id))
    await nameRemoved(tx, old.id)
  }
  for (const { id, role, publicKey, url } of wanted) {
    const old = known.find(node => node.id === id)
    if (old !== undefined && old.keeper !== keeper.name)
      await tx.sql.update(nodes).set({ keeper: keeper.name }).where(eq(nodes.id, id))
    if (old?.role === role && old.publicKey.x === publicKey.x && old.url === url) continue
    await tx.bump()
    const set = { role, publicKey, url, keeper: keeper.name }
    const row = { id, ...set, origin: 'local' as const, createdAt: tx.now }
    await tx.sql.insert(nodes).values(row).onConflictDoUpdate({ target: nodes.id, set })
  }
  const after = ownersAmong(await listNodes(tx))
  const [alone] = before.length === 1 ? before : []
  // As when one joins: until now it had all without being named.
  if (alone && after.length > 1 && after.some(({ id }) => id === alone.id)) await nameOwner(tx, alone.id)
}

/** A node that comes, or comes again with the same key; `taken` when its id is another's. */
export async function addNode(
  tx: Tx,
  node: Pick<PeerNode, 'id' | 'role' | 'publicKey' | 'pop' | 'url'>,
): Promise<'added' | 'taken'> {
  const [old] = await tx.sql.select().from(nodes).where(eq(nodes.id, node.id))
  if (old !== undefined && (old.origin === 'local' || old.publicKey.x !== node.publicKey.x)) return 'taken'
  if (old === undefined && node.role === 'origin') {
    const origins = ownersAmong(await listNodes(tx))
    // Until now it had all without being named.
    if (origins.length === 1 && origins[0]) await nameOwner(tx, origins[0].id)
  }
  const row = { ...node, origin: 'joined' as const, createdAt: tx.now }
  const { pop, url } = node
  await tx.sql.insert(nodes).values(row).onConflictDoUpdate({ target: nodes.id, set: { pop, url } })
  if (old === undefined)
    await addEvent(tx, {
      type: 'node.joined',
      subject: node.id,
      data: { role: node.role, pop: node.pop ?? null },
    })
  await tx.bump()
  return 'added'
}

/** Where a node that joined is reached now; of its own nodes the supervisor says that. */
export async function moveNode(tx: Tx, id: NodeId, url: string | null): Promise<void> {
  const [old] = await tx.sql.select().from(nodes).where(eq(nodes.id, id))
  if (old?.origin !== 'joined' || old.url === url) return
  await tx.sql.update(nodes).set({ url }).where(eq(nodes.id, id))
  await tx.bump()
}

/**
 * `local` nodes are a supervisor's; they go when it no longer names them, or by hand when they are `gone` with it, and
 * come again with its start.
 */
export async function removeNode(
  tx: Tx,
  id: NodeId,
  state: 'gone' | 'here',
): Promise<'removed' | 'absent' | 'local'> {
  const [old] = await tx.sql
    .select({ origin: nodes.origin, role: nodes.role })
    .from(nodes)
    .where(eq(nodes.id, id))
  if (old === undefined) return 'absent'
  if (old.origin === 'local' && state === 'here') return 'local'
  await tx.sql.delete(nodes).where(eq(nodes.id, id))
  await disownChannels(tx, id)
  await forgetOrigin(tx, id)
  await nameRemoved(tx, id)
  await addEvent(tx, { type: 'node.removed', subject: id, data: { role: old.role } })
  await tx.bump()
  return 'removed'
}

export async function readAuthority(tx: Tx): Promise<Authority | undefined> {
  const [row] = await tx.sql.select().from(authority)
  return row && { certificate: row.certificate, key: row.key }
}

/** Of two that are kept at once the first stays. */
export async function keepAuthority(tx: Tx, made: Authority): Promise<void> {
  await tx.sql
    .insert(authority)
    .values({ id: 1, ...made, createdAt: tx.now })
    .onConflictDoNothing()
}

export interface JoinPass {
  role: RoleName
  pop: string
  usedBy: NodeId | null
}

export async function addJoinToken(
  tx: Tx,
  token: { sha256: string; role: RoleName; pop: string; expiresAt: number },
): Promise<void> {
  await tx.sql.delete(joinTokens).where(lt(joinTokens.expiresAt, tx.now))
  await tx.sql.insert(joinTokens).values({ ...token, createdAt: tx.now })
}

/** What a token that has not expired lets in. */
export async function findJoinToken(tx: Tx, sha256: string): Promise<JoinPass | undefined> {
  const [row] = await tx.sql.select().from(joinTokens).where(eq(joinTokens.sha256, sha256))
  if (row === undefined || row.expiresAt <= tx.now) return undefined
  return { role: row.role, pop: row.pop, usedBy: row.usedBy }
}

export async function useJoinToken(tx: Tx, sha256: string, by: NodeId): Promise<void> {
  await tx.sql.update(joinTokens).set({ usedBy: by }).where(eq(joinTokens.sha256, sha256))
}

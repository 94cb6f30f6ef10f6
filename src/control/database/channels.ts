import { count, eq, inArray, isNull, or, sql } from 'drizzle-orm'
import {
  enclosingPaths,
  newChannelId,
  type AssetPath,
  type ChannelId,
  type Instant,
  type KeyGroupId,
  type Milliseconds,
  type NodeId,
} from '../../core/index.ts'
import type { Channel } from '../../distribution/index.ts'
import type { Tx } from './database.ts'
import { channels, keyGroups } from './tables.ts'

export interface ChannelRow {
  id: ChannelId
  path: string
  /** The group's name. */
  keyGroup: string
  reconnectMs: Milliseconds
  owner: NodeId | null
  createdAt: Instant
}

/** All channels in the order of their paths, or those at or under one. */
export async function listChannels(tx: Tx, prefix: string | undefined): Promise<ChannelRow[]> {
  const rows = await tx.sql
    .select({
      id: channels.id,
      path: channels.path,
      keyGroup: keyGroups.name,
      reconnectMs: channels.reconnectMs,
      owner: channels.owner,
      createdAt: channels.createdAt,
    })
    .from(channels)
    .innerJoin(keyGroups, eq(keyGroups.id, channels.keyGroup))
    .where(
      prefix === undefined
        ? undefined
        : or(
            eq(channels.path, prefix),
            sql`starts_with(${channels.path}, ${`${prefix.replace(/\/$/, '')}/`})`,
          ),
    )
  return rows.map(row => ({ ...row, createdAt: row.createdAt as Instant })).sort(byPath) // epoch milliseconds
}

/** As nodes follow them, in the order of their paths. */
export async function channelsOfSnapshot(tx: Tx): Promise<Channel[]> {
  const rows = await tx.sql.select().from(channels)
  return rows
    .map(({ id, path, keyGroup, reconnectMs, stops, lease, owner }) => ({
      id,
      path,
      ingest: { keyGroups: [keyGroup] },
      reconnect: reconnectMs,
      stops,
      lease,
      ...(owner !== null && { owner }),
    }))
    .sort(byPath)
}

/** Channels at, around or inside a path. */
export async function channelsInTheWay(tx: Tx, path: AssetPath): Promise<string[]> {
  const rows = await tx.sql
    .select({ path: channels.path })
    .from(channels)
    .where(
      or(inArray(channels.path, enclosingPaths(path)), sql`starts_with(${channels.path}, ${`${path}/`})`),
    )
  return rows.map(row => row.path).sort()
}

export async function countChannels(tx: Tx): Promise<number> {
  const [row] = await tx.sql.select({ value: count() }).from(channels)
  return row?.value ?? 0
}

/** The channel's snapshot version. */
export async function insertChannel(
  tx: Tx,
  wanted: { path: AssetPath; keyGroup: KeyGroupId; reconnectMs: Milliseconds; owner: NodeId | null },
): Promise<number> {
  const version = await tx.bump()
  await tx.sql
    .insert(channels)
    .values({ id: newChannelId(), ...wanted, stops: version, lease: 1, createdAt: tx.now })
  return version
}

/** Undefined when there is no such channel, else the snapshot version that carries the stop. */
export async function countStop(tx: Tx, path: AssetPath): Promise<number | undefined> {
  const there = await tx.sql.select({ id: channels.id }).from(channels).where(eq(channels.path, path))
  if (there.length === 0) return undefined
  const version = await tx.bump()
  // By one, or more after a restore: nodes may have seen stops that the backup does not know of, below this version.
  const stops = sql`greatest(${channels.stops} + 1, ${version})`
  await tx.sql.update(channels).set({ stops }).where(eq(channels.path, path))
  return version
}

export async function deleteChannel(tx: Tx, path: AssetPath): Promise<'deleted' | 'absent'> {
  const gone = await tx.sql.delete(channels).where(eq(channels.path, path)).returning({ id: channels.id })
  if (gone.length === 0) return 'absent'
  await tx.bump()
  return 'deleted'
}

/** Who has each channel, and under which number. */
export async function channelOwners(
  tx: Tx,
): Promise<{ path: string; owner: NodeId | null; lease: number }[]> {
  return tx.sql.select({ path: channels.path, owner: channels.owner, lease: channels.lease }).from(channels)
}

/** `renewed`: whoever has had it under an older number is to drop it. The caller bumps the version. */
export async function giveChannels(
  tx: Tx,
  paths: readonly string[],
  { owner, number }: { owner: NodeId; number: 'kept' | 'renewed' },
): Promise<void> {
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    await tx.sql
      .update(channels)
      .set({ owner, ...(number === 'renewed' && { lease: sql`${channels.lease} + 1` }) })
      .where(inArray(channels.path, paths.slice(at, at + AT_ONCE)))
  }
}

/** Names the origin that has all channels that nobody was given, since it was alone until now. */
export async function nameOwner(tx: Tx, owner: NodeId): Promise<void> {
  await tx.sql.update(channels).set({ owner }).where(isNull(channels.owner))
}

/** An origin is no more: what it has is nobody's, and it is to drop it should it still run. */
export async function disownChannels(tx: Tx, owner: NodeId): Promise<void> {
  await tx.sql
    .update(channels)
    .set({ owner: null, lease: sql`${channels.lease} + 1` })
    .where(eq(channels.owner, owner))
}

/** Parameters of one statement. */
const AT_ONCE = 1_000

/** By code unit, whatever the database sorts by. */
function byPath(one: { path: string }, other: { path: string }): number {
  return one.path < other.path ? -1 : 1
}

import { count, eq, inArray, or, sql } from 'drizzle-orm'
import {
  enclosingPaths,
  newChannelId,
  type AssetPath,
  type ChannelId,
  type Instant,
  type KeyGroupId,
  type Milliseconds,
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
    .map(({ id, path, keyGroup, reconnectMs, stops, lease }) => ({
      id,
      path,
      ingest: { keyGroups: [keyGroup] },
      reconnect: reconnectMs,
      stops,
      lease,
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
  wanted: { path: AssetPath; keyGroup: KeyGroupId; reconnectMs: Milliseconds },
): Promise<number> {
  const version = await tx.bump()
  await tx.sql
    .insert(channels)
    .values({ id: newChannelId(), ...wanted, stops: version, lease: 1, createdAt: tx.now })
  return version
}

/** Undefined when there is no such channel, else the snapshot version that carries the stop. */
export async function countStop(tx: Tx, path: AssetPath): Promise<number | undefined> {
  const stopped = await tx.sql
    .update(channels)
    .set({ stops: sql`${channels.stops} + 1` })
    .where(eq(channels.path, path))
    .returning({ id: channels.id })
  return stopped.length === 0 ? undefined : tx.bump()
}

export async function deleteChannel(tx: Tx, path: AssetPath): Promise<'deleted' | 'absent'> {
  const gone = await tx.sql.delete(channels).where(eq(channels.path, path)).returning({ id: channels.id })
  if (gone.length === 0) return 'absent'
  await tx.bump()
  return 'deleted'
}

/** By code unit, whatever the database sorts by. */
function byPath(one: { path: string }, other: { path: string }): number {
  return one.path < other.path ? -1 : 1
}

import { SluiceError, type AssetPath, type NodeId } from '../core/index.ts'
import type { NewChannel } from '../client/index.ts'
import { DEFAULT_GROUP, ownersAmong, ownersOf, type KeyGroup } from '../distribution/index.ts'
import {
  assetsInTheWay,
  channelsInTheWay,
  countChannels,
  countStop,
  deleteChannel,
  findKeyGroup,
  insertChannel,
  invalidateBuiltIn,
  listDistributions,
  listNodes,
  type Tx,
} from './database/index.ts'
import { openInOneOnly } from './open-in-one-only.ts'
import { channelPath } from './paths.ts'

/** As many as a report of an origin may hold. */
const MOST_CHANNELS = 10_000
const DEFAULT_RECONNECT_SECONDS = 30

export interface Created {
  path: AssetPath
  snapshotVersion: number
  warnings: string[]
}

export async function createChannel(tx: Tx, wanted: NewChannel): Promise<Created> {
  const path = channelPath(wanted.path)
  await refuseTaken(tx, path)
  if ((await countChannels(tx)) >= MOST_CHANNELS) {
    throw conflict('too-many-channels', `there are ${MOST_CHANNELS} channels already: delete one first`)
  }
  const group = await groupOf(tx, wanted.keyGroup ?? DEFAULT_GROUP)
  const seconds = wanted.reconnectSeconds ?? DEFAULT_RECONNECT_SECONDS
  const owner = await firstOwner(tx, path)
  await insertChannel(tx, { path, keyGroup: group.id, reconnectMs: Math.round(seconds * 1000), owner })
  // Edges may have stored that nothing is there.
  const snapshotVersion = await invalidateBuiltIn(tx, [`${path}/*`])
  const keyless = group.keys.length === 0 ? [keylessWarning(path, group.name)] : []
  const open = openInOneOnly(await listDistributions(tx), path)
  return { path, snapshotVersion, warnings: [...keyless, ...open] }
}

/** The only origin needs not be named. */
async function firstOwner(tx: Tx, path: AssetPath): Promise<NodeId | null> {
  const origins = ownersAmong(await listNodes(tx))
  return origins.length < 2 ? null : (ownersOf({ path }, origins)[0]?.id ?? null)
}

/** The snapshot version that carries the stop. */
export async function stopChannel(tx: Tx, text: string): Promise<number> {
  const path = channelPath(text)
  const version = await countStop(tx, path)
  if (version === undefined) throw noChannel(path)
  return version
}

/** The snapshot version without the channel. */
export async function removeChannel(tx: Tx, text: string): Promise<{ path: AssetPath; version: number }> {
  const path = channelPath(text)
  if ((await deleteChannel(tx, path)) === 'absent') throw noChannel(path)
  return { path, version: await invalidateBuiltIn(tx, [`${path}/*`]) }
}

export function noChannel(path: string): SluiceError {
  return new SluiceError(
    'not-found',
    `there is no channel ${path}: make it with sluice live create ${path}`,
    {
      side: 'operator',
      kind: 'not-found',
    },
  )
}

/** Throws when a channel lies at, around or inside a path that something is to be published at. */
export async function refuseChannelInTheWay(tx: Tx, path: AssetPath): Promise<void> {
  const other = (await channelsInTheWay(tx, path)).find(channel => !isArchived(path, channel))
  if (other === undefined) return
  throw conflict(
    'overlap',
    other === path
      ? `${path} is a live channel: publish at another path or delete the channel (sluice live delete ${path})`
      : `${nested(path, other)}, and ${other} is a live channel: publish at another path`,
  )
}

async function refuseTaken(tx: Tx, path: AssetPath): Promise<void> {
  const taken = await channelsInTheWay(tx, path)
  if (taken.includes(path)) {
    throw conflict('exists', `there is a channel ${path} already: sluice live show ${path} tells how it is`)
  }
  const [channel] = taken
  if (channel !== undefined) {
    throw conflict(
      'overlap',
      `${nested(path, channel)}: choose another path or delete the channel ${channel}`,
    )
  }
  const asset = (await assetsInTheWay(tx, path)).find(each => !isArchived(each, path))
  if (asset === undefined) return
  throw conflict(
    'overlap',
    asset === path
      ? `something is published at ${path}: choose another path or unpublish it (sluice unpublish ${path})`
      : `${nested(path, asset)}: choose another path or unpublish ${asset}`,
  )
}

/** What lies inside a channel's `archive/` does not meet it (SEAMS 2). */
function isArchived(asset: string, channel: string): boolean {
  return asset.startsWith(`${channel}/archive/`)
}

function nested(path: string, other: string): string {
  const [inner, outer] = other.length > path.length ? [other, path] : [path, other]
  return `${inner} would lie inside ${outer}`
}

async function groupOf(tx: Tx, name: string): Promise<KeyGroup> {
  const group = await findKeyGroup(tx, name)
  if (group) return group
  const message = `there is no key group "${name}": make it with its first key, sluice keys create NAME --group ${name}`
  throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

function keylessWarning(path: string, group: string): string {
  const flag = group === DEFAULT_GROUP ? '' : ` --group ${group}`
  return `the key group "${group}" has no key yet, so nobody can publish to ${path}: make one with sluice keys create NAME${flag}`
}

function conflict(code: string, message: string): SluiceError {
  return new SluiceError(code, message, { side: 'operator', kind: 'conflict' })
}

import type { KeyId } from '../core/index.ts'
import type { Channel, Snapshot } from '../distribution/index.ts'
import { trustedKeys, type TrustedKeys } from '../signing/index.ts'

/** What a snapshot means to a gateway, compiled once when it is applied and swapped as a whole. */
export interface Site {
  channel(path: string): Channel | undefined
  /** The keys that may sign for publishing to a channel; for one that does not exist, those of the group `default`. */
  trustedBy(channel: Channel | undefined): TrustedKeys
  /** Keys that cannot be read and open nothing. */
  readonly unusable: readonly KeyId[]
}

/** The group that signs where nobody named another (SEAMS 8). */
const DEFAULT_GROUP = 'default'

export function compileSite({ channels, keyGroups }: Pick<Snapshot, 'channels' | 'keyGroups'>): Site {
  const groups = new Map<string, (typeof keyGroups)[number]>(keyGroups.map(group => [group.id, group]))
  const byPath = new Map(channels.map(channel => [channel.path, channel]))
  const bySet = new Map<string, TrustedKeys>()
  // Thousands of channels share a few sets of groups, and reading a key costs more than using it.
  const keysOf = (ids: readonly string[]): TrustedKeys => {
    const set = ids.join('\n')
    const known = bySet.get(set)
    if (known) return known
    const keys = trustedKeys(ids.flatMap(id => groups.get(id) ?? []))
    bySet.set(set, keys)
    return keys
  }
  const byDefault = keysOf(keyGroups.filter(group => group.name === DEFAULT_GROUP).map(group => group.id))
  for (const channel of channels) keysOf(channel.ingest.keyGroups)
  return {
    channel: path => byPath.get(path),
    trustedBy: channel => (channel ? keysOf(channel.ingest.keyGroups) : byDefault),
    unusable: [...new Set([...bySet.values()].flatMap(keys => keys.unusable))],
  }
}

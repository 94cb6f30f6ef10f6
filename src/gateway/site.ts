import type { KeyId } from '../core/index.ts'
import { publishingGroups, type Channel, type Snapshot } from '../distribution/index.ts'
import { trustedKeys, type TrustedKeys } from '../signing/index.ts'

/** What a snapshot means to a gateway, compiled once when it is applied and swapped as a whole. */
export interface Site {
  channel(path: string): Channel | undefined
  /** The keys that may sign for publishing to a channel; for one that does not exist, those of the group `default`. */
  trustedBy(channel: Channel | undefined): TrustedKeys
  /** Keys that cannot be read and open nothing. */
  readonly unusable: readonly KeyId[]
}

/** No set of ids reads so. */
const NO_CHANNEL = '\n'

export function compileSite({ channels, keyGroups }: Pick<Snapshot, 'channels' | 'keyGroups'>): Site {
  const byPath = new Map(channels.map(channel => [channel.path, channel]))
  const bySet = new Map<string, TrustedKeys>()
  // Thousands of channels share a few sets of groups, and reading a key costs more than using it.
  const keysOf = (channel: Channel | undefined): TrustedKeys => {
    const set = channel?.ingest.keyGroups.join('\n') ?? NO_CHANNEL
    const known = bySet.get(set)
    if (known) return known
    const keys = trustedKeys(publishingGroups(channel, keyGroups))
    bySet.set(set, keys)
    return keys
  }
  for (const channel of [undefined, ...channels]) keysOf(channel)
  return {
    channel: path => byPath.get(path),
    trustedBy: keysOf,
    unusable: [...new Set([...bySet.values()].flatMap(keys => keys.unusable))],
  }
}

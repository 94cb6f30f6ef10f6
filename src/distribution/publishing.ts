import type { Channel, KeyGroup } from './schema.ts'

/** The group that signs where nobody named another (SEAMS 8). */
export const DEFAULT_GROUP = 'default'

/**
 * The key groups that may sign for publishing to a channel. One that does not exist is judged by the group `default`,
 * so that whoever has no grant hears nothing of which channels exist.
 */
export function publishingGroups<Group extends Pick<KeyGroup, 'id' | 'name'>>(
  channel: Pick<Channel, 'ingest'> | undefined,
  groups: readonly Group[],
): Group[] {
  return groups.filter(({ id, name }) =>
    channel ? channel.ingest.keyGroups.includes(id) : name === DEFAULT_GROUP,
  )
}

/** What encoders and those who ask for an explanation are told where there is no channel. */
export function noChannel(path: string): string {
  return `there is no channel ${path}; "sluice live create ${path}" makes it`
}

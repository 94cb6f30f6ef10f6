import type { Services } from '../services.ts'

/** Versions of the snapshot that each node has which lives. */
export type Deployed = (version: number) => boolean

/**
 * What every live node has applied, as of now. A node that is away is not waited for: when it comes back it takes the
 * newest snapshot before it serves.
 *
 * Asked before a transaction, never in one: a snapshot that is being built waits for the database, of which the embedded
 * one has a single connection.
 */
export async function deployments({
  snapshots,
  acknowledgements,
}: Pick<Services, 'snapshots' | 'acknowledgements'>): Promise<Deployed> {
  const { nodes } = await snapshots.current()
  return version => acknowledgements.lacking(version, nodes).length === 0
}

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, messageOf, reader, Type } from '../core/index.ts'
import { asKnownBefore, Distribution, PeerNode, readSnapshot, type Snapshot } from '../distribution/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { isOlder, softwareVersion } from './software.ts'
import { writeWhole } from './write-whole.ts'

/**
 * A snapshot and the life of the control database that it is of. Versions are comparable within one epoch only: a
 * database that was made anew, or restored from a backup, begins another.
 */
export interface EpochSnapshot {
  epoch: string
  snapshot: Snapshot
  /**
   * `other`: stored by a Sluice of another minor version, which may have been given less than this one is. Control is
   * asked for the same version again.
   */
  words?: 'other'
}

const readEnvelope = reader(
  Type.Object({
    epoch: Type.String(),
    /** As the version before would be given it, which reads this and nothing else of the file. */
    snapshot: Type.Unknown(),
    /** The Sluice that wrote it; 0.5 did not say so. */
    by: Type.Optional(Type.String()),
    /** The distributions that the version before would not follow, as they are. */
    withheld: Type.Optional(Type.Array(Distribution)),
    /** The nodes that it must not be told of. */
    nodes: Type.Optional(Type.Array(Type.Unsafe<PeerNode>(PeerNode))),
  }),
  'the stored snapshot',
)

function fileIn(stateDir: string): string {
  return join(stateDir, 'snapshot.json')
}

/** The snapshot of the last run; undefined when there is none or it cannot be read, since control has a better one. */
export async function loadSnapshot(stateDir: string, log: Logger): Promise<EpochSnapshot | undefined> {
  try {
    const {
      epoch,
      by,
      withheld = [],
      nodes = [],
      ...stored
    } = readEnvelope(JSON.parse(await readFile(fileIn(stateDir), 'utf8')))
    const snapshot = readSnapshot(stored.snapshot)
    const own = softwareVersion()
    if (by === undefined || isOlder(by, own) || isOlder(own, by)) return { epoch, snapshot, words: 'other' }
    const whole = new Map(withheld.map(each => [each.id, each]))
    const distributions = snapshot.distributions.map(each => whole.get(each.id) ?? each)
    return { epoch, snapshot: { ...snapshot, distributions, nodes: [...snapshot.nodes, ...nodes] } }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') log.warn({ error: messageOf(error) }, 'stored snapshot ignored')
    return undefined
  }
}

// 0600: it names every node and key group of the CDN.
export async function saveSnapshot(stateDir: string, { epoch, snapshot }: EpochSnapshot): Promise<void> {
  const before = asKnownBefore(snapshot)
  const withheld = snapshot.distributions.filter(each => !before.distributions.includes(each))
  const nodes = snapshot.nodes.filter(each => !before.nodes.includes(each))
  const stored = { epoch, by: softwareVersion(), snapshot: before, withheld, nodes }
  await writeWhole(fileIn(stateDir), JSON.stringify(stored), 0o600)
}

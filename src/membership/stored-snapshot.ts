import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, messageOf, reader, Type } from '../core/index.ts'
import { readSnapshot, type Snapshot } from '../distribution/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { writeWhole } from './write-whole.ts'

/**
 * A snapshot and the life of the control database that it is of. Versions are comparable within one epoch only: a
 * database that was made anew, or restored from a backup, begins another.
 */
export interface EpochSnapshot {
  epoch: string
  snapshot: Snapshot
}

const readEnvelope = reader(
  Type.Object({ epoch: Type.String(), snapshot: Type.Unknown() }),
  'the stored snapshot',
)

function fileIn(stateDir: string): string {
  return join(stateDir, 'snapshot.json')
}

/** The snapshot of the last run; undefined when there is none or it cannot be read, since control has a better one. */
export async function loadSnapshot(stateDir: string, log: Logger): Promise<EpochSnapshot | undefined> {
  try {
    const { epoch, snapshot } = readEnvelope(JSON.parse(await readFile(fileIn(stateDir), 'utf8')))
    return { epoch, snapshot: readSnapshot(snapshot) }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') log.warn({ error: messageOf(error) }, 'stored snapshot ignored')
    return undefined
  }
}

// 0600: it names every node and key group of the CDN.
export async function saveSnapshot(stateDir: string, { epoch, snapshot }: EpochSnapshot): Promise<void> {
  await writeWhole(fileIn(stateDir), JSON.stringify({ epoch, snapshot }), 0o600)
}

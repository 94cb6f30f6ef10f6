import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, SluiceError } from '../core/index.ts'
import { blobsOf, NO_MATERIALS, type Materials, type Snapshot } from '../distribution/index.ts'

/** Where a node keeps the blob of a digest. */
export function blobFile(stateDir: string, sha256: string): string {
  return join(stateDir, 'blobs', sha256)
}

/**
 * What a snapshot names, from a node's disk: it lies there before that snapshot is applied. Every process of the node may
 * ask. Throws `blob-missing`, of a file that is not what its name says too.
 */
export async function storedMaterials(
  stateDir: string,
  snapshot: Pick<Snapshot, 'functions' | 'stores'>,
): Promise<Materials> {
  const blobs = blobsOf(snapshot)
  if (blobs.length === 0) return NO_MATERIALS
  const read = async ({ sha256 }: { sha256: string }): Promise<[string, Uint8Array]> => {
    const bytes = await readFile(blobFile(stateDir, sha256)).catch((error: unknown) => {
      throw missing(sha256, codeOf(error))
    })
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw missing(sha256, 'another digest')
    return [sha256, bytes]
  }
  return new Map(await Promise.all(blobs.map(read)))
}

function missing(sha256: string, why: string | undefined): SluiceError {
  return new SluiceError(
    'blob-missing',
    `the blob ${sha256} is not on this node's disk (${why ?? 'unreadable'})`,
    {
      kind: 'unavailable',
    },
  )
}

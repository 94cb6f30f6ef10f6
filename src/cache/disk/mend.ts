import type { Dir } from 'node:fs'
import { access, opendir, stat } from 'node:fs/promises'
import { pause, type Bytes, type Milliseconds } from '../../core/index.ts'
import { idOfName, isName, nameOf } from './file-id.ts'
import { isAbsence, type Layout } from './layout.ts'
import type { ShardIndex } from './shard-index.ts'

/** So many questions of the file system, then a pause: a walk over a million files must not be felt by viewers. */
const BURST = 128
const PAUSE: Milliseconds = 5
/** The index has 32 bits for a size; a file that is longer is deleted when it is asked for. */
const MOST_COUNTED: Bytes = 0xffff_ffff

/**
 * Walks one shard's folder and brings its index in line with it: files that it lacks enter, entries without a file go.
 * Then it is certain. Changes may go on meanwhile. Rejects when the folder cannot be read, which is then left as it is.
 */
export async function mendIndex(index: ShardIndex, layout: Layout, signal: AbortSignal): Promise<void> {
  const folder = layout.shard(index.shard)
  const step = pacer(signal)
  const present = new Set<string>()
  for await (const { name } of await entriesOf(folder)) {
    if (signal.aborted) return
    if (!isName(name)) continue
    present.add(name)
    const id = idOfName(name)
    if (index.table.sizeOf(id) !== undefined) continue
    await step()
    const found = await stat(`${folder}/${name}`).catch(() => undefined)
    // It may have been replaced or entered by now.
    if (!found?.isFile() || found.size === 0 || index.table.sizeOf(id) !== undefined) continue
    index.add(id, Math.min(found.size, MOST_COUNTED), Math.floor(found.mtimeMs / 1000))
  }
  for (const id of [...index.table.ids()]) {
    const name = nameOf(id)
    if (present.has(name)) continue
    await step()
    if (signal.aborted) return
    const added = index.added
    if ((await isGone(`${folder}/${name}`)) && index.added === added) index.remove(id)
  }
  index.certain = true
}

/** Nothing, where there is no folder. */
async function entriesOf(folder: string): Promise<Dir | []> {
  try {
    return await opendir(folder, { bufferSize: 512 })
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}

async function isGone(path: string): Promise<boolean> {
  return access(path).then(() => false, isAbsence)
}

function pacer(signal: AbortSignal): () => Promise<void> {
  let steps = 0
  return async () => {
    if (++steps % BURST === 0) await pause(PAUSE, signal)
  }
}

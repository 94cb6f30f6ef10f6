import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../core/index.ts'
import { nameOf } from './file-id.ts'
import type { FileId } from './slot-table.ts'

/** What changes a disk, as far as the tier needs it; handed in by tests that make it fail. */
export type DiskFiles = Pick<typeof promises, 'mkdir' | 'writeFile' | 'appendFile' | 'rename' | 'unlink'>

export const diskFiles: DiskFiles = promises

/** Whether a failure says that a file is not there, perhaps since something else is in the place of its folder. */
export function isAbsence(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
}

/** `00` to `3f`. */
export function shardName(shard: number): string {
  return shard.toString(16).padStart(2, '0')
}

/** Removes all objects of these shards, when no tier has them open. Rejects when that cannot be done. */
export async function emptyShards(folder: string, shards: readonly number[]): Promise<void> {
  const layout = new Layout(folder)
  for (const shard of shards) await promises.rm(layout.shard(shard), { recursive: true, force: true })
}

/** Where everything lies inside the folder: objects by shard, indexes, and files that are not finished. */
export class Layout {
  readonly index: string
  readonly aside: string
  readonly forgotten: string
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    this.index = join(folder, 'index')
    this.aside = join(folder, 'aside')
    this.forgotten = join(folder, 'forgotten')
  }

  shard(shard: number): string {
    return join(this.#folder, shardName(shard))
  }

  object(shard: number, id: FileId): string {
    return join(this.shard(shard), nameOf(id))
  }

  /** Makes what is not there; tells which shards' folders were not, so that nothing can be in them. */
  async make(shards: readonly number[], files: DiskFiles): Promise<number[]> {
    const make = (folder: string): Promise<string | undefined> =>
      files.mkdir(folder, { recursive: true, mode: 0o700 })
    await make(this.index)
    await make(this.aside)
    const made: number[] = []
    for (const shard of shards) if ((await make(this.shard(shard))) !== undefined) made.push(shard)
    return made
  }
}

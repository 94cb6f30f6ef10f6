import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import {
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
  unlink,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { codeOf, instant, type Bytes } from '../core/index.ts'
import type {
  GrowingObjects,
  ObjectInfo,
  ObjectKey,
  ObjectStore,
  ObjectVersion,
  VersionedObject,
} from './contract.ts'
import { underLock } from './file-lock.ts'
import { notFound, storageError } from './failure.ts'
import { growingFiles } from './growing-files.ts'
import { objectKey, prefixSegments } from './object-key.ts'
import { sweepTemporary, temporaryName } from './temporary.ts'
import { versionOfBytes } from './version.ts'

/**
 * Objects as files under `<folder>/objects`; unfinished ones under `<folder>/tmp` on the same filesystem, so that
 * publishing one is a rename. A file and its folder are synced before `put` and `move` return: what was acknowledged
 * survives a power cut.
 */
export async function filesystemStore(folder: string): Promise<ObjectStore> {
  const root = join(folder, 'objects')
  const temporary = join(folder, 'tmp')
  await mkdir(root, { recursive: true })
  await mkdir(temporary, { recursive: true })
  await sweepTemporary(temporary, Date.now())
  return new FilesystemStore(folder, root, temporary)
}

class FilesystemStore implements ObjectStore {
  readonly reach = 'near'
  readonly growing: GrowingObjects
  readonly #folder: string
  readonly #root: string
  readonly #temporary: string
  /** The ends of the queues of changes that compare first. */
  readonly #comparing = new Map<ObjectKey, Promise<unknown>>()

  constructor(folder: string, root: string, temporary: string) {
    this.#folder = folder
    this.#root = root
    this.#temporary = temporary
    this.growing = growingFiles(this, folder)
  }

  // Checks again, though the type says it: this is the one place where a key becomes a path.
  #path(key: ObjectKey): string {
    return join(this.#root, ...objectKey(key).split('/'))
  }

  async head(key: ObjectKey): Promise<ObjectInfo | undefined> {
    const found = await fileStats(this.#path(key))
    return found && { key, size: found.size, modified: instant(Math.floor(found.mtimeMs)) }
  }

  async read(key: ObjectKey, start: number, length: number): Promise<Uint8Array> {
    const { file, size } = await this.#open(key)
    try {
      const wanted = Math.max(0, Math.min(length, size - start))
      const bytes = Buffer.allocUnsafeSlow(wanted)
      let filled = 0
      while (filled < wanted) {
        const { bytesRead } = await file.read(bytes, filled, wanted - filled, start + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    } finally {
      await file.close()
    }
  }

  async stream(key: ObjectKey): Promise<Readable> {
    const { file } = await this.#open(key)
    return file.createReadStream()
  }

  async #open(key: ObjectKey): Promise<{ file: FileHandle; size: Bytes }> {
    let file: FileHandle
    try {
      file = await open(this.#path(key), constants.O_RDONLY)
    } catch (error) {
      throw storageError(error, key, this.#folder)
    }
    // Opening a folder succeeds on Linux; reading it would not.
    const found = await file.stat()
    if (found.isFile()) return { file, size: found.size }
    await file.close()
    throw notFound(key)
  }

  async put(key: ObjectKey, body: Uint8Array | Readable): Promise<void> {
    const target = this.#path(key)
    const temporary = join(this.#temporary, temporaryName())
    try {
      await write(temporary, body)
      await this.#publish(temporary, target)
    } catch (error) {
      await rm(temporary, { force: true })
      throw storageError(error, key, this.#folder)
    }
  }

  async readVersion(key: ObjectKey): Promise<VersionedObject | undefined> {
    try {
      const body = await this.read(key, 0, Infinity)
      return { body, version: versionOfBytes(body) }
    } catch (error) {
      if (codeOf(error) === 'object-not-found') return undefined
      throw error
    }
  }

  /** One after the other, also among the machines that share the folder. */
  async putVersion(
    key: ObjectKey,
    body: Uint8Array,
    before: ObjectVersion | undefined,
  ): Promise<'written' | 'changed'> {
    const compare = async (): Promise<'written' | 'changed'> => {
      if ((await this.readVersion(key))?.version !== before) return 'changed'
      await this.put(key, body)
      return 'written'
    }
    const lock = join(this.#folder, 'locks', createHash('sha256').update(key).digest('hex').slice(0, 32))
    const alone = (): Promise<'written' | 'changed'> =>
      underLock(lock, compare).catch((error: unknown) => {
        throw storageError(error, key, this.#folder)
      })
    const mine = (this.#comparing.get(key) ?? Promise.resolve()).then(alone, alone)
    this.#comparing.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#comparing.get(key) === mine) this.#comparing.delete(key)
    }
  }

  async move(from: ObjectKey, to: ObjectKey): Promise<void> {
    const source = this.#path(from)
    if (!(await fileStats(source))) throw notFound(from)
    try {
      await this.#publish(source, this.#path(to))
    } catch (error) {
      throw storageError(error, from, this.#folder)
    }
    await sync(dirname(source))
    await this.#prune(dirname(source))
  }

  async #publish(source: string, target: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      await mkdir(dirname(target), { recursive: true })
      try {
        await rename(source, target)
        break
      } catch (error) {
        // Someone may have pruned the folder between the two calls.
        if (codeOf(error) !== 'ENOENT' || attempt === 3) throw error
      }
    }
    await sync(dirname(target))
  }

  async delete(key: ObjectKey): Promise<void> {
    const path = this.#path(key)
    if (!(await fileStats(path))) return
    await unlink(path).catch(ignore('ENOENT'))
    await this.#prune(dirname(path))
  }

  async deleteAll(prefix: string): Promise<void> {
    const path = join(this.#root, ...prefixSegments(prefix))
    await rm(path, { recursive: true, force: true })
    if (path === this.#root) await mkdir(path, { recursive: true })
    else await this.#prune(dirname(path))
  }

  /** Removes folders that became empty, up to the root. */
  async #prune(folder: string): Promise<void> {
    for (let at = folder; at !== this.#root && at.startsWith(this.#root); at = dirname(at)) {
      try {
        await rmdir(at)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') return
      }
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    yield* this.#walk(prefixSegments(prefix))
  }

  async *#walk(segments: string[]): AsyncIterable<ObjectInfo> {
    const folder = join(this.#root, ...segments)
    const entries = await readdir(folder, { withFileTypes: true }).catch(ignore('ENOENT'))
    for (const entry of (entries ?? []).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) yield* this.#walk([...segments, entry.name])
      else {
        const info = await this.head(objectKey(...segments, entry.name))
        if (info) yield info
      }
    }
  }

  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#root)
    return bavail * bsize
  }

  localPath(key: ObjectKey): string {
    return this.#path(key)
  }
}

async function fileStats(path: string): Promise<Stats | undefined> {
  const found = await stat(path).catch(ignore('ENOENT', 'ENOTDIR'))
  return found?.isFile() === true ? found : undefined
}

async function write(path: string, body: Uint8Array | Readable): Promise<void> {
  const file = await open(path, 'wx', 0o644)
  try {
    await writeFile(file, body)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(ignore('ENOENT'))
  if (!handle) return
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function ignore(...codes: string[]): (error: unknown) => undefined {
  return error => {
    if (!codes.includes(codeOf(error) ?? '')) throw error
    return undefined
  }
}

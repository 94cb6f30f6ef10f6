import { Readable } from 'node:stream'
import { readCacheFile, type StoredObject } from '../../cache/index.ts'
import type { Bytes } from '../../core/index.ts'
import { markOf, type BodyFile } from '../peers/body-file.ts'

interface Opened {
  object: Promise<StoredObject | undefined>
  readers: number
}

/** Files of other workers, each read once for all who want it at a time. */
export class BorrowedFiles {
  readonly #opened = new Map<string, Opened>()
  #held: Bytes = 0

  /** Of all that are being read. */
  get bytes(): Bytes {
    return this.#held
  }

  /**
   * The bytes that are meant; undefined when the file is gone, is bad or is of another version, and when all that are
   * read would then take more than `room`. Whoever gets a stream reads it to its end or destroys it.
   */
  async read(file: BodyFile, room: Bytes): Promise<Readable | undefined> {
    const name = `${file.key} ${file.mark}`
    const opened = this.#opened.get(name) ?? this.#open(name, file, room)
    if (opened === undefined) return undefined
    opened.readers++
    const object = await opened.object
    const { first, last } = file.range
    const body = object && isMeant(object, file) ? object.body.subarray(first, last + 1) : undefined
    const stream = body && Readable.from([body])
    const leave = (): void => {
      if (--opened.readers > 0) return
      this.#opened.delete(name)
      this.#held -= file.length
    }
    if (stream === undefined) leave()
    else stream.once('close', leave)
    return stream
  }

  #open(name: string, { path, key, length }: BodyFile, room: Bytes): Opened | undefined {
    if (this.#held + length > room) return undefined
    this.#held += length
    const opened = { object: readCacheFile(path, key), readers: 0 }
    this.#opened.set(name, opened)
    return opened
  }
}

function isMeant(object: StoredObject, { mark, length }: BodyFile): boolean {
  // A slice's key names its version.
  if (mark === '') return object.slice === true && object.body.length === length
  return markOf(object) === mark
}

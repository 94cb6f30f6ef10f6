import type { Bytes, Instant } from '../../core/index.ts'

/** Bytes that several names may share: a part, and the segment that it is a piece of. */
interface Chunk {
  bytes: Uint8Array
  names: number
}

export interface Shelved {
  chunks: Chunk[]
  size: Bytes
  /** When it was put there. */
  at: Instant
}

/**
 * What a broadcast's playlists name, in memory: parts, segments, init segments. A segment is its parts under another
 * name and costs nothing. The owner bounds `bytes`; what has left the playlists goes when its time has come.
 */
export class Shelf {
  readonly #objects = new Map<string, Shelved>()
  /** In the order of `until`, since everything stays equally long. */
  readonly #leaving: { name: string; until: Instant }[] = []
  #bytes: Bytes = 0

  get bytes(): Bytes {
    return this.#bytes
  }

  get(name: string): Shelved | undefined {
    return this.#objects.get(name)
  }

  put(name: string, bytes: Uint8Array, at: Instant): void {
    this.#keep(name, [{ bytes, names: 0 }], at)
  }

  /** Gives what lies under `parts` one name more; those that are gone are an error of ours. */
  join(name: string, parts: string[], at: Instant): void {
    const chunks = parts.flatMap(part => this.#objects.get(part)?.chunks ?? [])
    this.#keep(name, chunks, at)
  }

  /** The names stay until `until` and go with the next `sweep` after it. */
  leave(names: string[], until: Instant): void {
    for (const name of names) if (this.#objects.has(name)) this.#leaving.push({ name, until })
  }

  sweep(now: Instant): void {
    const staying = this.#leaving.findIndex(({ until }) => until > now)
    const due = this.#leaving.splice(0, staying < 0 ? this.#leaving.length : staying)
    for (const { name } of due) this.#drop(name)
  }

  #keep(name: string, chunks: Chunk[], at: Instant): void {
    this.#drop(name)
    for (const chunk of chunks) if (chunk.names++ === 0) this.#bytes += chunk.bytes.length
    this.#objects.set(name, { chunks, size: chunks.reduce((sum, { bytes }) => sum + bytes.length, 0), at })
  }

  #drop(name: string): void {
    const object = this.#objects.get(name)
    if (!object) return
    this.#objects.delete(name)
    for (const chunk of object.chunks) if (--chunk.names === 0) this.#bytes -= chunk.bytes.length
  }
}

/**
 * The bytes in one piece. They are joined when they are asked for first, since most viewers take the parts; the parts
 * are views of the whole from then on, so that nothing lies in memory twice.
 */
export function bytesOf(object: Shelved): Uint8Array {
  const [only] = object.chunks
  if (only && object.chunks.length === 1) return only.bytes
  const first = object.chunks[0]?.bytes
  const whole = first && sharedWhole(first, object)
  if (whole) return whole
  const joined = new Uint8Array(object.size)
  let at = 0
  for (const chunk of object.chunks) {
    joined.set(chunk.bytes, at)
    chunk.bytes = joined.subarray(at, at + chunk.bytes.length)
    at += chunk.bytes.length
  }
  return joined
}

/** The whole that the pieces are views of since an earlier call. */
function sharedWhole(first: Uint8Array, object: Shelved): Uint8Array | undefined {
  const { buffer } = first
  if (buffer.byteLength !== object.size || first.byteOffset !== 0) return undefined
  return object.chunks.every(({ bytes }) => bytes.buffer === buffer) ? new Uint8Array(buffer) : undefined
}

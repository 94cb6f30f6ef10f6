import type { Bytes } from '../core/index.ts'

/** Where a movie's bytes come from; the only thing outside that this room touches. Owned and closed by the caller. */
export interface ByteSource {
  readonly size: Bytes
  /** At most `length` bytes from `start`; fewer where the source ends. */
  read(start: Bytes, length: Bytes): Promise<Uint8Array>
}

/** A source that is already in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (start, length) => Promise.resolve(bytes.subarray(start, start + length)),
  }
}

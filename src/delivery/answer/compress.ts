import { pipeline, Readable, type Transform } from 'node:stream'
import {
  brotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createGunzip,
  createGzip,
  createUnzip,
  gzip,
  gzipSync,
  type BrotliOptions,
} from 'node:zlib'
import { promisify } from 'node:util'
import { KiB, MiB, type Bytes } from '../../core/index.ts'
import type { Coding } from '../../http/index.ts'
import type { Chunks } from './send-stream.ts'

/** What is no longer takes a fraction of a millisecond, less than handing it to another thread and back. */
export const AT_ONCE: Bytes = 32 * KiB

/** Beyond these each costs twice the time for a twentieth of the size. */
const GZIP_LEVEL = 5
const BROTLI_QUALITY = 5

const gzipAside = promisify(gzip)
const brotliAside = promisify(brotliCompress)

/** A text in a coding; a long one is made on another thread. */
export function compressWhole(text: Buffer, coding: Coding): Buffer | Promise<Buffer> {
  if (coding === 'gzip') {
    const options = { level: GZIP_LEVEL, chunkSize: chunkFor(text) }
    return text.length <= AT_ONCE ? gzipSync(text, options) : gzipAside(text, options)
  }
  const options = { ...brotliOptions(text.length), chunkSize: chunkFor(text) }
  return text.length <= AT_ONCE ? brotliCompressSync(text, options) : brotliAside(text, options)
}

/** Room for most texts in one piece, so that nothing is copied together. */
function chunkFor(text: Buffer): Bytes {
  return Math.min(Math.max(KiB, text.length >> 1), MiB)
}

function brotliOptions(size: Bytes): BrotliOptions {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: size,
    },
  }
}

/** A text in a coding while it arrives: what has come can be read at once. Throws when the text breaks off. */
export function compressing(chunks: Chunks, coding: Coding): AsyncIterable<Uint8Array> {
  return through(chunks, () => [
    coding === 'gzip'
      ? createGzip({ level: GZIP_LEVEL, flush: constants.Z_SYNC_FLUSH })
      : createBrotliCompress({ ...brotliOptions(0), flush: constants.BROTLI_OPERATION_FLUSH }),
  ])
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  br: createBrotliDecompress,
  // Some say deflate and mean either of its framings.
  deflate: createUnzip,
}

/** More than one coding is rare, and each more could multiply the size a thousandfold. */
const MOST_CODINGS = 2

export function canDecode(codings: readonly string[]): boolean {
  return codings.length <= MOST_CODINGS && codings.every(coding => Object.hasOwn(DECODERS, coding))
}

/**
 * What stands in the codings, no faster than it is read, so that nothing small can swell in memory. Throws when it
 * breaks off or is no such coding.
 */
export function decoding(chunks: Chunks, codings: readonly string[]): AsyncIterable<Uint8Array> {
  return through(chunks, () => codings.flatMap(coding => DECODERS[coding]?.() ?? []).reverse())
}

/** Nothing is begun before the first byte is asked for, and all is let go when nobody asks any more. */
async function* through(
  chunks: Chunks,
  transforms: () => Transform[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const stages = transforms()
  // Failures travel to the last stage, whose reader is told.
  const last = pipeline([Readable.from(chunks), ...stages], () => {})
  yield* last as unknown as AsyncIterable<Uint8Array> // a stream of bytes: the last stage is a Transform
}

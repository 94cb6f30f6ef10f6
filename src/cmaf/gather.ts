import { KiB, MiB, SluiceError, type Bytes } from '../core/index.ts'
import type { SampleTable } from './movie.ts'
import type { ByteSource } from './source.ts'

/** A run of bytes in the file and where it belongs in what is put together. */
export interface Piece {
  start: Bytes
  length: Bytes
  to: Bytes
}

/** One read of the source, and the pieces in it. */
export interface Read {
  start: Bytes
  end: Bytes
  pieces: Piece[]
}

interface Target {
  source: ByteSource
  into: Uint8Array
}

/** Gaps this short cost less to read than to skip. */
const SMALL_GAP: Bytes = 4 * KiB
/** What may be read and thrown away for a segment to spare reads: of interleaved files, the other tracks' samples. */
const MOST_WASTE: Bytes = 2 * MiB
/** Bounds what is in memory twice. */
const LARGEST_READ: Bytes = 8 * MiB
const READS_AT_ONCE = 4

/** Fetches the samples from `firstSample` up to `endSample`, one behind the other, into memory. */
export async function gather(
  samples: SampleTable,
  range: { firstSample: number; endSample: number },
  target: Target,
): Promise<void> {
  const reads = planReads(piecesOf(samples, range.firstSample, range.endSample))
  let next = 0
  const work = async (): Promise<void> => {
    for (let read = reads[next++]; read; read = reads[next++]) await fetchRead(read, target)
  }
  await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, reads.length) }, work))
}

/** Joins samples that lie behind each other in the file; long runs are split so that no read is too large. */
function piecesOf(samples: SampleTable, firstSample: number, endSample: number): Piece[] {
  const pieces: Piece[] = []
  let to = 0
  for (let sample = firstSample; sample < endSample; sample++) {
    let start = samples.offsets[sample] ?? 0
    let left = samples.sizes[sample] ?? 0
    while (left > 0) {
      const last = pieces.at(-1)
      const follows = last !== undefined && last.start + last.length === start && last.length < LARGEST_READ
      const length = Math.min(left, follows ? LARGEST_READ - last.length : LARGEST_READ)
      if (follows) last.length += length
      else pieces.push({ start, length, to })
      start += length
      to += length
      left -= length
    }
  }
  return pieces
}

/** As few reads as the allowance of waste permits: the smallest gaps are bridged first. */
export function planReads(pieces: readonly Piece[]): Read[] {
  const sorted = [...pieces].sort((one, other) => one.start - other.start)
  const bridged = bridgedPieces(sorted)
  const reads: Read[] = []
  for (const piece of sorted) {
    const last = reads.at(-1)
    const end = piece.start + piece.length
    if (last && piece.start >= last.end && bridged.has(piece) && end - last.start <= LARGEST_READ) {
      last.end = end
      last.pieces.push(piece)
    } else {
      reads.push({ start: piece.start, end, pieces: [piece] })
    }
  }
  return reads
}

/** The pieces to read together with the one before: the smallest gaps first, until the allowance is used up. */
function bridgedPieces(sorted: readonly Piece[]): Set<Piece> {
  const gaps: { piece: Piece; gap: Bytes }[] = []
  let end: Bytes | undefined
  for (const piece of sorted) {
    if (end !== undefined && piece.start >= end) gaps.push({ piece, gap: piece.start - end })
    end = Math.max(end ?? 0, piece.start + piece.length)
  }
  gaps.sort((one, other) => one.gap - other.gap)
  const bridged = new Set<Piece>()
  let waste = 0
  for (const { piece, gap } of gaps) {
    waste += gap
    if (gap > SMALL_GAP && waste > MOST_WASTE) break
    bridged.add(piece)
  }
  return bridged
}

async function fetchRead(read: Read, target: Target): Promise<void> {
  const bytes = await target.source.read(read.start, read.end - read.start)
  if (bytes.length < read.end - read.start) {
    throw new SluiceError(
      'source-changed',
      'The stored movie is shorter than when it was indexed; publish it again.',
    )
  }
  for (const piece of read.pieces) {
    const from = piece.start - read.start
    target.into.set(bytes.subarray(from, from + piece.length), piece.to)
  }
}

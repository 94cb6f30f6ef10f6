import { KiB, type Bytes } from '../core/index.ts'

/** One whose bytes a viewer is slow to take is kept as long as he is, and something larger would cost the C library more. */
const SIZE: Bytes = 32 * KiB
/** As much as all answers of one busy turn take. */
const MOST_FREE = 16

interface Bench {
  buffer: Buffer
  used: Bytes
  /** Answers that lie there and have not left. */
  waiting: number
  /** Something of it is still to be read when all have left. */
  kept: boolean
}

/**
 * Where short answers are put together, one behind the other, until they leave. A bench is used anew when all of them were
 * taken by the time that their sockets' `write` returned.
 */
const benches = new Map<ArrayBufferLike, Bench>()
const free: Bench[] = []
let current = newBench()

function newBench(): Bench {
  const bench = free.pop() ?? { buffer: Buffer.allocUnsafeSlow(SIZE), used: 0, waiting: 0, kept: false }
  benches.set(bench.buffer.buffer, bench)
  return bench
}

/** At most `SIZE`. */
export function roomOnBench(length: Bytes): Buffer {
  if (length > SIZE - current.used) current = newBench()
  current.waiting++
  return current.buffer.subarray(current.used, (current.used += length))
}

export function fitsOnBench(length: Bytes): boolean {
  return length <= SIZE
}

/** An answer was written; `kept`: it is still to be read from where it lies. */
export function leftBench({ buffer }: Buffer, fate: 'taken' | 'kept'): void {
  const bench = benches.get(buffer)
  if (bench === undefined) return
  bench.waiting--
  if (fate === 'kept') bench.kept = true
  if (bench.waiting > 0) return
  if (bench.kept) {
    benches.delete(buffer)
    if (bench === current) current = newBench()
    return
  }
  bench.used = 0
  if (bench === current) return
  benches.delete(buffer)
  if (free.length < MOST_FREE) free.push(bench)
}

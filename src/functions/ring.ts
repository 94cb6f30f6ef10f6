import type { FunctionEvent } from '../distribution/index.ts'
import { STATE, type RunMessage } from './protocol.ts'

/** Runs on their way at once; a power of two, so that places go on where the counters begin anew. */
const PLACES = 16
/** A run's argument is this long at most, in UTF-16 units; what is longer goes as a message. */
export const MOST_TEXT = 16 * 1024
/** Of UTF-8 a unit takes three bytes at most. */
const TEXT_BYTES = 3 * MOST_TEXT
/** Numbers beside the text: the run's sequence, its program's slot, its time, its event, and how many bytes of text. */
const NUMBERS = 5

const EVENTS: readonly FunctionEvent[] = [
  'viewer-request',
  'viewer-response',
  'origin-request',
  'origin-response',
  'playlist-response',
]

/** Memory that runner and thread share, for runs on their way to the thread. Pages that nobody touches take nothing. */
export interface RingMemory {
  numbers: Float64Array
  bytes: Uint8Array
}

export function ringMemory(): RingMemory {
  const numbers = new SharedArrayBuffer(PLACES * NUMBERS * Float64Array.BYTES_PER_ELEMENT)
  return {
    numbers: new Float64Array(numbers),
    bytes: new Uint8Array(new SharedArrayBuffer(PLACES * TEXT_BYTES)),
  }
}

/** One writes and one reads: what lies in a place is the reader's from `written` to `taken`, and the writer's else. */
export class Ring {
  readonly #state: Int32Array
  readonly #numbers: Float64Array
  readonly #bytes: Buffer

  constructor(state: Int32Array, { numbers, bytes }: RingMemory) {
    this.#state = state
    this.#numbers = numbers
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** False where it is too long, or all places are taken. */
  write({ sequence, slot, event, argument, now }: RunMessage): boolean {
    const written = Atomics.load(this.#state, STATE.written)
    if (argument.length > MOST_TEXT) return false
    if (((written - Atomics.load(this.#state, STATE.taken)) | 0) >= PLACES) return false
    const place = written & (PLACES - 1)
    const length = this.#bytes.write(argument, place * TEXT_BYTES, TEXT_BYTES, 'utf8')
    this.#numbers.set([sequence, slot, now, EVENTS.indexOf(event), length], place * NUMBERS)
    Atomics.store(this.#state, STATE.written, (written + 1) | 0)
    return true
  }

  /** The run that was written first of those that have not been taken. */
  take(): RunMessage | undefined {
    const taken = Atomics.load(this.#state, STATE.taken)
    if (Atomics.load(this.#state, STATE.written) === taken) return undefined
    const place = taken & (PLACES - 1)
    const at = place * NUMBERS
    const number = (index: number): number => this.#numbers[at + index] ?? 0
    const event = EVENTS[number(3)] ?? 'viewer-request'
    const argument = this.#bytes.toString('utf8', place * TEXT_BYTES, place * TEXT_BYTES + number(4))
    const run: RunMessage = {
      kind: 'run',
      sequence: number(0),
      slot: number(1),
      event,
      argument,
      now: number(2),
    }
    Atomics.store(this.#state, STATE.taken, (taken + 1) | 0)
    return run
  }
}

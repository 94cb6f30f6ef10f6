import type { Bytes } from '../../core/index.ts'
import { Signal } from '../signal.ts'

/** Why a piece was not completed, and whether asking for it again may help. */
export interface Failure {
  error: unknown
  again: 'worth-trying' | 'in-vain'
}

/** One slice on its way: filled by one transfer, looked into by any number of readers, copied for none of them. */
export class Piece {
  readonly #size: Bytes
  /** Made when the first byte comes, so that a piece that is only waited for takes nothing. */
  #room: Buffer | undefined
  #filled = 0
  #state: 'open' | 'complete' | Failure = 'open'
  readonly #news = new Signal()

  constructor(size: Bytes) {
    this.#size = size
  }

  /** Takes what there is room for and returns how much that was. */
  append(chunk: Uint8Array): Bytes {
    const room = (this.#room ??= Buffer.allocUnsafeSlow(this.#size))
    const taken = Math.min(chunk.length, this.#size - this.#filled)
    room.set(taken === chunk.length ? chunk : chunk.subarray(0, taken), this.#filled)
    this.#filled += taken
    this.#news.fire()
    return taken
  }

  get isFull(): boolean {
    return this.#filled === this.#size
  }

  get isComplete(): boolean {
    return this.#state === 'complete'
  }

  get failure(): Failure | undefined {
    return typeof this.#state === 'string' ? undefined : this.#state
  }

  /** All of its bytes; what is kept owns no more memory than that. */
  complete(): Buffer {
    const room = this.#room ?? Buffer.alloc(0)
    const bytes = this.#filled < room.length ? Buffer.from(room.subarray(0, this.#filled)) : room
    this.#room = bytes
    this.#state = 'complete'
    this.#news.fire()
    return bytes
  }

  fail(failure: Failure): void {
    if (this.#state !== 'open') return
    this.#state = failure
    this.#news.fire()
  }

  /** The bytes from `first` up to and including `last` that are here; undefined when there are none of them yet. */
  view(first: Bytes, last: Bytes): Uint8Array | undefined {
    const end = Math.min(this.#filled, last + 1)
    return this.#room === undefined || first >= end ? undefined : this.#room.subarray(first, end)
  }

  /** Resolves when anything has changed. */
  change(): Promise<void> {
    return this.#news.next()
  }
}

/** Bytes of a slice as far as they are there. */
export type Slice = Pick<Piece, 'view' | 'isComplete' | 'failure' | 'change'>

/** One that is in store. */
export function wholeSlice(body: Buffer): Slice {
  return {
    isComplete: true,
    failure: undefined,
    view: (first, last) =>
      first > last || first >= body.length ? undefined : body.subarray(first, last + 1),
    change: () => Promise.resolve(),
  }
}

import type { Socket } from 'node:net'
import { KiB, type Bytes, type Milliseconds } from '../core/index.ts'
import { Deadline } from './deadline.ts'

/** Handed over in one write at the most, and not more before that is taken: TLS keeps as much again while it waits. */
export const WRITE_BYTES: Bytes = 64 * KiB

/** While a write is under way only heads and words of the protocol gather, which are short. */
const FIRST_BYTES: Bytes = 2 * KiB

/** More than this gathers only from somebody who does not read, and then nothing more is heard from him either. */
const MOST_GATHERED: Bytes = 64 * KiB

/** Given back for the next write of any connection. */
const free: Buffer[] = []
const MOST_FREE = 32

/** What one connection is about to send, and what of it is on its way. */
export class Output {
  readonly #socket: Socket
  readonly #taken: () => void
  readonly #stalled: Deadline
  /** Frames are written into it, at `at`, after `reserve`. */
  buffer: Buffer = NONE
  at = 0
  /** Whether a write is under way. */
  flying = false
  /** How many there were. */
  writes = 0

  /** `taken` is called when a write is; `late` when one was not within `within`. */
  constructor(
    socket: Socket,
    taken: () => void,
    { within, late }: { within: Milliseconds; late: () => void },
  ) {
    this.#socket = socket
    this.#taken = taken
    this.#stalled = new Deadline(within, late)
  }

  /** Whether more waits than anybody needs who reads. */
  get full(): boolean {
    return this.at > MOST_GATHERED
  }

  /** What there is room for in one write; nothing while one is under way. */
  get room(): number {
    if (this.flying) return 0
    if (this.buffer.length < WRITE_BYTES) this.#move(free.pop() ?? Buffer.allocUnsafeSlow(WRITE_BYTES))
    return this.buffer.length - this.at
  }

  /** Makes room for a frame that cannot wait. */
  reserve(bytes: number): void {
    if (this.buffer.length - this.at >= bytes) return
    // A small beginning grows into a whole write first, and a full one goes.
    if (!this.flying && this.buffer.length >= WRITE_BYTES && this.at > 0) this.flush()
    if (!this.flying && this.buffer.length < WRITE_BYTES && this.room >= bytes) return
    const needed = Math.max(this.at + bytes, FIRST_BYTES, Math.min(2 * this.at, 256 * KiB))
    this.#move(Buffer.allocUnsafeSlow(needed))
  }

  /** Hands over what has gathered, unless a write is under way; then that will, when it ends. */
  flush(): void {
    if (this.flying || this.at === 0) return
    const { buffer, at } = this
    this.buffer = NONE
    this.at = 0
    this.flying = true
    this.writes++
    this.#stalled.begin()
    this.#socket.write(buffer.subarray(0, at), () => this.#landed(buffer))
  }

  close(): void {
    this.#stalled.close()
    this.#giveBack(this.buffer)
    this.buffer = NONE
    this.at = 0
  }

  #landed(buffer: Buffer): void {
    this.flying = false
    this.#stalled.end()
    this.#giveBack(buffer)
    this.#taken()
  }

  #move(to: Buffer): void {
    this.buffer.copy(to, 0, 0, this.at)
    this.#giveBack(this.buffer)
    this.buffer = to
  }

  #giveBack(buffer: Buffer): void {
    if (buffer.length === WRITE_BYTES && free.length < MOST_FREE) free.push(buffer)
  }
}

const NONE = Buffer.alloc(0)

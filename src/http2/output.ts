import type { Socket } from 'node:net'
import { KiB, type Bytes, type Departures, type Leaver, type Milliseconds } from '../core/index.ts'
import { Deadline } from './deadline.ts'

/**
 * Handed over in one write at the most, and not more before that is taken: TLS keeps as much again while it waits. Large
 * writes cost a fifth less for each byte; while many wait for peers who do not read, they are small ones.
 */
const LARGE_WRITE: Bytes = 256 * KiB
const SMALL_WRITE: Bytes = 32 * KiB

/** Of large writes, all connections of a process together. */
const MOST_LARGE = 16

/** While a write is under way only heads and words of the protocol gather, which are short. */
const FIRST_BYTES: Bytes = 2 * KiB

/** More than this gathers only from somebody who does not read, and then nothing more is heard from him either. */
const MOST_GATHERED: Bytes = 64 * KiB

/** Given back for the next write of any connection. */
const free: { large: Buffer[]; small: Buffer[] } = { large: [], small: [] }
const MOST_FREE = 16

let largeInUse = 0

function takeBuffer(): Buffer {
  if (largeInUse >= MOST_LARGE) return free.small.pop() ?? Buffer.allocUnsafeSlow(SMALL_WRITE)
  largeInUse++
  return free.large.pop() ?? Buffer.allocUnsafeSlow(LARGE_WRITE)
}

/** Of any size: others than those two are forgotten. */
function giveBack(buffer: Buffer): void {
  if (buffer.length === LARGE_WRITE) largeInUse--
  const list =
    buffer.length === LARGE_WRITE ? free.large : buffer.length === SMALL_WRITE ? free.small : undefined
  if (list !== undefined && list.length < MOST_FREE) list.push(buffer)
}

/** What one connection is about to send, and what of it is on its way. */
export class Output implements Leaver {
  readonly #socket: Socket
  readonly #departures: Departures
  readonly #taken: () => void
  readonly #stalled: Deadline
  /** The size of the buffer that is under way. */
  #flown = 0
  /** What is to be written, as far as it has not left. */
  #leaving: { buffer: Buffer; length: Bytes } | undefined
  #closed = false
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
    { within, late, departures }: { within: Milliseconds; late: () => void; departures: Departures },
  ) {
    this.#socket = socket
    this.#departures = departures
    this.#taken = taken
    this.#stalled = new Deadline(within, late)
  }

  /** Whether more waits than anybody needs who reads. */
  get full(): boolean {
    return this.flying && this.at > MOST_GATHERED
  }

  /** What there is room for in one write; nothing while one is under way. */
  get room(): number {
    if (this.flying) return 0
    if (this.buffer.length < SMALL_WRITE) this.#move(takeBuffer())
    return this.buffer.length - this.at
  }

  /** Makes room for a frame that cannot wait. */
  reserve(bytes: number): void {
    if (this.buffer.length - this.at >= bytes) return
    // A small beginning grows into a whole write first, and a full one goes.
    if (!this.flying && this.buffer.length >= SMALL_WRITE && this.at > 0) this.flush()
    if (!this.flying && this.buffer.length < SMALL_WRITE && this.room >= bytes) return
    const needed = Math.max(this.at + bytes, FIRST_BYTES, Math.min(2 * this.at, LARGE_WRITE))
    // One byte more than what is counted and given back.
    this.#move(Buffer.allocUnsafeSlow(needed + (needed === LARGE_WRITE ? 1 : 0)))
  }

  /** Hands over what has gathered, unless a write is under way; then that will, when it ends. */
  flush(): void {
    if (this.flying || this.at === 0) return
    const { buffer, at } = this
    this.buffer = NONE
    this.at = 0
    this.flying = true
    this.#flown = buffer.length
    this.writes++
    this.#stalled.begin()
    this.#leaving = { buffer, length: at }
    this.#departures.wait(this)
  }

  /** Told by the departures. */
  leave(): void {
    if (this.#leaving === undefined) return
    const { buffer, length } = this.#leaving
    this.#leaving = undefined
    this.#socket.write(buffer.subarray(0, length), () => this.#landed(buffer))
  }

  /** For good, when its socket has closed. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stalled.close()
    this.#leaving = undefined
    // Whether its write will ever be said to be over is not known.
    if (this.flying && this.#flown === LARGE_WRITE) largeInUse--
    // Nothing is taken or written any more.
    this.flying = true
    giveBack(this.buffer)
    this.buffer = NONE
    this.at = 0
  }

  #landed(buffer: Buffer): void {
    if (this.#closed) return
    this.flying = false
    this.#stalled.end()
    giveBack(buffer)
    this.#taken()
  }

  #move(to: Buffer): void {
    this.buffer.copy(to, 0, 0, this.at)
    giveBack(this.buffer)
    this.buffer = to
  }
}

const NONE = Buffer.alloc(0)

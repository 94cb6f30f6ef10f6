import type { Bytes, Milliseconds } from '../../core/index.ts'

/** A body that somebody has not taken all of yet. What it says may change while it is still being fetched. */
export interface HeldBody {
  /** The same for all who hold the same. */
  readonly id: object
  bytes(): Bytes
  /** Whether it is stored, and in memory for that reason already. */
  isStored(): boolean
}

interface Body {
  held: HeldBody
  readers: number
  bytes: Bytes
  isStored: boolean
}

interface Reader {
  body: Body
  cut: () => void
}

export interface SlowReadersOptions {
  /** What bodies that are not stored, or not any more, may take as long as they are read. */
  most: Bytes
  /** What is stored may be so no longer, and what is being fetched has grown: that is looked at anew so often. */
  interval?: Milliseconds
}

const INTERVAL: Milliseconds = 1_000
/** Of the bound, when some had to be cut. */
const ENOUGH = 7 / 8

/**
 * The bodies that viewers keep in memory by not having taken all of a write, each counted once, whoever shares it. Past
 * the bound those are cut who have been at one write for longest.
 */
export class SlowReaders {
  readonly #options: SlowReadersOptions
  readonly #bodies = new Map<object, Body>()
  /** Who has been at one write for longest stands first. */
  readonly #readers = new Set<Reader>()
  /** Of bodies that were not stored when they were looked at last. */
  #bytes: Bytes = 0
  #cuts = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: SlowReadersOptions) {
    this.#options = options
  }

  /** What is held beyond what is stored. */
  get bytes(): Bytes {
    return this.#bytes
  }

  /** So many were cut. */
  get cuts(): number {
    return this.#cuts
  }

  /** Somebody holds it until he calls what is returned; `cut` is called, once at most, where there is no memory for that. */
  hold(held: HeldBody, cut: () => void): () => void {
    const body = this.#bodies.get(held.id) ?? this.#open(held)
    body.readers++
    const reader = { body, cut }
    this.#readers.add(reader)
    if (this.#bytes > this.#options.most) this.#relieve()
    return () => this.#leave(reader)
  }

  #open(held: HeldBody): Body {
    const bytes = held.bytes()
    // Where there is no room, all are looked at; that is not worth it for one that costs nothing.
    const isStored = this.#bytes + bytes > this.#options.most && held.isStored()
    const body = { held, readers: 0, bytes, isStored }
    this.#bodies.set(held.id, body)
    if (!isStored) this.#bytes += bytes
    this.#timer ??= setInterval(() => this.#review(), this.#options.interval ?? INTERVAL).unref()
    return body
  }

  #leave(reader: Reader): void {
    const { body } = reader
    if (!this.#readers.delete(reader) || --body.readers > 0) return
    this.#bodies.delete(body.held.id)
    if (!body.isStored) this.#bytes -= body.bytes
    if (this.#bodies.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #review(): void {
    this.#bytes = 0
    for (const body of this.#bodies.values()) {
      body.bytes = body.held.bytes()
      body.isStored = body.held.isStored()
      if (!body.isStored) this.#bytes += body.bytes
    }
    if (this.#bytes > this.#options.most) this.#relieve()
  }

  /** Cuts nobody before it is known what is stored, and then some more, so that all are not looked at for each that comes. */
  #relieve(): void {
    const { most } = this.#options
    for (const body of this.#bodies.values()) {
      if (body.isStored || !body.held.isStored()) continue
      body.isStored = true
      this.#bytes -= body.bytes
    }
    if (this.#bytes <= most) return
    for (const reader of this.#readers) {
      if (reader.body.isStored) continue
      this.#leave(reader)
      this.#cuts++
      reader.cut()
      if (this.#bytes <= most * ENOUGH) return
    }
  }
}

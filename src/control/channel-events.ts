import { MiB, SluiceError, type Bytes, type Milliseconds } from '../core/index.ts'
import type { ChannelEvent } from '../client/index.ts'

/** Who listens to server-sent events (HTML Living Standard, section 9.2). */
export interface Listener {
  write(text: string): void
  /** Bytes that were written and not yet taken. */
  waiting(): Bytes
  /** Control closes: what was written is still sent. */
  end(): void
  /** It reads too slowly. It may come back with the last id that it has. */
  cut(): void
}

export interface ChannelEventsOptions {
  /** Comments that keep the connection of a quiet listener alive. */
  heartbeat: Milliseconds
  mostListeners: number
}

const REMEMBERED = 1_000
const LONGEST_DETAIL = 1_000
/** All that are remembered fit in, with room. */
const MOST_WAITING: Bytes = 2 * MiB
/** What a listener has that has no event yet; it is the id of none, so whoever comes with it misses nothing. */
const BEFORE_ALL = '0'

/** The newest events, and those who wait for more. In memory: a restart of control begins anew. */
export class ChannelEvents {
  readonly #options: ChannelEventsOptions
  readonly #ring: ChannelEvent[] = []
  readonly #listeners = new Set<Listener>()
  readonly #heart: NodeJS.Timeout
  #closed = false

  constructor(options: ChannelEventsOptions) {
    this.#options = options
    this.#heart = setInterval(() => this.#send(':\n\n'), options.heartbeat).unref()
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** An event that is known is passed over: an origin says it again when it does not know that it was taken. */
  add(events: readonly ChannelEvent[]): void {
    for (const said of events) {
      if (this.#ring.some(known => known.id === said.id)) continue
      const event = { ...said, detail: said.detail.slice(0, LONGEST_DETAIL) }
      this.#ring.push(event)
      if (this.#ring.length > REMEMBERED) this.#ring.shift()
      this.#send(textOf(event))
    }
  }

  /**
   * From now on; after an id, from the event behind it; after one that is not known, from the oldest that is
   * remembered: rather twice than never. Throws SluiceError when too many listen already. Gives the way to leave.
   */
  listen(listener: Listener, lastEventId: string | undefined): () => void {
    if (this.#closed || this.#listeners.size >= this.#options.mostListeners) {
      const message = this.#closed
        ? 'control is closing: come back in a moment'
        : `${this.#options.mostListeners} listen to the events already: come back when one has left`
      throw new SluiceError('too-many-listeners', message, { kind: 'unavailable' })
    }
    const last = this.#ring.length - 1
    const from = lastEventId === undefined ? last : this.#ring.findIndex(event => event.id === lastEventId)
    // Before any event, so that a listener that loses its connection can say where it was.
    listener.write(`event: hello\nid: ${this.#ring[from]?.id ?? BEFORE_ALL}\ndata: {}\n\n`)
    for (const event of this.#ring.slice(from + 1)) listener.write(textOf(event))
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#heart)
    for (const listener of this.#listeners) listener.end()
    this.#listeners.clear()
  }

  #send(text: string): void {
    for (const listener of this.#listeners) {
      if (listener.waiting() <= MOST_WAITING) {
        listener.write(text)
      } else {
        this.#listeners.delete(listener)
        listener.cut()
      }
    }
  }
}

function textOf(event: ChannelEvent): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`
}

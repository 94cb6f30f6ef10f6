import { messageOf, SluiceError, MiB, type Bytes, type Milliseconds } from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Listener } from './channel-events.ts'
import { eventNumber, eventsAfter, type Database, type NumberedEvent } from './database/index.ts'

export interface EventFeedOptions {
  database: Database
  /** Comments that keep the connection of a quiet listener alive. */
  heartbeat: Milliseconds
  mostListeners: number
  log: Logger
}

interface Listening {
  listener: Listener
  kinds: readonly string[]
  /** Of the last event that it was told. */
  number: number
}

const AT_ONCE = 200
const MOST_WAITING: Bytes = 2 * MiB
/** What a listener has that has no event yet; it is the id of none, so whoever comes with it misses nothing. */
const BEFORE_ALL = '0'

/** Tells events of all kinds as they stand in the database, whichever control wrote them there. */
export class EventFeed {
  readonly #options: EventFeedOptions
  readonly #listening = new Set<Listening>()
  readonly #heart: NodeJS.Timeout
  #telling: Promise<void> = Promise.resolve()
  #state: 'open' | 'closed' = 'open'

  constructor(options: EventFeedOptions) {
    this.#options = options
    // Looks as well: what was committed while the database was away is told with the next beat.
    this.#heart = setInterval(() => {
      for (const { listener } of this.#listening) listener.write(':\n\n')
      this.look()
    }, options.heartbeat).unref()
  }

  get listeners(): number {
    return this.#listening.size
  }

  /**
   * From now on; after an id, from the event behind it; after one that is not known, from the oldest that is kept.
   * Rejects with SluiceError `too-many-listeners`. Gives the way to leave.
   */
  async listen(
    listener: Listener,
    { kinds, last }: { kinds: readonly string[]; last: string | undefined },
  ): Promise<() => void> {
    const { database, mostListeners } = this.#options
    const start = await database.read(async tx => (await eventNumber(tx, last)) ?? 0)
    if (this.#state === 'closed' || this.#listening.size >= mostListeners) {
      const message =
        this.#state === 'closed'
          ? 'control is closing: come back in a moment'
          : `${mostListeners} listen to the events already: come back when one has left`
      throw new SluiceError('too-many-listeners', message, { kind: 'unavailable' })
    }
    const listening = { listener, kinds, number: start }
    listener.write(`event: hello\nid: ${await this.#idAt(start)}\ndata: {}\n\n`)
    this.#listening.add(listening)
    this.look()
    return () => void this.#listening.delete(listening)
  }

  /** Something was written down. */
  look(): void {
    this.#telling = this.#telling.then(async () => {
      await Promise.all([...this.#listening].map(each => this.#tell(each)))
    })
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    clearInterval(this.#heart)
    for (const { listener } of this.#listening) listener.end()
    this.#listening.clear()
    await this.#telling
  }

  /** Never rejects: what cannot be read now is read with the next look. */
  async #tell(listening: Listening): Promise<void> {
    const { database, log } = this.#options
    const { listener, kinds } = listening
    try {
      for (;;) {
        const found = await database.read(tx =>
          eventsAfter(tx, listening.number, { groups: kinds, most: AT_ONCE }),
        )
        if (!this.#listening.has(listening)) return
        if (listener.waiting() > MOST_WAITING) {
          this.#listening.delete(listening)
          return listener.cut()
        }
        for (const each of found) {
          listener.write(textOf(each))
          listening.number = each.number
        }
        if (found.length < AT_ONCE) return
      }
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'events cannot be read yet')
    }
  }

  /** So that a listener that loses its connection before any event can say where it was. */
  async #idAt(number: number): Promise<string> {
    if (number === 0) return BEFORE_ALL
    const [found] = await this.#options.database.read(tx =>
      eventsAfter(tx, number - 1, { groups: [], most: 1 }),
    )
    return found?.event.id ?? BEFORE_ALL
  }
}

function textOf({ event }: NumberedEvent): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`
}

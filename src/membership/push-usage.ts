import { UsageTaken, type UsageReport } from '../client/index.ts'
import {
  codeOf,
  messageOf,
  pause,
  reader,
  systemClock,
  type Clock,
  type Milliseconds,
} from '../core/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import type { LedgerEntry } from '../usage/index.ts'
import { controlLink, refusalOf, type ControlLink, type ControlPlace } from './control-link.ts'
import type { NodeIdentity } from './identity.ts'
import { PUSH_METRICS } from './metric-names.ts'
import { nodeTokenSource } from './token-source.ts'

/** The ledger of one process of this node. */
export interface UsageBook {
  readonly book: string
  /** The first that is there. */
  readonly oldest: number
  /** The newest; undefined while there is none. */
  readonly last: LedgerEntry | undefined
  /** Some entries in their order, from a sequence on or from the oldest. */
  from(sequence: number): LedgerEntry[]
  /** Control has all up to it for good. */
  taken(sequence: number): void
  /** Control cannot go on with it: it is put aside, and another life is begun. */
  beginAnew(why: string): Promise<void>
}

export interface PushUsageOptions extends ControlPlace {
  identity: NodeIdentity
  /** All that there are now. */
  books(): readonly UsageBook[]
  metrics: Metrics
  log: Logger
  clock?: Clock
  everyMs?: Milliseconds
}

export interface UsagePushing {
  /** Looks for entries at once. */
  soon(): void
  /** Sends what is there now, if that takes no longer, and ends. */
  close(within?: Milliseconds): Promise<void>
}

const EVERY: Milliseconds = 10_000
/** Between two tries while control does not take it. */
const LONGEST: Milliseconds = 60_000
/** Control writes all of a report in one transaction. */
const WITHIN: Milliseconds = 30_000
/** As many as a report may have. */
const MOST_ENTRIES = 500

/** Sends the entries of this node's ledgers to control, in their order, until control has all of them. */
export function pushUsage(options: PushUsageOptions): UsagePushing {
  return new Pusher(options)
}

/** How far control has a life of a book, by its last answer. */
interface Known {
  life: string
  taken: number
}

class Pusher implements UsagePushing {
  readonly #options: PushUsageOptions
  readonly #clock: Clock
  readonly #ask: ControlLink
  readonly #closing = new AbortController()
  readonly #known = new Map<string, Known>()
  readonly #running: Promise<void>
  #waiting = new AbortController()
  /** The code of what was complained about last. */
  #failing: string | undefined
  #failures = 0

  constructor(options: PushUsageOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#ask = controlLink(options, nodeTokenSource(options.identity, 'control', this.#clock), this.#clock)
    this.#measure(options.metrics)
    this.#running = this.#run()
  }

  soon(): void {
    this.#waiting.abort()
  }

  async close(within: Milliseconds = 0): Promise<void> {
    if (within > 0) await this.#sendRest(within)
    this.#closing.abort()
    this.#waiting.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#waiting = new AbortController()
      try {
        await this.#pushAll()
        this.#failures = 0
        this.#failing = undefined
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#failures++
        this.#complain(error)
      }
      if (!this.#closing.signal.aborted) await pause(this.#pause(), this.#waiting.signal)
    }
  }

  /** What is sent by the loop as well meanwhile control takes once. */
  async #sendRest(within: Milliseconds): Promise<void> {
    const over = new AbortController()
    const sent = this.#pushAll().catch(() => {})
    await Promise.race([sent, pause(within, over.signal)])
    over.abort()
  }

  async #pushAll(): Promise<void> {
    for (const book of this.#options.books()) await this.#push(book)
  }

  /** Nodes that all have lost control do not come back to it in step. */
  #pause(): Milliseconds {
    const every = this.#options.everyMs ?? EVERY
    if (this.#failures === 0) return every
    return Math.min(LONGEST, every * 2 ** (this.#failures - 1)) * (0.5 + Math.random() / 2)
  }

  /** All that control lacks of a book. */
  async #push(book: UsageBook): Promise<void> {
    const life = book.last?.life
    if (life === undefined) return
    let known = this.#known.get(book.book)
    // What control has is control's to say: it may have been restored, or this process is new.
    if (known?.life !== life) known = await this.#report(book, life, [])
    while (known !== undefined && !this.#closing.signal.aborted) {
      const entries = book.from(known.taken + 1).filter(entry => entry.life === life)
      if (entries.length === 0) return
      const before: number = known.taken
      known = await this.#report(book, life, entries.slice(0, MOST_ENTRIES))
      // It is told what it lacks next, when it has fallen back; who neither takes nor says more is asked again later.
      if (known?.taken === before) return
    }
  }

  /** Undefined where control knows nothing of usage, or the ledger was put aside. */
  async #report(book: UsageBook, life: string, entries: LedgerEntry[]): Promise<Known | undefined> {
    const body: UsageReport = { book: book.book, life, entries, oldest: book.oldest }
    const { signal } = this.#closing
    const answer = await this.#ask({ method: 'POST', path: '/v1/node/usage', body, signal, within: WITHIN })
    // A control of the version before.
    if (answer.status === 404) return undefined
    if (answer.status >= 300) throw refusalOf(answer, 'to a report of usage')
    const { taken, refused } = readTaken(answer.body)
    if (refused === 'forked' || refused === 'damaged') {
      const told = { book: book.book, life, taken, refused }
      this.#options.log.error(told, 'control cannot go on with a usage ledger of this node: another is begun')
      this.#known.delete(book.book)
      await book.beginAnew(`control says that it is ${refused} behind entry ${taken}`)
      return undefined
    }
    const known = { life, taken }
    this.#known.set(book.book, known)
    book.taken(taken)
    return known
  }

  #complain(error: unknown): void {
    const code = codeOf(error) ?? 'unknown'
    // That control is away is told by who reports health to it.
    if (code !== 'control-away' && this.#failing !== code)
      this.#options.log.warn({ error: messageOf(error) }, 'usage is not taken by control, and is kept here')
    this.#failing = code
  }

  #measure(metrics: Metrics): void {
    metrics.gauge(PUSH_METRICS.waiting, () => this.#sum(({ last, taken }) => last.sequence - taken))
    metrics.gauge(PUSH_METRICS.behind, () => this.#oldestWaiting())
  }

  #sum(count: (book: { last: LedgerEntry; taken: number }) => number): number {
    return this.#options.books().reduce((sum, { book, last }) => {
      const known = this.#known.get(book)
      const taken = known?.life === last?.life ? (known?.taken ?? 0) : 0
      return last === undefined ? sum : sum + Math.max(0, count({ last, taken }))
    }, 0)
  }

  #oldestWaiting(): number {
    const now = this.#clock.now()
    const waits = this.#options.books().map(book => {
      const known = this.#known.get(book.book)
      const [first] = book.from((known?.taken ?? 0) + 1)
      return first === undefined ? 0 : Math.max(0, now - first.until) / 1000
    })
    return Math.max(0, ...waits)
  }
}

const readTaken = reader(UsageTaken, 'the answer to a report of usage')

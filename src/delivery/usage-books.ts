import { readdirSync } from 'node:fs'
import path from 'node:path'
import { codeOf, type Clock } from '../core/index.ts'
import type { UsageBook } from '../membership/index.ts'
import { LedgerReader, UsageLedger, type Logger } from '../telemetry/index.ts'
import { ledgersFolder } from './node-ledger.ts'

export interface UsageBooksOptions {
  stateDir: string
  /** Those that processes have open, or will have. */
  live: readonly string[]
  /** Has the process that has it open begin it anew. */
  beginAnew: (book: string, why: string) => Promise<void>
  clock: Clock
  log: Logger
}

const NAME = /^[a-z0-9-]{1,32}$/

/** The ledgers of all processes that this node has, or has had. */
export class UsageBooks {
  readonly #options: UsageBooksOptions
  readonly #books = new Map<string, UsageBook>()

  constructor(options: UsageBooksOptions) {
    this.#options = options
  }

  /** Closes what processes have left that will not be there any more, since there are fewer workers now. */
  async start(): Promise<void> {
    const { live } = this.#options
    for (const book of this.#names()) if (!live.includes(book)) await this.#open(book)
  }

  all(): UsageBook[] {
    return this.#names().map(book => {
      let known = this.#books.get(book)
      if (known === undefined) this.#books.set(book, (known = this.#book(book)))
      return known
    })
  }

  #names(): string[] {
    try {
      return readdirSync(ledgersFolder(this.#options.stateDir)).filter(name => NAME.test(name))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    }
  }

  #book(book: string): UsageBook {
    const { clock, live, beginAnew } = this.#options
    const entries = new LedgerReader(this.#folder(book))
    return {
      book,
      get oldest() {
        return entries.oldest
      },
      get last() {
        return entries.last
      },
      from: sequence => entries.from(sequence),
      taken: sequence => entries.prune(sequence, clock.now()),
      beginAnew: why =>
        live.includes(book) ? beginAnew(book, why) : this.#open(book, ledger => ledger.beginAnew(why)),
    }
  }

  async #open(book: string, act?: (ledger: UsageLedger) => Promise<void>): Promise<void> {
    const { clock, log } = this.#options
    const ledger = new UsageLedger({ folder: this.#folder(book), clock, log })
    await ledger.start()
    await act?.(ledger)
    await ledger.close()
  }

  #folder(book: string): string {
    return path.join(ledgersFolder(this.#options.stateDir), book)
  }
}

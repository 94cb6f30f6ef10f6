import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { codeOf, messageOf, type Clock, type Instant, type Milliseconds } from '../../core/index.ts'
import { GENESIS, type LedgerEntry, type UsageType } from '../../usage/index.ts'
import type { Logger } from '../logger.ts'
import { Counts } from './counts.ts'
import { realDisk, type LedgerDisk } from './disk.ts'
import { EntryFiles } from './entry-files.ts'
import { entriesOf, hourOf, recover } from './recover.ts'
import { TallyFile, type FoundTally } from './tally-file.ts'

export interface LedgerOptions {
  /** Of this process alone. */
  folder: string
  clock: Clock
  log: Logger
  /** What was counted is closed, and can be told to control, after so long; 5 min unless given. */
  closeEvery?: Milliseconds
  /** For tests. */
  disk?: LedgerDisk
}

/** What waits for the disk. */
export interface LedgerState {
  life: string | undefined
  /** Of the last entry that is there for good. */
  sequence: number
  /** Closed entries that could not be written so far; they lie in memory, and in the tally as far as that can be written. */
  unwritten: number
  /** Whether all that was counted is in the tally, where a kill leaves it. */
  tallied: boolean
}

const CLOSE: Milliseconds = 300_000
const QUIET: Milliseconds = 60_000

interface Closed {
  entries: LedgerEntry[]
  tally: TallyFile
}

interface Opened {
  files: EntryFiles
  life: string
  /** The sequence of the entry that is open. */
  next: number
  tally: TallyFile
  spare: TallyFile
}

/**
 * What one process has counted: numbers in a tally that outlives it, and entries, closed and chained, that outlive a loss of
 * power. Nothing here throws: a disk that is full or gone must not stop delivery, and what cannot be written is kept in
 * memory, tried again and told.
 */
export class UsageLedger {
  readonly #options: LedgerOptions
  readonly #disk: LedgerDisk
  readonly #closeEvery: Milliseconds
  #counts: Counts
  #from: Instant
  /** Undefined until the folder could be read. */
  #opened: Opened | undefined
  #closed: Closed | undefined
  #writing: Promise<void> | undefined
  #ticking: Promise<void> | undefined
  #tallied = true
  #toldAt: Instant | undefined
  #failures = 0

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#disk = options.disk ?? realDisk
    this.#closeEvery = options.closeEvery ?? CLOSE
    this.#from = options.clock.now()
    this.#counts = new Counts(hourOf(this.#from))
  }

  /** Takes over what an earlier process has left; what is counted before is kept in memory. */
  async start(): Promise<void> {
    await this.#attempt('the usage ledger cannot be opened', () => this.#open())
  }

  add(distribution: string, type: UsageType, amount: number, detail?: string): void {
    if (amount > 0) this.#counts.add(distribution, type, amount, detail)
  }

  /** All that was added is in the tally when it returns, or told to be in memory only. */
  commit(): void {
    const tally = this.#opened?.tally
    if (tally === undefined) return
    try {
      tally.write(this.#counts)
      this.#tallied = true
    } catch (error) {
      this.#complain('the tally of usage cannot be written', error)
    }
  }

  /** To be called each second: turns to another hour, closes what is due, and tries again what failed. */
  tick(): Promise<void> {
    return (this.#ticking ??= this.#tick().finally(() => (this.#ticking = undefined)))
  }

  async #tick(): Promise<void> {
    const now = this.#options.clock.now()
    const hour = hourOf(now)
    if (this.#opened === undefined) {
      await this.start()
    } else {
      const isFull = this.#opened.tally.isFull
      // A clock that was set back must not keep it open for long.
      const isDue = Math.abs(now - this.#from) >= this.#closeEvery || hour !== hourOf(this.#from)
      if (isFull || isDue || this.#closed !== undefined) await this.roll()
      this.commit()
      const { tally } = this.#opened
      await this.#attempt('the tally of usage cannot be written', () => tally.sync(now))
    }
    this.#counts.turnTo(hour)
  }

  /** Closes what was counted so far. What was closed before and could not be written yet goes first. */
  async roll(): Promise<void> {
    await this.#writing
    this.#writing = this.#attempt('the usage ledger cannot be written', () => this.#roll())
    await this.#writing
  }

  /** At most some hundred KiB of entries that are there for good, from a sequence on. */
  entriesFrom(sequence: number): LedgerEntry[] {
    try {
      return this.#opened?.files.from(sequence) ?? []
    } catch (error) {
      this.#complain('the usage ledger cannot be read', error)
      return []
    }
  }

  get oldest(): number {
    return this.#opened?.files.oldest ?? 1
  }

  get state(): LedgerState {
    const { life, files } = this.#opened ?? {}
    const unwritten = this.#closed?.entries.length ?? 0
    const tallied = this.#tallied && this.#opened !== undefined
    return { life, sequence: files?.last?.sequence ?? 0, unwritten, tallied }
  }

  /** How often something of it could not be read or written. */
  get failures(): number {
    return this.#failures
  }

  /** Control has all up to it; what is old of that is not needed any more. */
  taken(sequence: number): void {
    try {
      this.#opened?.files.prune(sequence, this.#options.clock.now())
    } catch (error) {
      this.#complain('old usage cannot be removed', error)
    }
  }

  /** Control cannot go on with this ledger: it is put aside for a person to read, and another is begun. */
  async beginAnew(why: string): Promise<void> {
    await this.roll()
    await this.#attempt('the usage ledger cannot be put aside', async () => {
      this.#putAside(why)
      await this.#open()
    })
  }

  async close(): Promise<void> {
    await this.#ticking
    if (!this.#counts.isEmpty || this.#closed !== undefined) await this.roll()
    await this.#writing
    this.#opened?.tally.close()
    this.#opened?.spare.close()
  }

  async #open(): Promise<void> {
    const { folder, clock, log } = this.#options
    this.#disk.makeFolder(folder)
    const files = new EntryFiles(this.#disk, folder)
    const tallies = ['tally-a', 'tally-b'].map(name => new TallyFile(this.#disk, path.join(folder, name)))
    const loaded = files.load()
    const left = tallies
      .map(tally => tally.find())
      .filter((found): found is FoundTally => found !== undefined)
    const recovery = loaded.kind === 'damaged' ? undefined : recover(files.last, left)
    if (loaded.kind === 'damaged' || recovery?.kind !== 'entries') {
      const why = loaded.kind === 'damaged' ? loaded.why : recovery?.kind === 'apart' ? recovery.why : ''
      this.#putAside(why)
      return this.#open()
    }
    for (const entry of recovery.entries) await files.append(entry)
    if (recovery.entries.length > 0)
      log.warn(
        { folder, entries: recovery.entries.length },
        'usage of a process that was killed is in the ledger',
      )
    const life = files.last?.life ?? left[0]?.life ?? randomUUID()
    const next = (files.last?.sequence ?? 0) + 1
    const [tally, spare] = tallies
    if (tally === undefined || spare === undefined) return
    spare.begin({ life, sequence: next, from: clock.now() })
    spare.free()
    tally.begin({ life, sequence: next, from: this.#from })
    this.#disk.syncFolder(folder)
    this.#counts.unwritten()
    this.#opened = { files, life, next, tally, spare }
    this.commit()
  }

  async #roll(): Promise<void> {
    const opened = this.#opened
    if (opened === undefined) return
    if (!opened.files.isThere) return this.#loseFolder()
    if (this.#closed === undefined && !this.#counts.isEmpty) this.#closeOpen(opened)
    const closed = this.#closed
    if (closed === undefined) {
      this.#from = this.#options.clock.now()
      return
    }
    for (const entry of closed.entries)
      if (entry.sequence > (opened.files.last?.sequence ?? 0)) await opened.files.append(entry)
    closed.tally.free()
    this.#closed = undefined
  }

  /** From here on is counted in the other tally; this one stays until its entries are there for good. */
  #closeOpen(opened: Opened): void {
    const { life, next, tally, spare, files } = opened
    const until = this.#options.clock.now()
    const from = this.#from
    const previous = files.last?.hash ?? GENESIS
    const hours = this.#counts.byHour()
    if (hours.length === 0) return
    spare.begin({ life, sequence: next + hours.length, from: until })
    this.commit()
    const closing = { life, sequence: next, previous, from, until, closed: 'in-time' } as const
    this.#closed = { entries: entriesOf(hours, closing), tally }
    this.#opened = { ...opened, next: next + hours.length, tally: spare, spare: tally }
    this.#counts = new Counts(hourOf(until))
    this.#from = until
  }

  /** The folder was emptied under this process: what it has counted and not sent away yet begins another life. */
  #loseFolder(): Promise<void> {
    const { folder, log } = this.#options
    const life = this.#opened?.life
    log.error(
      { folder, life },
      'the usage ledger is gone from its folder: another is begun, control names what it lacks',
    )
    this.#forget()
    return this.#open()
  }

  #putAside(why: string): void {
    const { folder, clock, log } = this.#options
    this.#forget()
    const aside = path.join(folder, `aside-${clock.now()}`)
    log.error(
      { folder, aside, why },
      'the usage ledger does not hold together: it is put aside, and another is begun',
    )
    this.#disk.makeFolder(aside)
    for (const name of this.#disk.names(folder))
      if (!name.startsWith('aside-')) this.#disk.move(path.join(folder, name), path.join(aside, name))
    this.#disk.syncFolder(folder)
  }

  /** Lets go of the files; the numbers of what could not be appended go on being counted. */
  #forget(): void {
    const appended = this.#opened?.files.last?.sequence ?? 0
    this.#opened?.tally.close()
    this.#opened?.spare.close()
    for (const { sequence, hour, amounts } of this.#closed?.entries ?? []) {
      if (sequence <= appended) continue
      this.#counts.turnTo(hour)
      for (const { distribution, type, detail, amount } of amounts)
        this.#counts.add(distribution, type, amount, detail)
    }
    this.#counts.turnTo(hourOf(this.#options.clock.now()))
    this.#opened = undefined
    this.#closed = undefined
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#complain(what, error)
    }
  }

  /** Once a minute: what fails is tried again each second. */
  #complain(what: string, error: unknown): void {
    this.#tallied = false
    this.#failures++
    const { clock, log, folder } = this.#options
    const now = clock.now()
    if (this.#toldAt !== undefined && Math.abs(now - this.#toldAt) < QUIET) return
    this.#toldAt = now
    const fields = { folder, code: codeOf(error), error: messageOf(error) }
    log.error(fields, `${what}: usage stays in memory until it can be`)
  }
}

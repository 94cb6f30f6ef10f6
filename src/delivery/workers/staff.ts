import cluster from 'node:cluster'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf, pause, systemClock, type IssuerId, type Milliseconds } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { EdgeOptions } from '../edge.ts'
import { Member } from './member.ts'
import type { Changed } from '../peers/changed.ts'
import type { Missed, ToWorker } from './messages.ts'
import { RecentChanges } from './recent-changes.ts'

export interface StaffOptions {
  edge: EdgeOptions
  log: Logger
  /** Asks an issuer for its keys and hands them out. */
  renew: (issuer: IssuerId) => Promise<void>
  /** The secrets of session tickets that hold now. */
  tickets: () => string
  /** What the worker has to know before it listens; undefined while nobody knows. */
  latest: () => ToWorker['apply']['asked'] | undefined
  /** It will answer nothing more. */
  left: (member: Member) => void
}

/** A worker that does not answer for so long hangs, and its viewers with it: another takes its place. */
const HANGS_AFTER: Milliseconds = 10_000
const FORGOTTEN_WITHIN: Milliseconds = 1_000
const DRAINED_WITHIN: Milliseconds = 9_000
const ENDED_WITHIN: Milliseconds = 1_500
/** The supervisor waits little longer. */
const CLOSED_WITHIN: Milliseconds = 11_000
/** A worker that ran this long was well; its next end is a first one. */
const WELL_AFTER: Milliseconds = 10_000

/** The workers of one edge: forks them, starts one again when it ends, speaks to all of them. */
export class Staff {
  readonly #options: StaffOptions
  readonly #members = new Map<number, Member>()
  /** Those that hear of changes: all that were told what they missed, though some cannot be asked yet. */
  readonly #hearing = new Map<number, Member>()
  readonly #changes = new RecentChanges()
  /** How many changes there had been when the last process of a place ended. */
  readonly #endedAt = new Map<number, number>()
  readonly #closing = new AbortController()
  #keeping: Promise<void>[] = []
  /** Workers that were started again. */
  restarts = 0
  #ports: { http: number; https: number } | undefined

  constructor(options: StaffOptions) {
    this.#options = options
    // Measured with 2 workers and new connections for each request: twice the rate of handing them out in turn, and
    // as even. And what a worker has not accepted yet is another's when it dies.
    cluster.schedulingPolicy = cluster.SCHED_NONE
    const entry = new URL(`./worker-main${extname(import.meta.url)}`, import.meta.url)
    cluster.setupPrimary({ exec: fileURLToPath(entry), args: [] })
  }

  /** Resolves when all can be asked by each other; throws the sentence of the first that cannot start. */
  async start(): Promise<void> {
    const indexes = Array.from({ length: this.#options.edge.workers }, (_, index) => index)
    try {
      const members = await Promise.all(indexes.map(index => this.#begin(index)))
      this.#keeping = members.map((member, index) => this.#keep(index, member))
    } catch (error) {
      await this.#killAll()
      throw error
    }
  }

  /** From now on viewers are answered. */
  async listen(): Promise<{ http: number; https: number }> {
    try {
      const [ports] = await Promise.all(this.#all().map(member => member.wire.ask('listen', null)))
      this.#ports = ports ?? { http: 0, https: 0 }
      return this.#ports
    } catch (error) {
      await this.#killAll()
      throw error
    }
  }

  get live(): number {
    return this.#members.size
  }

  /**
   * Asks every worker that lives; the answers of those who ended meanwhile are left out. With `within` whoever is late
   * is left out too; without, each must do it, or is given up.
   */
  async askAll<What extends keyof ToWorker>(
    what: What,
    asked: ToWorker[What]['asked'],
    options: { within?: Milliseconds } = {},
  ): Promise<{ member: Member; answered: ToWorker[What]['answered'] }[]> {
    const within = options.within ?? HANGS_AFTER
    const asking = this.#all().map(async member => {
      try {
        return [{ member, answered: await member.wire.ask(what, asked, within) }]
      } catch (error) {
        if (options.within === undefined) this.#giveUp(member, what, error)
        return []
      }
    })
    return (await Promise.all(asking)).flat()
  }

  /** Resolves when every worker that lives has applied it. */
  async apply(asked: ToWorker['apply']['asked']): Promise<void> {
    await this.askAll('apply', asked)
  }

  /** Lets transfers end while siblings still answer each other, then ends all. */
  async close(): Promise<void> {
    this.#closing.abort()
    const late = setTimeout(killForked, CLOSED_WITHIN)
    await this.askAll('drain', null, { within: DRAINED_WITHIN })
    await Promise.all(this.#all().map(member => member.end(ENDED_WITHIN)))
    // One that is still starting ends when it has started: what it was told to delete is deleted then.
    await Promise.all(this.#keeping)
    clearTimeout(late)
  }

  #all(): Member[] {
    return [...this.#members.values()]
  }

  /** A worker that cannot do what all do, or hangs, must not go on as if it did. */
  #giveUp(member: Member, what: string, error: unknown): void {
    if (!this.#all().includes(member)) return
    this.#options.log.error({ pid: member.pid, what, error: messageOf(error) }, 'a worker is given up')
    member.kill()
  }

  async #begin(index: number): Promise<Member> {
    const { edge, renew, tickets, latest, left } = this.#options
    const member: Member = new Member({
      renew: issuer => renew(issuer).then(() => null),
      forget: changed => this.#forget(changed).then(() => null),
    })
    void member.exited.then(() => {
      if (this.#members.get(index) === member) this.#members.delete(index)
      if (this.#hearing.get(index) === member) this.#hearing.delete(index)
      // One that never began has changed nothing for the one before it.
      if (!this.#endedAt.has(index)) this.#endedAt.set(index, this.#changes.count)
      left(member)
    })
    await Promise.race([member.loaded, member.exited])
    this.#hearing.set(index, member)
    await member.wire.ask('start', {
      options: edge,
      index,
      tickets: tickets(),
      missed: this.#missedBy(index),
    })
    this.#endedAt.delete(index)
    // From here on it hears of everything, after what holds now.
    this.#members.set(index, member)
    const known = latest()
    if (known !== undefined) await member.wire.ask('apply', known)
    return member
  }

  /** For the life of the edge: when the process ends, another takes its place. */
  async #keep(index: number, first: Member): Promise<void> {
    let inARow = 0
    for (let member: Member | undefined = first, startedAt = systemClock.now(); ;) {
      const exit = await member?.exited
      if (this.#closing.signal.aborted) return
      inARow = systemClock.now() - startedAt >= WELL_AFTER ? 0 : inARow
      this.#options.log.error({ worker: index, ...exit }, 'a worker ended, another takes its place')
      await pause(pauseAfter(inARow++), this.#closing.signal)
      if (this.#closing.signal.aborted) return
      this.restarts++
      startedAt = systemClock.now()
      member = await this.#replace(index)
    }
  }

  /** Undefined when it could not start; its process is gone then. */
  async #replace(index: number): Promise<Member | undefined> {
    try {
      const member = await this.#begin(index)
      if (this.#closing.signal.aborted) await member.end(ENDED_WITHIN)
      else if (this.#ports !== undefined) await member.wire.ask('listen', null)
      return member
    } catch (error) {
      if (!this.#closing.signal.aborted)
        this.#options.log.error({ worker: index, error: messageOf(error) }, 'a worker cannot start')
      this.#hearing.get(index)?.kill()
      return undefined
    }
  }

  /**
   * Whoever ended before he heard of it, or hears of nothing yet, is told when another takes his place. Who made the
   * change is told too: what he was given since by an owner who had not heard of it is undone then.
   */
  async #forget(changed: Changed): Promise<void> {
    this.#changes.add(changed)
    const numbered = { changed, number: this.#changes.count }
    await Promise.all(
      [...this.#hearing.values()].map(({ wire }) =>
        wire.ask('forget', numbered, FORGOTTEN_WITHIN).catch(() => {}),
      ),
    )
  }

  #missedBy(index: number): Missed {
    const changes = this.#changes.after(this.#endedAt.get(index) ?? 0)
    const number = this.#changes.count
    return changes === undefined ? { kind: 'too-many', number } : { kind: 'changes', changes, number }
  }

  async #killAll(): Promise<void> {
    this.#closing.abort()
    killForked()
    await Promise.all(this.#keeping)
  }
}

/** All processes that were forked here, started or not. */
function killForked(): void {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
}

/** At once the first time, since viewers wait; then 0.25 s, 0.5 s, 1 s, … 5 s, so that one that cannot live costs little. */
function pauseAfter(inARow: number): Milliseconds {
  return inARow === 0 ? 0 : Math.min(5_000, 125 * 2 ** inARow)
}

import { performance } from 'node:perf_hooks'
import {
  after,
  type Clock,
  type DistributionId,
  type FunctionId,
  type Instant,
  type Milliseconds,
} from '../../core/index.ts'
import type {
  Behaviour,
  FunctionEvent,
  FunctionRuntime,
  Materials,
  Snapshot,
} from '../../distribution/index.ts'
import {
  isUnusable,
  programsOf,
  type FunctionRunner,
  type Json,
  type OriginChange,
  type Program,
  type Stores,
  type Unusable,
} from '../../functions/index.ts'
import type { Count, Logger, Metrics, Observe } from '../../telemetry/index.ts'
import type { Counts } from '../counts.ts'
import { FUNCTION_METRICS } from '../metric-names.ts'

/** A function of a behaviour, as it is run at one event. */
export interface Use {
  event: FunctionEvent
  function: FunctionId
  /** Undefined where the snapshot does not know it: it fails then. */
  runtime: FunctionRuntime | undefined
  /** Whether it sees bodies of requests. */
  body: boolean
  when: 'stored' | 'asked'
}

/** What a behaviour runs, by event. */
export type Uses = { readonly [Event in FunctionEvent]?: Use }

/** For whom it is run. */
export interface RanFor {
  id: string
  distribution: DistributionId | undefined
  /** As logs may hold it. */
  path: string | undefined
}

export interface NodeFunctionsOptions {
  runner: FunctionRunner
  clock: Clock
  metrics: Metrics
  log: Logger
  /** Where runs are counted that are to be paid for. */
  counts?: Counts
}

/** Seconds: a small function takes tenths of a millisecond, one that fetches up to its 30 s. */
/** Longer than an origin is waited for: requests go on so long with what they began with, however many snapshots come. */
const REMEMBERED: Milliseconds = 600_000

/** Of these, more than are published in that time. */
const MOST_REMEMBERED = 200

/** A function that no behaviour names any more, and what it reads. */
interface Leaving {
  program: Program
  entries: ReadonlyMap<string, string> | undefined
  until: Instant
}

/** The functions of a node's behaviours: what a snapshot says of them, and how they are run, counted and told of. */
export class NodeFunctions {
  readonly #runner: FunctionRunner
  readonly #log: Logger
  readonly #counts: Counts | undefined
  readonly #count: Count<(typeof FUNCTION_METRICS.runs)['labels']>
  readonly #observe: Observe<(typeof FUNCTION_METRICS.seconds)['labels']>
  readonly #clock: Clock
  /** Of the snapshot that is applied. */
  #applied: { programs: readonly Program[]; stores: Stores } = { programs: [], stores: new Map() }
  /** Those of its predecessors. */
  #leaving: readonly Leaving[] = []

  constructor({ runner, metrics, log, clock, counts }: NodeFunctionsOptions) {
    this.#counts = counts
    this.#runner = runner
    this.#clock = clock
    this.#log = log
    this.#count = metrics.counter(FUNCTION_METRICS.runs)
    this.#observe = metrics.histogram(FUNCTION_METRICS.seconds)
  }

  /** Undefined where there is nothing to wait for. Rejects where a blob is missing or no store can be read. */
  follow(snapshot: Snapshot, materials: Materials): Promise<void> | undefined {
    const { functions = [] } = snapshot
    const isIdle = this.#applied.programs.length === 0 && this.#leaving.length === 0
    return functions.length === 0 && isIdle ? undefined : this.#follow(snapshot, materials)
  }

  async #follow(snapshot: Snapshot, materials: Materials): Promise<void> {
    const next = programsOf(snapshot, materials)
    const leaving = this.#leavingBefore(new Set(next.programs.map(({ id }) => id)))
    const stores = new Map(next.stores)
    for (const { program, entries } of leaving)
      if (program.store !== undefined && entries !== undefined && !stores.has(program.store))
        stores.set(program.store, entries)
    await this.#runner.follow([...next.programs, ...leaving.map(({ program }) => program)], stores)
    this.#applied = next
    this.#leaving = leaving
  }

  /** Requests under way go on with the behaviours that they began with. */
  #leavingBefore(named: ReadonlySet<FunctionId>): Leaving[] {
    const now = this.#clock.now()
    const { programs, stores } = this.#applied
    const parting = programs.map((program): Leaving => {
      const entries = program.store === undefined ? undefined : stores.get(program.store)
      return { program, entries, until: after(now, REMEMBERED) }
    })
    const gone = this.#leaving.filter(({ until }) => until > now)
    return [...gone, ...parting].filter(({ program }) => !named.has(program.id)).slice(-MOST_REMEMBERED)
  }

  /**
   * Runs a function and reads what it gives. Whatever is wrong with either is told to the log, with the words of the
   * function's author or about them; what a request holds never is.
   */
  async run<Read extends { kind: string }>(
    { function: id, event, runtime }: Use,
    argument: Json,
    whom: RanFor,
    read: (value: Json, origin: OriginChange | undefined) => Read | Unusable,
  ): Promise<Read | Unusable> {
    this.#counts?.ran(whom.distribution, runtime === 'lambda-edge' ? 'handler' : 'function')
    const began = performance.now()
    const outcome = await this.#runner.run({ function: id, event, argument })
    const took = performance.now() - began
    const result: Read | Unusable =
      outcome.kind === 'returned'
        ? read(outcome.value, outcome.origin)
        : { kind: 'unusable', reason: outcome.reason, message: outcome.message }
    const bad = isUnusable(result) ? result : undefined
    // What is counted and told is no reason for a viewer to wait.
    setImmediate(() => {
      this.#observe(took / 1000, { function: id, event })
      this.#count({ function: id, event, outcome: bad?.reason ?? 'returned' })
      const told = { function: id, event, ...whom }
      if (outcome.logs.length > 0) this.#log.debug({ ...told, lines: outcome.logs }, 'a function wrote')
      if (bad !== undefined)
        this.#log.warn({ ...told, reason: bad.reason, why: bad.message }, 'a function failed')
    })
    return result
  }

  async close(): Promise<void> {
    await this.#runner.close()
  }
}

/** What a behaviour runs; undefined for most. */
export function usesOf(
  { functions = [] }: Behaviour,
  snapshot: Pick<Snapshot, 'functions'>,
): Uses | undefined {
  if (functions.length === 0) return undefined
  const runtimes = new Map(snapshot.functions?.map(({ id, runtime }) => [id, runtime]))
  const uses = functions.map(({ event, function: id, body = false, when = 'stored' }) => {
    const use: Use = { event, function: id, runtime: runtimes.get(id), body, when }
    return [event, use] as const
  })
  return Object.fromEntries(uses)
}

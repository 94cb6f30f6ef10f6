import type { FunctionId, FunctionReason, Milliseconds, StoreId } from '../core/index.ts'
import type { FunctionEvent, FunctionRuntime } from '../distribution/index.ts'

/** A function with its code, ready to be run. */
export interface Program {
  id: FunctionId
  runtime: FunctionRuntime
  /** JavaScript, as its author wrote it. */
  code: string
  /** The store that it reads. */
  store?: StoreId
  /** Where `fetch` may go; nowhere when left out. */
  hosts?: readonly string[]
}

/** What all stores hold that functions read. */
export type Stores = ReadonlyMap<StoreId, ReadonlyMap<string, string>>

/** What a function may be handed and may return: what JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

export interface Run {
  function: FunctionId
  event: FunctionEvent
  /** The handler's argument. */
  argument: Json
}

/**
 * What a function of runtime 2.0 did about the origin with the module `cloudfront`, at viewer-request; the last call
 * counts. What it wrote stands here as it wrote it, unread.
 */
export type OriginChange =
  /** `cf.updateRequestOrigin({…})` */
  | { kind: 'update'; with: { [name: string]: Json } }
  /** `cf.selectRequestOriginById(id)` */
  | { kind: 'select'; originId: string }
  /** `cf.createRequestOriginGroup({…})` */
  | { kind: 'group'; with: { [name: string]: Json } }

/** How a run ended. `used` is the part of the permitted time, in per cent: CloudFront's compute utilisation. */
export type Outcome = (
  | { kind: 'returned'; value: Json; origin?: OriginChange }
  /** The message is the author's to read, in the log and in a test's answer, never a viewer's. */
  | { kind: 'failed'; reason: FunctionReason; message: string }
) & {
  /** What it wrote with `console.log`, cut at 10 KB. */
  logs: readonly string[]
  used: number
}

/** Runs functions, each kept apart from this process and from all others. */
export interface FunctionRunner {
  /** From now on these are known, and no others; resolves when a run would use them. */
  follow(programs: readonly Program[], stores: Stores): Promise<void>
  /** Never rejects; a function that is not known has failed. */
  run(run: Run): Promise<Outcome>
  /** Compiles a program and looks for its handler, without making it known: undefined, or what is wrong with it. */
  check(program: Program): Promise<string | undefined>
  /** Ends all that run, which have failed then. */
  close(): Promise<void>
}

/** What a function asks of the outside at an origin event. */
export interface Fetching {
  method: string
  url: string
  headers: readonly (readonly [name: string, value: string])[]
  body?: Uint8Array
  /** Ends it: the function's time is over. */
  signal: AbortSignal
}

export interface Fetched {
  status: number
  headers: readonly (readonly [name: string, value: string])[]
  body: Uint8Array
}

/** Asks outside for a function; given by whoever makes the runner, who sees to it that addresses are looked at. */
export type Fetch = (asked: Fetching) => Promise<Fetched>

/** Limits of one run, by runtime and event: see `limitsOf`. Sizes are in bytes. */
export interface Limits {
  /** Of computing. */
  time: Milliseconds
  /** By the clock: when it is cut off, however little it has computed. */
  clock: Milliseconds
  /** The time that `used` counts as all of it. */
  nominal: Milliseconds
  /** What it may hold beyond what its environment takes. */
  memory: number
  code: number
  /** Of what it returns, as JSON: the runner sees to it. */
  output: number
  /** The body of an answer that it generates, decoded: whoever reads the result sees to it. */
  answer: number
}

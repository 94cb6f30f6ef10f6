import type { FunctionReason } from '../core/index.ts'
import type { FunctionEvent, FunctionRuntime } from '../distribution/index.ts'
import type { RingMemory } from './ring.ts'

/** What is said between the runner and its threads. Values cross as JSON text, which is made and read once. */

/** Its content as a number: a program that changes is another one. */
export type Slot = number

export interface SlottedProgram {
  slot: Slot
  name: string
  runtime: FunctionRuntime
  code: string
  store?: string
}

export type ToThread =
  | { kind: 'know'; program: SlottedProgram }
  /** When the thread has none of its runs any more. */
  | { kind: 'forget'; slot: Slot }
  | { kind: 'store'; id: string; entries: ReadonlyMap<string, string> | undefined }
  | RunMessage
  | { kind: 'check'; sequence: number; slot: Slot }
  | { kind: 'answer'; call: number; sequence: number; said: Answered }
  /** It has been told something by the ring. */
  | { kind: 'look' }

export interface RunMessage {
  kind: 'run'
  sequence: number
  slot: Slot
  event: FunctionEvent
  argument: string
  now: number
}

/** What came of a question outside. */
export type Answered = { isGood: true; head: string; body: Uint8Array } | { isGood: false; message: string }

export interface FromRun {
  kind: 'ended'
  sequence: number
  /** `v` is a value, and `text` is its JSON; anything else is a reason, and `text` is the message. */
  how: 'v' | FunctionReason
  text: string
  /** JSON of `{ logs, origin }`, when there is either. */
  rest: string
  /** How long the function has been computing. */
  busy: number
  /** Longer than a function should without a pause. */
  isSlow: boolean
}

export type FromThread =
  | { kind: 'ready' }
  | FromRun
  /** Asked to be given back before it was begun. */
  | { kind: 'returned'; sequence: number }
  | { kind: 'fetch'; sequence: number; call: number; head: string; body: Uint8Array | undefined }

/** What thread and runner see of each other while the thread computes: places in an Int32Array. */
export const STATE = {
  /** Counts what the thread computes without a pause. */
  slice: 0,
  /** The run that it is computing for; 0 when it computes nothing. */
  running: 1,
  /** How long this may take, in milliseconds. */
  allowed: 2,
  /** The last run that it has begun with. */
  begun: 3,
  /** Runs up to this one, when they are not begun yet, are to be given back. */
  recalled: 4,
  /** The thread sleeps, or will, without its event loop. */
  sleeps: 5,
  /** Counts what wakes it then. */
  signals: 6,
  /** Counts the messages that it has heard. */
  heard: 7,
  /** Count the runs in the ring. */
  written: 8,
  taken: 9,
  length: 10,
} as const

/** What a thread is started with. */
export interface ThreadData {
  state: Int32Array
  ring: RingMemory
}

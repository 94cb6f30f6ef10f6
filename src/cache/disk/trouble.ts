import { codeOf, messageOf, type Clock, type Instant, type Milliseconds } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'

/** Why an object did not come to the disk. `queue`: too many waited; `resting`: the disk failed a moment ago. */
export type WriteFailure = 'full' | 'unwritable' | 'other' | 'queue' | 'resting'

/** What a person may have to mend; each is logged on its own. */
export type TroubleKind = 'write' | 'read' | 'bad-file' | 'vanished'

const EVENTS: Record<TroubleKind, string> = {
  write: 'the disk cache cannot be written: objects stay in memory only, and it is tried again',
  read: 'a file of the disk cache cannot be read: it counts as not there',
  'bad-file': 'a file of the disk cache is not what was written: it is deleted and counts as not there',
  vanished: 'the folder of the disk cache was gone: it is made anew',
}

const QUIET: Milliseconds = 60_000

/** Tells of each kind of trouble at most once a minute; viewers are served whatever happens, and metrics count all. */
export class Trouble {
  readonly #log: Logger
  readonly #clock: Clock
  readonly #toldAt = new Map<TroubleKind, Instant>()

  constructor({ log, clock }: { log: Logger; clock: Clock }) {
    this.#log = log
    this.#clock = clock
  }

  tell(kind: TroubleKind, fields: Record<string, unknown>): void {
    const now = this.#clock.now()
    const toldAt = this.#toldAt.get(kind)
    // A clock that was set back must not silence it for long.
    if (toldAt !== undefined && Math.abs(now - toldAt) < QUIET) return
    this.#toldAt.set(kind, now)
    this.#log.warn(fields, EVENTS[kind])
  }
}

export function fieldsOf(error: unknown): Record<string, unknown> {
  return { code: codeOf(error), error: messageOf(error) }
}

export function writeFailureOf(error: unknown): WriteFailure {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return 'full'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
      return 'unwritable'
    default:
      return 'other'
  }
}

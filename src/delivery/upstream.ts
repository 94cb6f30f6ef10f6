import type { UpstreamAnswer } from '../cache/index.ts'
import type { CanonicalPath, Clock, DistributionId } from '../core/index.ts'
import type { Origin, OriginAccess } from '../distribution/index.ts'
import type { FlatHeaders, Validators } from '../http/index.ts'
import type { Guard } from '../outbound/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Lane } from './origin-connections.ts'
import { builtInOrigin } from './upstream-built-in.ts'
import { ForeignOrigins } from './upstream-foreign.ts'

/** What is asked of the next tier. */
export interface UpstreamQuestion {
  distributionId: DistributionId
  /** Whom to ask, and what proves to a bucket that we may. */
  origin: Origin
  access: OriginAccess | undefined
  path: CanonicalPath
  query: string
  /** The viewer's fields that are keyed, name and value in turn, names in lower case; for foreign origins. */
  headers: FlatHeaders
  snapshotVersion: number
  sequence: number
  validators: Validators | undefined
  /** `brief` when something stale is at hand to fall back on. */
  patience: 'brief' | 'full'
  /** `held` may be answered seconds later, when what it asks for has come to be; it must not keep others waiting. */
  lane: Lane
  /** The channel that is asked for: one may not crowd out the others. */
  channel: string | undefined
}

/** Whoever answers questions; see `Upstream`. */
export interface Asks {
  ask(question: UpstreamQuestion): Promise<UpstreamAnswer>
  close(): Promise<void>
}

export interface Upstream extends Asks {
  /**
   * Rejects with SluiceError `upstream-unreachable`, `upstream-timeout`, `upstream-refused`, `address-refused`,
   * `origin-access` or, when too many wait for an answer already, `upstream-overloaded`; all of side `upstream`.
   */
  ask(question: UpstreamQuestion): Promise<UpstreamAnswer>
  /** Lets go of the connections to every other origin, once what is under way on them has ended. */
  keep(origins: readonly Origin[]): void
}

export interface UpstreamOptions {
  /** Of the built-in origin. */
  url: string
  /** A fresh node token for each question to it. */
  token: () => Promise<string>
  clock: Clock
  /** Where foreign origins may be. */
  guard: Guard
  log: Logger
  /** Whom TLS origins are certified by, as PEM; the system's authorities unless a test has its own. */
  authorities?: string
}

/** Asks each question of the origin that it names. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const builtIn = builtInOrigin(options)
  const foreign = new ForeignOrigins(options)
  return {
    ask: question => (question.origin.kind === 'built-in' ? builtIn : foreign).ask(question),
    keep: origins => foreign.keep(origins),
    async close() {
      await Promise.all([builtIn.close(), foreign.close()])
    },
  }
}

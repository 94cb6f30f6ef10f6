import type { UpstreamAnswer } from '../../cache/index.ts'
import type { CanonicalPath, Clock, DistributionId } from '../../core/index.ts'
import type { HttpOrigin, Origin, OriginAccess, Snapshot } from '../../distribution/index.ts'
import type { FlatHeaders, Validators } from '../../http/index.ts'
import type { Membership } from '../../membership/index.ts'
import type { Guard } from '../../outbound/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import { Counts } from '../counts.ts'
import type { Interim } from '../answer/interim.ts'
import type { Lane } from './origin-connections.ts'
import { BuiltInOrigin } from './built-in.ts'
import { OriginPlaces } from './origin-places.ts'
import { ForeignOrigins } from './foreign.ts'
import type { Upgraded } from './upgrade.ts'

/** What is asked of the next tier. */
export interface UpstreamQuestion {
  distributionId: DistributionId
  /** Whom to ask, and what proves to a bucket that we may. */
  origin: Origin
  access: OriginAccess | undefined
  /** GET when left out; OPTIONS goes to servers alone. */
  method?: 'OPTIONS'
  path: CanonicalPath
  query: string
  /** The viewer's fields, name and value in turn, and what is said of him; for foreign origins. */
  headers: FlatHeaders
  /** Of which trace it is, in fields. */
  trace?: FlatHeaders
  /** Whether the origin may set cookies. */
  cookies?: 'none' | 'all'
  /** Is told of what a foreign origin says before its answer. */
  interim?: Interim
  /** The viewer's, for origins that are asked in it; that of the origin's URL when left out. */
  scheme?: 'http' | 'https'
  /** `Range`, and `If-Range` beside it. */
  range?: string
  ifRange?: string
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

/** A viewer's own request, which goes to an HTTP origin with its body and whose answer is his alone. */
export interface RelayedRequest {
  origin: HttpOrigin
  scheme: 'http' | 'https'
  path: CanonicalPath
  query: string
  method: string
  /** As they go out, whole. */
  headers: FlatHeaders
  /** Undefined when it has none; one without Content-Length goes out in chunks. */
  body: AsyncIterable<Uint8Array> | undefined
  cookies: 'none' | 'all'
  /** Who may not crowd out others. */
  owner: string | undefined
  /** Ends it, whatever it has come to: the viewer has left. */
  signal: AbortSignal
}

/** A viewer's request to leave HTTP. */
export interface UpgradeRequest extends Omit<RelayedRequest, 'method' | 'body' | 'owner'> {
  /** In lower case. */
  protocol: string
  distributionId: DistributionId
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
  /**
   * Rejects as `ask` does, and with the signal's reason. It is never sent again once a byte of its body has been read.
   * The answer may come before the body has gone.
   */
  relay(request: RelayedRequest): Promise<UpstreamAnswer>
  /** Rejects as `relay` does. Its connection is the caller's, who bounds how many there are. */
  upgrade(request: UpgradeRequest): Promise<Upgraded>
  /**
   * Lets go of the connections to every other origin, once what is under way on them has ended. `snapshot` is the one that
   * holds now.
   */
  keep(origins: readonly Origin[], snapshot: Pick<Snapshot, 'nodes' | 'channels'>): void
}

export interface UpstreamOptions {
  /** Of the built-in origin on this machine; elsewhere the snapshot says where origins are. */
  url: string | undefined
  /** Of a node that has joined from another machine. */
  membership?: Membership | undefined
  /** A fresh node token for each question to it. */
  token: () => Promise<string>
  clock: Clock
  /** Where foreign origins may be. */
  guard: Guard
  log: Logger
  /** Where questions to origins are counted. */
  counts?: Counts
  /** Whom TLS origins are certified by, as PEM; the system's authorities unless a test has its own. */
  authorities?: string
}

/** Asks each question of the origin that it names. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { url, membership, token, clock, counts = new Counts() } = options
  const places = new OriginPlaces(url)
  const builtIn = new BuiltInOrigin({ places, membership, token, clock, counts })
  const foreign = new ForeignOrigins({ ...options, counts })
  return {
    ask: question => (question.origin.kind === 'built-in' ? builtIn : foreign).ask(question),
    relay: request => foreign.relay(request),
    upgrade: request => foreign.upgrade(request),
    keep(origins, snapshot) {
      foreign.keep(origins)
      places.follow(snapshot)
      builtIn.keep()
    },
    async close() {
      await Promise.all([builtIn.close(), foreign.close()])
    },
  }
}

import { systemClock, type Health } from '../core/index.ts'
import type { Materials, Snapshot } from '../distribution/index.ts'
import {
  followSnapshot,
  keepRenewed,
  Membership,
  reportHealth,
  type MeasuredLatencies,
  pushUsage,
  startReporting,
  type TrafficTotals,
  type UsageBook,
} from '../membership/index.ts'
import { IssuerKeys, type Guard } from '../outbound/index.ts'
import { byWord, type Logger, type Metrics } from '../telemetry/index.ts'
import type { EdgeOptions } from './edge.ts'
import { EDGE_METRICS } from './metric-names.ts'
import { CertificateWhenNeeded } from './tiers/certificate.ts'
import type { ViewerCount } from './viewers/viewer-count.ts'

/** Control counts what it has not heard of again for a few of these as gone. */
const REPORT_VIEWERS_MS = 2_000

/** For what was counted at the end. */
const LAST_WORDS = 1_000

export interface TiesParts {
  metrics: Metrics
  log: Logger
  /** Who watches, at this whole edge. */
  viewers: ViewerCount
  /** Of this whole edge, too: what it has done, and connections of viewers. */
  totals: () => TrafficTotals
  busy: () => number
  /** The usage ledgers of all its processes. */
  books: () => readonly UsageBook[]
  /** How far viewers' networks are from here. */
  latencies: MeasuredLatencies
  /** A version counts as applied when this has resolved. */
  apply: (snapshot: Snapshot, materials: Materials) => void | Promise<void>
}

export interface Ties {
  /** The snapshot that was applied last. */
  snapshot(): Snapshot | undefined
  /** `waitingFor` is what the edge lacks. */
  health(waitingFor: string[]): Health
  close(): Promise<void>
}

/** What binds an edge to control, once for all its processes: the snapshot comes in, the number of viewers goes out. */
export function tieToControl(options: EdgeOptions, parts: TiesParts): Ties {
  const { metrics, log, viewers, apply } = parts
  const { controlUrl, identity, stateDir } = options
  const clock = systemClock
  const membership = membershipOf(options)
  const { membershipFile: file } = options
  const certificate =
    file === undefined ? undefined : new CertificateWhenNeeded({ file, controlUrl, identity, clock, log })
  const follower = followSnapshot({
    ...{ controlUrl, membership, identity, stateDir, clock, log },
    apply(snapshot, materials) {
      certificate?.look(snapshot.nodes)
      return apply(snapshot, materials)
    },
  })
  const reporting = startReporting({
    ...{ controlUrl, membership, identity, clock, log },
    path: '/v1/node/viewers',
    everyMs: REPORT_VIEWERS_MS,
    read: () => viewers.report(),
    taken: report => viewers.taken(report),
  })
  const health = reportHealth({
    ...{ controlUrl, membership, identity, clock, metrics, log },
    snapshot: () => follower.current(),
    totals: () => parts.totals(),
    busy: () => parts.busy(),
    ...{ viewers: options.viewers, latencies: parts.latencies },
  })
  const pushing = pushUsage({
    ...{ controlUrl, membership, identity, clock, metrics, log },
    books: () => parts.books(),
  })
  const renewing = membership && keepRenewed(membership, { controlUrl, identity, url: null, clock, log })
  metrics.gauge(EDGE_METRICS.liveViewers, () => viewers.total)
  metrics.gauge(EDGE_METRICS.snapshotVersion, () => follower.current()?.version ?? 0)
  return {
    snapshot: () => follower.current(),
    health: waitingFor => health.health(waitingFor),
    async close() {
      await pushing.close(LAST_WORDS)
      await health.close()
      await reporting.close()
      await follower.close()
      await renewing?.close()
      await certificate?.close()
    },
  }
}

/** Undefined for an edge of this machine's own `sluice up` that asks no other machine. */
export function membershipOf({ membershipFile }: EdgeOptions): Membership | undefined {
  return membershipFile === undefined ? undefined : Membership.read(membershipFile)
}

/** The same, for whoever has to know only later: another process of this edge may have obtained it meanwhile. */
export function membershipSource(options: EdgeOptions): () => Membership | undefined {
  let known: Membership | undefined
  return () => (known ??= membershipOf(options))
}

/** The keys of token issuers; one process of an edge asks for them, whatever the number of its workers. */
export function issuersOf(
  { stateDir }: EdgeOptions,
  parts: { guard: Guard; log: Logger; changed?: () => void },
): IssuerKeys {
  return new IssuerKeys({ stateDir, clock: systemClock, ...parts })
}

export function measureIssuers({ refreshes }: IssuerKeys, metrics: Metrics): void {
  metrics.collected(EDGE_METRICS.issuerRefreshes, () => byWord('result', refreshes))
}

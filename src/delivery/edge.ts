import { systemClock, type Bytes, type Listen, type RunningRole } from '../core/index.ts'
import type { ViewersAt } from '../distribution/index.ts'
import type { CertificatePair, ConnectionCaps } from '../inbound/index.ts'
import type { NodeIdentity } from '../membership/index.ts'
import { createLogger, createMetrics, type LogLevel } from '../telemetry/index.ts'
import { createGuard } from '../outbound/index.ts'
import { issuersOf, measureIssuers, tieToControl } from './edge-ties.ts'
import { MAIN_BOOK } from './node-ledger.ts'
import { prepareServing } from './serving.ts'
import { UsageBooks } from './usage-books.ts'
import { startManager } from './workers/manager.ts'

export interface EdgeOptions {
  http: Listen
  /** The certificate to show, and those of names of their own; files that are read again when they change. */
  https: { listen: Listen; certificates?: readonly CertificatePair[] } & CertificatePair
  /** Of each process that serves viewers. */
  connectionCaps: ConnectionCaps
  controlUrl: string
  /** Of the origin on this machine; elsewhere the snapshot says where origins are. */
  originUrl?: string | undefined
  /** Of an edge that has joined from another machine: its place among the nodes. */
  membershipFile?: string | undefined
  identity: NodeIdentity
  /** Where the last snapshot is kept. */
  stateDir: string
  /** Of all workers together. */
  memoryCacheBytes: Bytes
  /** Of all workers together; there is none when it is undefined. The folder is theirs alone. */
  diskCache?: { folder: string; maxBytes: Bytes } | undefined
  /** Processes that serve viewers. With one, it is this process. */
  workers: number
  /** Of this edge alone, in a folder of this user alone: where its workers meet. Made anew at each start. */
  workersFolder: string
  /** Stands in `X-Sluice-Pop`. */
  pop: string
  /** Where viewers reach it, for routers; undefined where it was not told. */
  viewers?: ViewersAt | undefined
  trustedProxies: string[]
  /** By which it is told in which country a viewer is; a MaxMind DB or lines of `network,country`. */
  countryFile?: string | undefined
  /** `origins.allow`: ranges of loopback addresses where origins may be. */
  allowOrigins: string[]
  /** Where this installation listens; nothing there is an origin. */
  ownPorts: number[]
  accessLogFolder: string
  logLevel: LogLevel
}

/** An edge: the steps from `read` on, over HTTP/1.1 and HTTP/2, before the origin. */
export function startEdge(options: EdgeOptions): Promise<RunningRole> {
  return options.workers > 1 ? startManager(options) : startAlone(options)
}

async function startAlone(options: EdgeOptions): Promise<RunningRole> {
  const log = createLogger('edge', options.logLevel)
  const metrics = createMetrics('edge')
  const guard = createGuard({ allow: options.allowOrigins, ownPorts: options.ownPorts })
  const issuers = issuersOf(options, { guard, log })
  await issuers.start()
  const serving = await prepareServing(options, {
    metrics,
    guard,
    log,
    issuers,
    share: 1,
    index: 0,
    book: MAIN_BOOK,
  })
  const { node } = serving
  const books = new UsageBooks({
    ...{ stateDir: options.stateDir, live: [MAIN_BOOK], clock: systemClock, log },
    beginAnew: (_book, why) => serving.ledger.beginAnew(why),
  })
  await books.start()
  const ties = tieToControl(options, {
    ...{ metrics, log },
    viewers: node.viewers,
    totals: () => node.usage.totals,
    busy: () => serving.connections(),
    books: () => books.all(),
    latencies: serving.latencies,
    apply: (snapshot, materials) => node.follow(snapshot, materials),
  })
  measureIssuers(issuers, metrics)
  const ports = await serving.listen()
  log.info(ports, 'edge listens')

  return {
    async close() {
      await serving.drain()
      await serving.ledger.roll()
      await ties.close()
      await issuers.close()
      await serving.close()
    },
    metrics: () => metrics.text(),
    health: () => ties.health(node.matcher ? [] : ['snapshot']),
  }
}

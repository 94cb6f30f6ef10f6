import { DiskTier, shardsOf } from '../cache/index.ts'
import { systemClock, type Bytes, type Listen, type Milliseconds, type RunningRole } from '../core/index.ts'
import {
  createPeerVerifier,
  followSnapshot,
  keepRenewed,
  Membership,
  nodeTokenSource,
  pushUsage,
  reportHealth,
  type NodeIdentity,
} from '../membership/index.ts'
import { createGuard } from '../outbound/index.ts'
import { createLogger, createMetrics, type AccessLog, type LogLevel } from '../telemetry/index.ts'
import { measureDisk } from './disk-metrics.ts'
import { nodeFunctions } from './functions/node-runner.ts'
import { measureNode } from './node-metrics.ts'
import { CacheNode, type CacheNodeOptions } from './node.ts'
import { MAIN_BOOK, openLedger } from './node-ledger.ts'
import { startNodeServer } from './tiers/node-server.ts'
import { createUpstream } from './upstream/upstream.ts'
import { UsageBooks } from './usage-books.ts'
import { Usage } from './usage.ts'
import { compileTrustedProxies } from './viewer.ts'

export interface RegionalOptions {
  listen: Listen
  controlUrl: string
  /** Its place among the nodes of other machines. */
  membershipFile: string
  identity: NodeIdentity
  /** Where edges reach it. */
  url: string
  /** Where the last snapshot is kept. */
  stateDir: string
  memoryCacheBytes: Bytes
  /** There is none when it is undefined. */
  diskCache?: { folder: string; maxBytes: Bytes } | undefined
  pop: string
  /** `origins.allow`: ranges of loopback addresses where origins may be. */
  allowOrigins: string[]
  /** Where this installation listens; nothing there is an origin. */
  ownPorts: number[]
  logLevel: LogLevel
}

/** Transfers under way at a drain may take so long. */
const DRAIN: Milliseconds = 8_000
/** For what was counted at the end. */
const LAST_WORDS: Milliseconds = 1_000

/** A regional cache: the steps of an edge from `key` on, for edges, before the origins. */
export async function startRegional(options: RegionalOptions): Promise<RunningRole> {
  const { controlUrl, identity, stateDir, url, diskCache } = options
  const clock = systemClock
  const log = createLogger('regional', options.logLevel)
  const metrics = createMetrics('regional')
  const membership = Membership.read(options.membershipFile)
  const guard = createGuard({ allow: options.allowOrigins, ownPorts: options.ownPorts })
  const token = nodeTokenSource(identity, 'origin', clock)
  const counted = await openLedger({ stateDir, book: MAIN_BOOK, clock, metrics, log })
  const usage = new Usage(metrics, counted.ledger)
  const { counts } = usage
  const upstream = createUpstream({ url: undefined, membership, token, guard, clock, log, counts })
  const disk = diskCache && new DiskTier({ ...diskCache, shards: shardsOf(0, 1), clock, log })
  await disk?.start()
  if (disk) measureDisk(disk, metrics)
  const functions = nodeFunctions({ guard, clock, metrics, log, counts })
  const node = new CacheNode({
    ...{ clock, upstream, log, pop: options.pop, memoryCacheBytes: options.memoryCacheBytes },
    ...{ issuers: NO_ISSUERS, accessLog: NO_LOG, trustedProxies: compileTrustedProxies([]) },
    usage,
    functions,
    ...(disk && { disk }),
  })
  measureNode(node, metrics)
  const peers = createPeerVerifier(() => node.snapshot, 'regional', clock)
  const server = await startNodeServer({
    listen: options.listen,
    credentials: membership?.credentials,
    node,
    peers,
  })
  const snapshots = followSnapshot({
    ...{ controlUrl, membership, identity, stateDir, clock, log },
    apply: (snapshot, materials) => node.follow(snapshot, materials),
  })
  const renewing = membership && keepRenewed(membership, { controlUrl, identity, url, clock, log })
  renewing?.onRenewed(credentials => server.show(credentials))
  const health = reportHealth({
    ...{ controlUrl, membership, identity, clock, metrics, log },
    snapshot: () => node.snapshot,
    totals: () => node.usage.totals,
    busy: () => server.underWay,
  })
  const books = new UsageBooks({
    ...{ stateDir, live: [MAIN_BOOK], clock, log },
    beginAnew: (_book, why) => counted.ledger.beginAnew(why),
  })
  await books.start()
  const pushing = pushUsage({
    ...{ controlUrl, membership, identity, clock, metrics, log },
    books: () => books.all(),
  })
  log.info({ port: server.port }, 'regional listens')
  return {
    metrics: () => metrics.text(),
    health: () => health.health(node.matcher ? [] : ['snapshot']),
    async close() {
      await server.close(DRAIN)
      await counted.ledger.roll()
      await pushing.close(LAST_WORDS)
      await health.close()
      await snapshots.close()
      await renewing?.close()
      await functions.close()
      await upstream.close()
      await disk?.close()
      await counted.close()
    },
  }
}

/** Viewers are let in at their edge. */
const NO_ISSUERS: CacheNodeOptions['issuers'] = {
  follow: () => {},
  of: () => undefined,
  renew: () => Promise.resolve(),
}

/** The line of each viewer is written at his edge. */
const NO_LOG: AccessLog = { append: () => {}, dropped: 0, close: () => Promise.resolve() }

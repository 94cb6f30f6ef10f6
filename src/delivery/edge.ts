import { systemClock, type Bytes, type Health, type Listen, type RunningRole } from '../core/index.ts'
import { followSnapshot, nodeTokenSource, startReporting, type NodeIdentity } from '../membership/index.ts'
import {
  createLogger,
  createMetrics,
  openAccessLog,
  type LogLevel,
  type Metrics,
} from '../telemetry/index.ts'
import { createGuard, IssuerKeys } from '../outbound/index.ts'
import { handle } from './engine.ts'
import type { Incoming, Outgoing } from './exchange.ts'
import { CacheNode } from './node.ts'
import { read } from './read.ts'
import { startViewerServer } from './server.ts'
import { createUpstream } from './upstream.ts'
import { Usage } from './usage.ts'
import { compileTrustedProxies } from './viewer.ts'

/** Control counts what it has not heard of again for a few of these as gone. */
const REPORT_VIEWERS_MS = 2_000

/** Transfers under way at a drain may take so long. */
const DRAIN_MS = 8_000

export interface EdgeOptions {
  http: Listen
  https: { listen: Listen; certificateFile: string; keyFile: string }
  controlUrl: string
  originUrl: string
  identity: NodeIdentity
  /** Where the last snapshot is kept. */
  stateDir: string
  memoryCacheBytes: Bytes
  /** Stands in `X-Sluice-Pop`. */
  pop: string
  trustedProxies: string[]
  /** `origins.allow`: ranges of loopback addresses where origins may be. */
  allowOrigins: string[]
  /** Where this installation listens; nothing there is an origin. */
  ownPorts: number[]
  accessLogFolder: string
  logLevel: LogLevel
}

/** An edge: the steps from `read` on, over HTTP/1.1 and HTTP/2, before the origin. */
export async function startEdge(options: EdgeOptions): Promise<RunningRole> {
  const log = createLogger('edge', options.logLevel)
  const metrics = createMetrics('edge')
  const clock = systemClock
  const guard = createGuard({ allow: options.allowOrigins, ownPorts: options.ownPorts })
  const upstream = createUpstream({
    url: options.originUrl,
    token: nodeTokenSource(options.identity, 'origin', clock),
    ...{ guard, clock, log },
  })
  const accessLog = await openAccessLog({ folder: options.accessLogFolder, clock })
  const issuers = new IssuerKeys({ stateDir: options.stateDir, ...{ guard, clock, log } })
  await issuers.start()
  const node = new CacheNode({
    ...{ clock, upstream, issuers, accessLog, log },
    pop: options.pop,
    memoryCacheBytes: options.memoryCacheBytes,
    usage: new Usage(metrics),
    trustedProxies: compileTrustedProxies(options.trustedProxies),
  })
  const follower = followSnapshot({
    controlUrl: options.controlUrl,
    identity: options.identity,
    stateDir: options.stateDir,
    apply: snapshot => node.apply(snapshot),
    ...{ clock, log },
  })
  const reporting = startReporting({
    controlUrl: options.controlUrl,
    identity: options.identity,
    path: '/v1/node/viewers',
    everyMs: REPORT_VIEWERS_MS,
    read: () => node.viewers.report(),
    taken: report => node.viewers.taken(report),
    ...{ clock, log },
  })
  measure(node, metrics)
  measureIssuers(issuers, metrics)
  const serve = (request: Incoming, response: Outgoing): void => handle(node, read, request, response)
  const { https } = options
  const servers = await Promise.all([
    startViewerServer({ listen: options.http, handle: serve }),
    startViewerServer({ listen: https.listen, tls: https, handle: serve }),
  ])
  log.info({ http: servers[0].port, https: servers[1].port }, 'edge listens')

  return {
    async close() {
      await Promise.all(servers.map(server => server.close(DRAIN_MS)))
      await reporting.close()
      await follower.close()
      await issuers.close()
      await upstream.close()
      await accessLog.close()
    },
    metrics: () => metrics.text(),
    health: (): Health =>
      node.matcher ? { kind: 'ready' } : { kind: 'not-ready', waitingFor: ['snapshot'] },
  }
}

function measureIssuers({ refreshes }: IssuerKeys, metrics: Metrics): void {
  metrics.collected(
    'sluice_issuer_key_refreshes_total',
    'Questions to issuers of tokens for their keys',
    ['result'],
    () => Object.entries(refreshes).map(([result, n]): [Record<string, string>, number] => [{ result }, n]),
  )
}

function measure(node: CacheNode, metrics: Metrics): void {
  metrics.gauge('sluice_cache_objects', 'Objects in the memory tier', () => node.cache.objects)
  metrics.gauge('sluice_cache_bytes', 'Bytes in the memory tier', () => node.cache.bytes)
  metrics.gauge('sluice_cache_fills', 'Fetches under way', () => node.cache.fills)
  metrics.gauge(
    'sluice_live_playlists',
    'Live playlists of which a version is known',
    () => node.playlists.count,
  )
  metrics.gauge('sluice_live_viewers', 'Viewers of live channels, seen within 10 s', () => node.viewers.total)
  metrics.gauge(
    'sluice_snapshot_version',
    'Version of the snapshot that is applied',
    () => node.snapshot?.version ?? 0,
  )
  metrics.gauge('sluice_access_log_dropped', 'Access lines that were lost', () => node.accessLog.dropped)
}

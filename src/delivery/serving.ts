import { DiskTier, emptyShards, shardsOf } from '../cache/index.ts'
import { Departures, systemClock } from '../core/index.ts'
import { EncryptorThread } from '../fields/index.ts'
import { ConnectionCount, CountryFile } from '../inbound/index.ts'
import { nodeTokenSource } from '../membership/index.ts'
import { LatencyMeter } from '../routing/index.ts'
import type { Guard } from '../outbound/index.ts'
import {
  byWord,
  MOST_A_DAY,
  openAccessLog,
  type Logger,
  type Metrics,
  type UsageLedger,
} from '../telemetry/index.ts'
import { openLedger } from './node-ledger.ts'
import type { EdgeOptions } from './edge.ts'
import { membershipOf, membershipSource } from './edge-ties.ts'
import { measureDisk } from './disk-metrics.ts'
import { handle } from './engine.ts'
import { nodeFunctions } from './functions/node-runner.ts'
import type { Incoming, Outgoing } from './exchange.ts'
import type { OnUpgrade } from './viewers/leavers.ts'
import { NODE_METRICS } from './metric-names.ts'
import { measureNode } from './node-metrics.ts'
import { CacheNode, type CacheNodeOptions } from './node.ts'
import { read } from './read.ts'
import { startViewerServer, type ViewerServer } from './viewers/server.ts'
import type { NameTerms } from './viewers/name-terms.ts'
import { TurnedAway } from './viewers/turned-away.ts'
import { Regionals } from './tiers/regionals.ts'
import { createUpstream } from './upstream/upstream.ts'
import { Usage } from './usage.ts'
import { compileTrustedProxies } from './viewer.ts'

/** Transfers under way at a drain may take so long. */
const DRAIN_MS = 8_000

/** What one process needs to serve viewers: a node, its log, its servers. What it is told comes from elsewhere. */
export interface Serving {
  readonly node: CacheNode
  /** What this process has counted. */
  readonly ledger: UsageLedger
  /** How far viewers' networks are, as handshakes of TLS have shown. */
  readonly latencies: LatencyMeter
  /** From now on viewers are answered; the ports that are listened on. */
  listen(): Promise<{ http: number; https: number }>
  /** Secrets of TLS session tickets that all processes of this edge share; 48 bytes. */
  shareTickets(keys: Buffer): void
  /** Connections of viewers. */
  connections(): number
  /** Takes no more requests and lets those under way end. */
  drain(): Promise<void>
  /** Lets go of everything else; nobody is served any more. */
  close(): Promise<void>
}

export interface ServingParts extends Pick<CacheNodeOptions, 'issuers' | 'siblings'> {
  metrics: Metrics
  guard: Guard
  log: Logger
  /** How many processes share memory, log and disk. */
  share: number
  /** Which of these this one is, from 0. */
  index: number
  /** Of its usage ledger. */
  book: string
  /** Of what lies on its part of the disk: `emptied` where nothing there may be used any more. */
  disk?: 'kept' | 'emptied'
}

export async function prepareServing(options: EdgeOptions, parts: ServingParts): Promise<Serving> {
  const { metrics, guard, log, issuers, share, index, book } = parts
  const clock = systemClock
  const trustedProxies = compileTrustedProxies(options.trustedProxies)
  const turnedAway = new TurnedAway()
  const counted = await openLedger({ stateDir: options.stateDir, book, clock, metrics, log })
  const usage = new Usage(metrics, counted.ledger)
  const departures = new Departures(() => usage.counts.commit())
  const upstream = createUpstream({
    url: options.originUrl,
    membership: membershipOf(options),
    token: nodeTokenSource(options.identity, 'origin', clock),
    ...{ guard, clock, log, counts: usage.counts },
  })
  const regionals = new Regionals({
    membership: membershipSource(options),
    token: nodeTokenSource(options.identity, 'regional', clock),
    clock,
  })
  regionals.measure(metrics)
  const accessLog = await openAccessLog({
    folder: options.accessLogFolder,
    clock,
    // All append to one file of a day, whole lines at once.
    mostADay: Math.floor(MOST_A_DAY / share),
  })
  const { diskCache } = options
  const shards = shardsOf(index, share)
  if (diskCache && parts.disk === 'emptied') await emptyShards(diskCache.folder, shards)
  const disk = diskCache && new DiskTier({ ...diskCache, shards, ...{ clock, log } })
  await disk?.start()
  if (disk) measureDisk(disk, metrics)
  const { countryFile } = options
  const countries = countryFile === undefined ? undefined : new CountryFile({ file: countryFile, log })
  const encryptor = new EncryptorThread()
  const functions = nodeFunctions({ guard, clock, metrics, log, counts: usage.counts })
  const node = new CacheNode({
    ...{ clock, upstream, regionals, issuers, accessLog, log },
    pop: options.pop,
    memoryCacheBytes: Math.floor(options.memoryCacheBytes / share),
    usage,
    ...{ trustedProxies, encryptor },
    ...(countries && { countries }),
    ...(parts.siblings && { siblings: parts.siblings }),
    ...(disk && { disk }),
    functions,
  })
  measureNode(node, metrics)
  measureTurnedAway(turnedAway, metrics)
  // The caps hold for both ports together.
  const count = new ConnectionCount(options.connectionCaps)
  const latencies = new LatencyMeter(clock)
  let servers: ViewerServer[] = []
  let tickets: Buffer | undefined
  return {
    ...{ node, latencies, ledger: counted.ledger },
    async listen() {
      const serve = (request: Incoming, response: Outgoing): void => handle(node, read, request, response)
      const { https } = options
      const onUpgrade: OnUpgrade = (request, response, leaving) =>
        handle(node, read, request, response, leaving)
      const termsOf = (name: string): NameTerms | undefined => node.matcher?.distribution(name)?.distribution
      const port = { handle: serve, onUpgrade, termsOf, trustedProxies, turnedAway, count, departures, log }
      const [plain, tls] = await Promise.all([
        startViewerServer({ ...port, listen: options.http }),
        startViewerServer({
          ...{ ...port, listen: https.listen, tls: https },
          onRoundTrip: (address, milliseconds) => latencies.saw(address, milliseconds),
        }),
      ])
      servers = [plain, tls]
      if (tickets) tls.setTicketKeys(tickets)
      return { http: plain.port, https: tls.port }
    },
    shareTickets(keys) {
      tickets = keys
      for (const server of servers) server.setTicketKeys(keys)
    },
    connections: () => count.all,
    async drain() {
      await Promise.all(servers.map(server => server.close(DRAIN_MS)))
    },
    async close() {
      countries?.close()
      await functions.close()
      await regionals.close()
      await upstream.close()
      await encryptor.close()
      await accessLog.close()
      await disk?.close()
      await counted.close()
    },
  }
}

function measureTurnedAway({ counts }: TurnedAway, metrics: Metrics): void {
  metrics.collected(NODE_METRICS.turnedAway, () => byWord('reason', counts))
}

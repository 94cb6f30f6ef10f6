import { systemClock, type RunningRole } from '../core/index.ts'
import { ConnectionCount } from '../inbound/index.ts'
import { INGEST_LIMITS, startIngest, type Ingest, type IngestOptions } from '../ingest/index.ts'
import {
  followSnapshot,
  keepRenewed,
  Membership,
  nodeTokenSource,
  placesOfChannel,
  reportHealth,
  tlsTo,
} from '../membership/index.ts'
import type { Channel, Snapshot } from '../distribution/index.ts'
import { createLogger, createMetrics } from '../telemetry/index.ts'
import { createCounters } from './counters.ts'
import { Gateway } from './gateway.ts'
import type { OriginReached } from './hand-over.ts'
import { LIMITS, type GatewayOptions } from './options.ts'

/** A gateway: takes encoders' streams over RTMP and RTMPS and hands them to the origin. */
export async function startGateway(options: GatewayOptions): Promise<RunningRole> {
  const { controlUrl, identity, stateDir } = options
  const log = createLogger('gateway', options.logLevel)
  const clock = systemClock
  const metrics = createMetrics('gateway')
  const { membershipFile } = options
  const membership = membershipFile === undefined ? undefined : Membership.read(membershipFile)
  const servers: Ingest[] = []
  const counters = createCounters(metrics, {
    publishers: () => gateway.publishers,
    connections: () => servers.reduce((sum, server) => sum + server.connections(), 0),
  })
  const gateway: Gateway = new Gateway({
    ...{ clock, log },
    origin: (channel, tries) =>
      originOf(options, { membership, snapshot: follower.current(), channel, tries }),
    token: nodeTokenSource(identity, 'origin', clock),
    started: () => follower.started,
    limits: { ...LIMITS, ...options.limits },
    draining: () => health.draining(),
    counters,
  })
  const follower = followSnapshot({
    ...{ controlUrl, membership, identity, stateDir, clock, log },
    apply: snapshot => gateway.apply(snapshot),
  })
  const health = reportHealth({
    ...{ controlUrl, membership, identity, clock, metrics, log },
    snapshot: () => follower.current(),
    totals: () => counters.totals,
    busy: () => gateway.publishers,
  })
  const renewing = membership && keepRenewed(membership, { controlUrl, identity, url: null, clock, log })
  const ingest: Omit<IngestOptions, 'listen'> = {
    authorize: request => gateway.authorize(request),
    // The caps hold for both ports together.
    count: new ConnectionCount(INGEST_LIMITS),
    trustedProxies: options.trustedProxies,
    ...{ clock, log },
  }
  const { listen, ...tls } = options.rtmps
  servers.push(await startIngest({ ...ingest, listen: options.rtmp }))
  servers.push(await startIngest({ ...ingest, listen, tls }))
  log.info({ rtmp: servers[0]?.port, rtmps: servers[1]?.port }, 'gateway listens')
  return {
    async close() {
      await Promise.all(servers.map(server => server.close()))
      await gateway.close()
      await health.close()
      await follower.close()
      await renewing?.close()
    },
    metrics: () => metrics.text(),
    health: () => health.health(follower.current() ? [] : ['snapshot']),
  }
}

interface Whereabouts {
  membership: Membership | undefined
  snapshot: Snapshot | undefined
  channel: Channel
  tries: number
}

/** The one on this machine, which hands on what is another's; or the one that has the channel, and the others in turn. */
function originOf(
  { originUrl }: GatewayOptions,
  { membership, snapshot, channel, tries }: Whereabouts,
): OriginReached | undefined {
  if (originUrl !== undefined) return { url: originUrl }
  const places = snapshot === undefined ? [] : placesOfChannel(snapshot, channel)
  const place = places[tries % places.length]
  return place && { url: place.url, tls: tlsTo(place, membership) }
}

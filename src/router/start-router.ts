import { systemClock, type RunningRole } from '../core/index.ts'
import { ConnectionCount, CountryFile, trustProxies } from '../inbound/index.ts'
import { followSnapshot, keepRenewed, Membership, reportHealth } from '../membership/index.ts'
import { Answerer, type Reason } from '../routing/index.ts'
import { createLogger, createMetrics, byWord, type Metrics } from '../telemetry/index.ts'
import { startDnsServer } from './dns-server.ts'
import { Guide } from './guide.ts'
import { hearEdges } from './hear-edges.ts'
import { startHttpServer } from './http-server.ts'
import { ROUTED_EDGE_METRICS, ROUTER_METRICS } from './metric-names.ts'
import { LIMITS, type RouterOptions } from './options.ts'
import { startProbes } from './probes.ts'

/** A router: sends viewers to the nearest edge, by DNS, by redirect, and by what it says to players in mid-stream. */
export async function startRouter(options: RouterOptions): Promise<RunningRole> {
  const { controlUrl, identity, stateDir, membershipFile, countryFile, zone } = options
  const limits = { ...LIMITS, ...options.limits }
  const log = createLogger('router', options.logLevel)
  const metrics = createMetrics('router')
  const clock = systemClock
  const membership = membershipFile === undefined ? undefined : Membership.read(membershipFile)
  const countries = countryFile === undefined ? undefined : new CountryFile({ file: countryFile, log })
  const guide = new Guide({ zone: zone.name, countries, clock })
  const answerer = new Answerer({
    ...{ zone, clock, perSecond: options.dnsAnswers },
    site: () => guide.site,
    client: address => guide.client(address),
  })
  const place = { controlUrl, membership, identity, clock }
  const follower = followSnapshot({ ...place, stateDir, log, apply: snapshot => guide.apply(snapshot) })
  const count = new ConnectionCount(options.connectionCaps)
  const told = measure(metrics, guide, answerer)
  const health = reportHealth({
    ...{ ...place, metrics, log, viewers: options.viewers },
    snapshot: () => follower.current(),
    totals: () => ({ requests: told.requests(), bytes: 0 }),
    busy: () => count.all,
  })
  const renewing = membership && keepRenewed(membership, { ...place, url: null, log })
  const hearing = hearEdges({ ...place, latencies: guide.latencies, every: limits.hearEvery })
  const probes = startProbes({ table: guide.table, every: limits.probeEvery, within: limits.probeWithin })
  const dns = await startDnsServer({ listen: options.dns, answerer, count })
  const web = await startHttpServer({
    ...{ http: options.http, https: options.https, guide, count, told, clock, log },
    trusted: trustProxies(options.trustedProxies),
  })
  log.info({ dns: dns.port, ...web.ports }, 'router listens')
  return {
    async close() {
      probes.close()
      await dns.close()
      await web.close()
      await hearing.close()
      await health.close()
      await follower.close()
      await renewing?.close()
      countries?.close()
    },
    metrics: () => metrics.text(),
    health: () => health.health(follower.current() ? [] : ['snapshot']),
  }
}

interface Told {
  redirected(by: Reason): void
  steered(): void
  refused(): void
  requests(): number
}

function measure(metrics: Metrics, guide: Guide, answerer: Answerer): Told {
  const redirects = new Map<Reason, number>()
  const asked = { steering: 0, refused: 0 }
  const add = (by: Reason): void => void redirects.set(by, (redirects.get(by) ?? 0) + 1)
  const sum = (counts: Iterable<number>): number => [...counts].reduce((all, each) => all + each, 0)
  metrics.collected(ROUTER_METRICS.messages, () => byWord('outcome', answerer.outcomes))
  metrics.collected(ROUTER_METRICS.redirects, () => [...redirects].map(([by, n]) => [{ by }, n]))
  metrics.collected(ROUTER_METRICS.requests, () => byWord('kind', asked))
  for (const state of ['serving', 'draining', 'dead'] as const)
    metrics.gauge(ROUTED_EDGE_METRICS[state], () => guide.edges.filter(edge => edge.state === state).length)
  metrics.gauge(ROUTER_METRICS.networks, () => guide.latencies.size)
  return {
    redirected: add,
    steered: () => void asked.steering++,
    refused: () => void asked.refused++,
    requests: () =>
      sum(redirects.values()) + sum(Object.values(asked)) + sum(Object.values(answerer.outcomes)),
  }
}

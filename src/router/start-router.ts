import { systemClock, type RunningRole } from '../core/index.ts'
import { ConnectionCount, CountryFile, trustProxies } from '../inbound/index.ts'
import { followSnapshot, keepRenewed, Membership, reportHealth } from '../membership/index.ts'
import { Answerer } from '../routing/index.ts'
import { createLogger, createMetrics, type Metrics } from '../telemetry/index.ts'
import { startDnsServer } from './dns-server.ts'
import { Guide } from './guide.ts'
import { hearEdges } from './hear-edges.ts'
import { startHttpServer } from './http-server.ts'
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
  redirected(by: string): void
  steered(): void
  refused(): void
  requests(): number
}

function measure(metrics: Metrics, guide: Guide, answerer: Answerer): Told {
  const redirects = new Map<string, number>()
  const asked = { steering: 0, refused: 0 }
  const add = (by: string): void => void redirects.set(by, (redirects.get(by) ?? 0) + 1)
  const sum = (counts: Iterable<number>): number => [...counts].reduce((all, each) => all + each, 0)
  metrics.collected(
    'sluice_router_dns_messages_total',
    'Messages of DNS, by what became of them',
    ['outcome'],
    () =>
      Object.entries(answerer.outcomes).map(([outcome, n]): [Record<string, string>, number] => [
        { outcome },
        n,
      ]),
  )
  metrics.collected(
    'sluice_router_redirects_total',
    'Requests that were sent to an edge, by why to that one',
    ['by'],
    () => [...redirects].map(([by, n]): [Record<string, string>, number] => [{ by }, n]),
  )
  metrics.collected('sluice_router_requests_total', 'Other requests over HTTP', ['kind'], () =>
    Object.entries(asked).map(([kind, n]): [Record<string, string>, number] => [{ kind }, n]),
  )
  for (const state of ['serving', 'draining', 'dead'] as const)
    metrics.gauge(
      `sluice_router_edges_${state}`,
      `Edges that are ${state}, as this router knows`,
      () => guide.edges.filter(edge => edge.state === state).length,
    )
  metrics.gauge(
    'sluice_router_networks',
    'Networks of viewers of which latencies are known',
    () => guide.latencies.size,
  )
  return {
    redirected: add,
    steered: () => void asked.steering++,
    refused: () => void asked.refused++,
    requests: () =>
      sum(redirects.values()) + sum(Object.values(asked)) + sum(Object.values(answerer.outcomes)),
  }
}

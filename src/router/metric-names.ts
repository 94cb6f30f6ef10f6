import { counter, gauge } from '../telemetry/index.ts'

export const ROUTER_METRICS = {
  messages: counter('sluice_router_dns_messages_total', 'Messages of DNS, by what became of them', {
    outcome: ['answered', 'refused', 'absent', 'malformed', 'dropped', 'limited', 'failed'],
  }),
  redirects: counter(
    'sluice_router_redirects_total',
    'Requests that were sent to an edge, by why to that one',
    { by: ['latency', 'distance', 'unknown'] },
  ),
  requests: counter('sluice_router_requests_total', 'Other requests over HTTP', {
    kind: ['steering', 'refused'],
  }),
  networks: gauge('sluice_router_networks', 'Networks of viewers of which latencies are known'),
}

/** By state. */
export const ROUTED_EDGE_METRICS = {
  serving: gauge('sluice_router_edges_serving', 'Edges that are serving, as this router knows'),
  draining: gauge('sluice_router_edges_draining', 'Edges that are draining, as this router knows'),
  dead: gauge('sluice_router_edges_dead', 'Edges that are dead, as this router knows'),
}

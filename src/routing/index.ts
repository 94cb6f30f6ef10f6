export { Answerer, type AnswererOptions, type Outcome, type Over } from './dns/answerer.ts'
export { siteOf, type Site, type ZoneOptions } from './dns/zone.ts'
export { locationOfCountry } from './countries.ts'
export { distanceBetween, type Location } from './earth.ts'
export { availableOf, type Edge } from './edge.ts'
export { EdgeTable, type ProbeOutcome, type ProbeTarget } from './edge-table.ts'
export { Latencies, type Measured } from './latencies.ts'
export { LatencyMeter } from './latency-meter.ts'
export { nameAtEdge, nameOfRouter } from './names.ts'
export { rank, type Client, type Ranked, type Reason } from './nearest.ts'
export { nameOfNetwork, NETWORK_PATTERN, networkOf, textOfAddress, type AddressBytes } from './networks.ts'
export { redirectOf, type Redirected } from './redirect.ts'
export {
  isSteeredTo,
  portOf,
  STEERING_PATH,
  steeringManifest,
  steeringTag,
  steeringUri,
  type Scheme,
  type SteeringManifest,
} from './steering.ts'

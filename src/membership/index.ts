export { BackOff } from './back-off.ts'
export { controlLink, type ControlLink } from './control-link.ts'
export {
  CLOCK_TOLERANCE,
  isOff,
  offsetTo,
  readInstant,
  spokenOffset,
  type ClockOffset,
} from './clock-offset.ts'
export { followSnapshot, type FollowOptions, type SnapshotFollower } from './follow-snapshot.ts'
export { reportHealth, type HealthOptions, type HealthReporting, type MeasuredLatencies } from './health.ts'
export { keepLeases, type KeepLeasesOptions, type Leases } from './keep-leases.ts'
export { loadOrCreateIdentity, type NodeIdentity } from './identity.ts'
export { leaseJobs, type JobLeases, type LeaseJobsOptions, type LeasedJob } from './lease-jobs.ts'
export { keepRenewed, obtainMembership, type Renewal, type RenewalOptions } from './renewal.ts'
export { fingerprintOf, readJoinToken, renderJoinToken, type JoinTokenParts } from './join-token.ts'
export { CONTROL_NAME, nodeName } from './node-names.ts'
export {
  ALIVE_PATH,
  isDraining,
  placesOf,
  placesOfChannel,
  tlsTo,
  type NodePlace,
  type NodeTls,
} from './node-places.ts'
export { join, Membership, type JoinOptions } from './membership.ts'
export { createPeerVerifier, type PeerVerdict, type PeerVerifier } from './peers.ts'
export { TrafficMeter, type RecentTraffic, type TrafficTotals } from './recent-traffic.ts'
export { agreeOnStorage } from './shared-storage.ts'
export { CLOCK_FIELD, isOlder, softwareVersion, tooFarApart, VERSION_FIELD } from './software.ts'
export { pushUsage, type PushUsageOptions, type UsageBook, type UsagePushing } from './push-usage.ts'
export { startReporting, type Reporting, type ReportingOptions } from './report.ts'
export { BLOB_TYPE } from './control-link.ts'
export { blobFile, storedMaterials } from './stored-materials.ts'
export { nodeTokenSource } from './token-source.ts'
export * from './hand-over.ts'

import type { Bytes, Clock, Listen, Milliseconds, RoleName, RunningRole } from '../core/index.ts'
import type { NodeIdentity } from '../membership/index.ts'
import type { AccessKey } from '../signing/index.ts'
import type { StorageOptions } from '../storage/index.ts'
import type { LogLevel } from '../telemetry/index.ts'

export interface ControlOptions {
  listen: Listen
  /** Holds the embedded database, where there is no `databaseUrl`; nobody else may open it. */
  dataDir: string
  /** Of a PostgreSQL server, which several controls may share. A secret. */
  databaseUrl?: string
  /** Where uploads arrive: the origin's storage. */
  storage: StorageOptions
  /** Of the domains of distributions: `cdn.localhost`. */
  domainSuffix: string
  /** Hex. The token itself stays with the supervisor and its user. */
  adminTokenSha256: string
  /** Of the same user, for CloudFront's API; a secret, since signatures are checked with nothing less. */
  adminAccessKey?: AccessKey
  /** The supervisor's own nodes; exactly these are believed as its own. */
  localNodes: Pick<NodeIdentity, 'id' | 'role' | 'publicJwk'>[]
  /** Names the supervisor among those that share a database. */
  keeper: string
  /** How other machines reach control, over TLS; left out where it listens on this machine alone. */
  reach?: { url: string; names: readonly string[] } | undefined
  /** Where other machines reach the supervisor's own nodes, over TLS. */
  localUrls?: Partial<Record<RoleName, string>>
  /** Ranges (CIDR) of loopback addresses where webhooks may be. */
  allowWebhooks?: readonly string[]
  /** That this installation listens on; no webhook may be there. */
  ownPorts?: readonly number[]
  logLevel: LogLevel
  /** Changed by tests only. */
  limits?: Partial<ControlLimits>
}

export interface ControlLimits {
  /** A job whose node says nothing for this long is offered again. */
  lease: Milliseconds
  /** An origin that says nothing for this long loses its channels, where there is another. */
  channelLease: Milliseconds
  /** After a start, and whenever control could not hear anybody, origins are given this long to be heard again. */
  leaseGrace: Milliseconds
  /** An unfinished upload is removed after this. */
  uploadLife: Milliseconds
  /** Stays free on the disk, whatever is uploaded. */
  spareBytes: Bytes
  /** How often lapsed leases are looked for. */
  sweep: Milliseconds
  /** How often blobs that nothing names any more are deleted. */
  sweepBlobs: Milliseconds
  /** How often a quiet listener to events hears a comment. */
  eventHeartbeat: Milliseconds
  /** Connections that may listen to events at once. */
  eventListeners: number
  /** How often several controls on one database look after one another, beside what they tell at once. */
  pulse: Milliseconds
  clock: Clock
}

export interface RunningControl extends RunningRole {
  /** The port that was taken, where 0 was asked for. */
  port: number
}

import { MiB, type Bytes, type Listen, type Milliseconds } from '../core/index.ts'
import type { CertificatePair } from '../inbound/index.ts'
import type { NodeIdentity } from '../membership/index.ts'
import type { LogLevel } from '../telemetry/index.ts'

export interface GatewayOptions {
  rtmp: Listen
  /** The certificate to show, and those of names of their own; files that are read again when they change. */
  rtmps: { listen: Listen; certificates?: readonly CertificatePair[] } & CertificatePair
  controlUrl: string
  /** Of the origin on this machine; elsewhere the snapshot says where origins are. */
  originUrl?: string | undefined
  /** Of a gateway that has joined from another machine: its place among the nodes. */
  membershipFile?: string | undefined
  identity: NodeIdentity
  /** Holds the last snapshot. */
  stateDir: string
  /** Address ranges whose PROXY protocol counts. */
  trustedProxies: string[]
  logLevel: LogLevel
  /** For tests. */
  limits?: Partial<GatewayLimits>
}

export interface GatewayLimits {
  /** An encoder is let go when the origin takes nothing, or cannot be reached, for so long. */
  letGoAfter: Milliseconds
  /** Between two attempts to reach the origin. */
  retryEvery: Milliseconds
  /** What the origin has not taken may be so old, and so large, before the encoder's socket is paused. */
  queueSpan: Milliseconds
  queueBytes: Bytes
}

/** SEAMS 14. */
export const LIMITS: GatewayLimits = {
  letGoAfter: 5_000,
  retryEvery: 200,
  queueSpan: 2_000,
  queueBytes: 8 * MiB,
}

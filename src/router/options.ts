import type { Listen, Milliseconds } from '../core/index.ts'
import type { ViewersAt } from '../distribution/index.ts'
import type { CertificatePair, ConnectionCaps } from '../inbound/index.ts'
import type { NodeIdentity } from '../membership/index.ts'
import type { ZoneOptions } from '../routing/index.ts'
import type { LogLevel } from '../telemetry/index.ts'

export interface RouterOptions {
  /** UDP and TCP. */
  dns: Listen
  http: Listen
  /** The certificate to show, and those of names of their own; files that are read again when they change. */
  https: { listen: Listen; certificates?: readonly CertificatePair[] } & CertificatePair
  /** Of connections over TCP, of all three ports together. */
  connectionCaps: ConnectionCaps
  controlUrl: string
  membershipFile?: string | undefined
  identity: NodeIdentity
  /** Holds the last snapshot. */
  stateDir: string
  zone: ZoneOptions
  /** Where viewers and resolvers reach it. */
  viewers?: ViewersAt | undefined
  /** By which it knows where clients are; the same that edges take. */
  countryFile?: string | undefined
  trustedProxies: string[]
  /** Over UDP, a second to one network. */
  dnsAnswers: number
  logLevel: LogLevel
  /** For tests. */
  limits?: Partial<RouterLimits>
}

export interface RouterLimits {
  /** Each address of each edge is asked so often whether it is there. */
  probeEvery: Milliseconds
  /** Without an answer by then it is not. */
  probeWithin: Milliseconds
  /** Control is asked so often what edges have measured. */
  hearEvery: Milliseconds
}

/** Two questions without an answer make an edge dead: 3 s at most. */
export const LIMITS: RouterLimits = { probeEvery: 1_000, probeWithin: 1_000, hearEvery: 2_000 }

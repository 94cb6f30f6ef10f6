/** What the supervisor holds of a role that runs in a process of its own. */
export interface RunningRole {
  /** Drains: takes no new work, lets what runs finish within the role's own limit, releases everything. */
  close(): Promise<void>
  /** Prometheus text of this process. */
  metrics(): Promise<string>
  /** Ready to serve; when not, one word per thing that is missing. */
  health(): Health
}

export type Health =
  /** `notes` are for the operator: it serves all the same. */
  | { kind: 'ready'; notes?: string[] }
  | { kind: 'not-ready'; waitingFor: string[] }
  /** It serves, and whoever shares out viewers is to send it no more. */
  | { kind: 'draining'; notes?: string[] }

/** Where a role listens. `host` undefined means all interfaces, IPv4 and IPv6. */
export interface Listen {
  host?: string
  port: number
}

export const ROLES = ['control', 'origin', 'regional', 'edge', 'gateway', 'router'] as const
export type RoleName = (typeof ROLES)[number]

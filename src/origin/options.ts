import type { Listen } from '../core/index.ts'
import type { NodeIdentity } from '../membership/index.ts'
import type { StorageOptions } from '../storage/index.ts'
import type { LogLevel } from '../telemetry/index.ts'

export interface OriginOptions {
  listen: Listen
  controlUrl: string
  /** Where other machines reach it over TLS; left out where it listens on this machine alone. */
  url?: string | undefined
  /** Its place among the nodes: of an origin that has joined, or beside which other machines may have some. */
  membershipFile?: string | undefined
  identity: NodeIdentity
  /** Holds the last snapshot. */
  stateDir: string
  /** Attempts of jobs write here; on the filesystem that has room for a film. */
  workDir: string
  storage: StorageOptions
  logLevel: LogLevel
  /** Path of ffmpeg, or a name on PATH; ffprobe lies beside it. */
  ffmpeg?: string
}

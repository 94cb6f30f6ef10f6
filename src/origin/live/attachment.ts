import type { BroadcastId, Instant } from '../../core/index.ts'
import type { HandOverRequest } from './hand-over-request.ts'

/** The connection that a hand-over comes on. */
export interface Feeder {
  /** Tells the gateway to let the encoder go, and ends. */
  cut(reason: string, detail: string): void
  /** Breaks off; the gateway tries again. */
  drop(): void
}

/** A hand-over that was taken; holds until another one, or an end, takes its place. */
export interface Attachment {
  readonly request: HandOverRequest
  readonly broadcast: BroadcastId
  readonly feeder: Feeder
  readonly since: Instant
  lastBytes: Instant
}

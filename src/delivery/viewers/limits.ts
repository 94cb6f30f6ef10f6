import type { Milliseconds } from '../../core/index.ts'

/** CloudFront's limit on a request's head (docs/LIMITS.md has them all). */
export const MAX_HEAD_BYTES = 20_480

/** Fields of a request's head; whoever sends more is told so. */
export const MAX_FIELDS = 128

/** CloudFront's limit on a URL. */
export const LONGEST_URL = 8192

/** How long a viewer may hold something of ours without using it, and how much at once. */
export interface ViewerLimits {
  /** Until the TLS handshake is done. */
  handshake: Milliseconds
  /** Until a request's head has come, a proxy's header before it, and over HTTP/2 a short body of declared length. */
  request: Milliseconds
  /** Of a connection without a request. */
  idle: Milliseconds
  /** Of a connection with a request on which nothing moves. */
  stalled: Milliseconds
  /** Requests of one HTTP/2 connection that are under way at once. */
  streams: number
}

export const LIMITS: ViewerLimits = {
  handshake: 10_000,
  request: 30_000,
  idle: 65_000,
  stalled: 75_000,
  streams: 128,
}

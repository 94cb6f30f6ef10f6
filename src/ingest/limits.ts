import { MiB, type Bytes, type Milliseconds } from '../core/index.ts'

/** What a connection may take of this process, and for how long. */
export interface IngestLimits {
  /** Connections at once, all addresses together. */
  connections: number
  /** Connections at once of one address; of IPv6, of one /64. */
  connectionsPerAddress: number
  /** From the connection until the RTMP handshake is done, TLS included. */
  handshake: Milliseconds
  /** From the handshake until `publish`. */
  publish: Milliseconds
  /** Until the verdict on a `publish`; then it is refused as `origin-away`. */
  decision: Milliseconds
  /** Without a byte from a publisher whose socket is not paused. */
  silence: Milliseconds
  /** From the last word to an encoder until its connection is destroyed, so that the word arrives. */
  linger: Milliseconds
  /** Of a publisher: all partly received messages together. */
  pending: Bytes
}

/** Sixty-four connections of one address: an event's encoders often stand behind one translated address. */
export const INGEST_LIMITS: IngestLimits = {
  connections: 1024,
  connectionsPerAddress: 64,
  handshake: 5000,
  publish: 10_000,
  decision: 15_000,
  silence: 15_000,
  linger: 1000,
  pending: 10 * MiB,
}

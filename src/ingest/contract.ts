import type { FlvTag } from '../cmaf/index.ts'
import type { Reason } from '../core/index.ts'

/** An encoder's wish to publish, as it was sent; nothing of it has been checked. */
export interface PublishRequest {
  /** `/` + app + `/` + stream, queries off, not decoded; the same wherever the encoder split them. */
  path: string
  /** The queries of app and stream, joined by `&`, not decoded; it may hold a signature and is never to be logged. */
  query: string
  scheme: 'rtmp' | 'rtmps'
  /** Host and port of `tcUrl`, as sent. */
  authority: string
  /** The encoder's IP address, without port. */
  address: string
  /** What it calls itself (`flashVer`), at most 64 printable characters. */
  encoder: string
  /** Aborts when the encoder has left. */
  signal: AbortSignal
  publisher: PublisherControl
}

/** The hand on a publisher's connection, from the request until the connection is closed; harmless after that. */
export interface PublisherControl {
  /** Tells the encoder why in an RTMP status, then closes the connection. */
  cut(reason: Reason, detail: string): void
  /** The sink wants more, after it said `full`. */
  resume(): void
}

export type PublishVerdict =
  | { kind: 'accepted'; sink: PublishSink }
  /** The encoder hears `<reason>: <detail>`; the detail holds no secret. */
  | { kind: 'refused'; reason: Reason; detail: string }

/** Where an accepted publisher's tags go. */
export interface PublishSink {
  /**
   * `full` pauses the encoder's socket until `resume()`; what had been received by then (at most some 64 KiB) is
   * still written. The tag's data belongs to the sink.
   */
  write(tag: FlvTag): 'more' | 'full'
  /** Called once, also when the encoder left before the verdict: `unpublished` when it said so, else `lost`. */
  end(how: 'unpublished' | 'lost'): void
}

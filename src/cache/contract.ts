import type { DistributionId, Instant } from '../core/index.ts'
import type { Bounds, CacheKey, FlatHeaders, PassReason, Validators } from '../http/index.ts'

/** An answer of the next tier, its body not yet read. Whoever holds it reads the body to its end or destroys it. */
export interface UpstreamAnswer {
  status: number
  /** End-to-end fields only. */
  headers: FlatHeaders
  requestedAt: Instant
  respondedAt: Instant
  /** Of an origin that was shown nothing else of a viewer's: which of his fields it was shown; all are keyed. */
  forwarded?: readonly string[]
  /** The invalidation number that the next tier had applied, when it says so (SEAMS 24). */
  sequence?: number
  /** Throws when the body ends before its framing says so. */
  body: AsyncIterable<Uint8Array>
  destroy(): void
}

/**
 * Asks the next tier for the object, conditionally when there are validators. Declared here, given by the node.
 * Rejects with a SluiceError of side `upstream` when no answer could be had; owns all retries.
 */
export type Ask = (question: Question) => Promise<UpstreamAnswer>

export interface Question {
  validators: Validators | undefined
  /** `brief` when something stale is at hand to fall back on. */
  patience: 'brief' | 'full'
}

/** What the cache needs to know of a request. */
export interface CacheRequest {
  key: CacheKey
  distributionId: DistributionId
  /** Canonical; invalidations are compared with it. */
  path: string
  bounds: Bounds
  ask: Ask
  /** For what is kept elsewhere: given what was fetched whole, before anybody can look it up. `taken` is not stored. */
  take?: (object: StoredObject) => 'taken' | 'left'
}

/** A whole response in store. Never changed: a revalidation makes a new one around the same body. */
export interface StoredObject {
  readonly key: CacheKey
  readonly distributionId: DistributionId
  readonly path: string
  /** Invalidations with a higher number undo it. */
  readonly sequence: number
  readonly status: number
  readonly headers: FlatHeaders
  readonly validators: Validators
  readonly body: Buffer
  /** When its age was zero. */
  readonly bornAt: Instant
  readonly freshUntil: Instant
  readonly staleOnError: boolean
}

/** How a lookup ended; each needs another way of delivering. */
export type Found =
  /** From store, fresh. */
  | { kind: 'hit'; object: StoredObject }
  /** From store, after the next tier said that it is still right. */
  | { kind: 'refreshed'; object: StoredObject }
  /** From store, past its time, because the next tier failed. */
  | { kind: 'stale'; object: StoredObject }
  /** Being fetched; bytes can be read as they arrive. `joined` when another request started it. */
  | {
      kind: 'filling'
      fill: Filling
      joined: boolean
      /** All of it, once it is here; rejects when the fill fails. */
      whole: Promise<StoredObject>
    }
  /** This request's own, not to be shared. */
  | { kind: 'passing'; answer: UpstreamAnswer; reason: PassReason | 'too-large' }

/** A response on its way into store. */
export interface Filling {
  readonly status: number
  readonly headers: FlatHeaders
  readonly validators: Validators
  /** Undefined while the origin has not said it. */
  readonly length: number | undefined
  readonly bornAt: Instant
  /** Bytes from `first` up to and including `last` as they arrive; throws when the fill fails. */
  read(first: number, last?: number): AsyncIterable<Uint8Array>
}

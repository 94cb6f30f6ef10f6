import type { Bytes, DistributionId, Instant, Milliseconds } from '../core/index.ts'
import type { Bounds, CacheKey, FlatHeaders, ForwardReason, PassReason, Validators } from '../http/index.ts'

/** An answer of the next tier, its body not yet read. Whoever holds it reads the body to its end or destroys it. */
export interface UpstreamAnswer {
  status: number
  /** End-to-end fields only. */
  headers: FlatHeaders
  requestedAt: Instant
  respondedAt: Instant
  /** Of an origin that was shown nothing else of a viewer's: which of his fields it was shown, in lower case. */
  forwarded?: readonly string[]
  /** The invalidation number that the next tier had applied, when it says so (SEAMS 24). */
  sequence?: number
  /** Known to be for this request alone, whatever its fields say. */
  unshared?: Passing['reason']
  /** For so long the next tier gives it to who asks while it is on its way, when it says so. */
  joinable?: Milliseconds
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
  /** `Range` of the request: of a slice, or a viewer's own. The answer may be 206, 416, or 200 all the same. */
  range?: string
  /** `If-Range` beside it. */
  ifRange?: string
  /** `brief` when something stale is at hand to fall back on. */
  patience: 'brief' | 'full'
}

/** What Vary is compared with (RFC 9111 §4.1). Names in lower case. */
export interface Selection {
  /** Whether the origin is ever shown a viewer's field of this name; by no other can an answer vary. */
  selects: (name: string) => boolean
  /** Those that it is shown with this request. */
  readonly fields: FlatHeaders
}

/** What the cache needs to know of a request. */
export interface CacheRequest {
  key: CacheKey
  distributionId: DistributionId
  /** Canonical; invalidations are compared with it. */
  path: string
  bounds: Bounds
  /** GET when left out. A HEAD is answered from store, and fetched as a GET otherwise. */
  method?: 'GET' | 'HEAD'
  /** What of the viewer's the origin is shown beside what is keyed; nothing when left out. */
  selection?: Selection | undefined
  /** By which the viewer came. */
  scheme?: 'http' | 'https' | undefined
  /** As the viewer sent it. */
  range?: string | undefined
  ifRange?: string | undefined
  ask: Ask
  /** For what is kept elsewhere: given what was fetched whole, before anybody can look it up. `taken` is not stored. */
  take?: (object: StoredObject) => 'taken' | 'left'
}

/**
 * A whole response in store. Never changed: a revalidation makes a new one around the same body. All but the body is
 * plain JSON, as it stands on disk; a new field that must be there means a new form of cache files.
 */
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
  /** Until then it is served while it is asked for anew (RFC 5861 §3); not past `freshUntil` when left out. */
  readonly refreshUntil?: Instant
  /** The end of `staleOnError`; without end when left out (RFC 5861 §4). */
  readonly staleUntil?: Instant | undefined
  /** When it was asked for; what was forgotten since then is not used. */
  readonly askedAt?: Instant
  /** Stands in place of an answer that varies, under the key of all its variants. */
  readonly varies?: Varies
  /** Its body is empty: what it describes is kept in slices of this generation, under keys of their own. */
  readonly large?: { readonly length: Bytes; readonly generation: string }
  /** A slice of such an object: it takes no memory that whole objects need. */
  readonly slice?: true
}

/** By which fields the answers of one key vary, in order. */
export interface Varies {
  readonly names: readonly string[]
  /** Stands in the keys of the variants; another one makes all of them unreachable. */
  readonly generation: string
}

/** What was asked for up to that instant is not used: under a path, or under any of a distribution where there is no name. */
export interface ForgottenPath {
  distributionId: DistributionId
  name: string | null
  at: Instant
}

/**
 * One place where whole objects are kept, by key: memory or a disk. Bounded in bytes; what is kept may be gone at any
 * time, and never throws. Implementations run test/contracts/cache-tier.ts.
 */
export interface CacheTier {
  /** As it was set, every byte of it, or undefined; at once where that is possible. */
  get(key: CacheKey): StoredObject | undefined | Promise<StoredObject | undefined>
  /** Replaces what stood under the key. */
  set(object: StoredObject): void
  delete(key: CacheKey): void
  /** It was used elsewhere; for tiers that have another in front of them. */
  touch?(key: CacheKey): void
  /**
   * Keeps for a next start what was forgotten, of tiers that outlive their process; `all` is everything that counts.
   * Resolves when it would outlive this process, or cannot be kept.
   */
  keepForgotten?(path: ForgottenPath, all: () => Iterable<ForgottenPath>): Promise<void>
  /** What was kept so before this start. */
  readonly forgotten?: readonly ForgottenPath[]
  /** The file that has what was set, for `readCacheFile` in any process; of a tier that keeps files. */
  heldFileOf?(key: CacheKey): string | undefined
  readonly objects: number
  readonly bytes: Bytes
}

/** How a lookup ended; each needs another way of delivering. */
export type Found =
  /** From store, fresh. */
  | { kind: 'hit'; object: StoredObject }
  /** From store, after the next tier said that it is still right; `joinUntil` as of `filling`. */
  | { kind: 'refreshed'; object: StoredObject; joinUntil?: Instant | undefined }
  /** From store, past its time: because the next tier failed, or while it is asked behind the viewer's back. */
  | { kind: 'stale'; object: StoredObject; why: 'upstream-failed' | 'revalidating' }
  /** Being fetched; bytes can be read as they arrive. `joined` when another request started it. */
  | {
      kind: 'filling'
      fill: Filling
      joined: boolean
      /** Why it is fetched. */
      reason: ForwardReason
      /** Until then others are given it too (`Storability`); without end when left out. */
      joinUntil?: Instant | undefined
      /** What others than the one who asked get of it, where some fields are his alone. */
      shared?: Filling
      /** All of it, once it is here; rejects when the fill fails, and when it is too large to be one body. */
      whole: Promise<StoredObject>
      /** It is a large object of which the description was in store: how that was found. */
      source?: 'hit' | 'refreshed' | 'stale'
      /** Of that description. */
      freshUntil?: Instant
      /** As of `StoredObject`, of what this becomes; nothing is known of it when it is left out. */
      sequence?: number
    }
  | Passing

/** This request's own, not to be shared. */
export interface Passing {
  kind: 'passing'
  answer: UpstreamAnswer
  /** Why it is not stored. */
  reason: PassReason | 'too-large'
  /** Why it was asked for. */
  forward: ForwardReason
}

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
  /**
   * Of a large object: sees to it that the first of these bytes are here or on their way, before a head is written.
   * Rejects with a SluiceError of side `upstream` when they cannot be had.
   */
  reach?(first: number, last: number): Promise<Reached>
  /** Of a large object: what a byte is kept in, if it is kept. */
  pieceAt?(byte: number): Piece
}

/** One part of a large object: its own key, and which bytes of the whole it has. */
export interface Piece {
  key: CacheKey
  first: Bytes
  length: Bytes
}

/** `stored`: nothing was asked upstream. `changed`: it is another object by now, looked up anew. */
export type Reached = { kind: 'stored' } | { kind: 'fetched' } | { kind: 'changed'; found: Found }

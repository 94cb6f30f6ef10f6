import type { Instant } from '../core/index.ts'
import type { CacheKey, ForwardReason } from '../http/index.ts'
import type { CacheRequest, Found, StoredObject, Varies } from './contract.ts'
import type { Trait } from './unshared.ts'

/** One question to upstream: what is asked for, and what is known of it. */
export interface Asking {
  request: CacheRequest
  /** The primary key, or that of a variant. */
  key: CacheKey
  stored: StoredObject | undefined
  reason: ForwardReason
  sequence: number
  askedAt: Instant
  /** How much is asked for: the first slice where a range is wanted of what is not known, or a viewer's own range. */
  extent: 'as-needed' | 'own' | 'whole'
}

/** What became of it: `key` is where it is stored. */
export interface Landing {
  found: Found
  key: CacheKey
  varies: Varies | undefined
  shared: Shared
}

/** Those who wait get it too, ask for themselves, or are told what was answered where their asking would only add to it. */
export type Shared =
  | { kind: 'with-all' }
  /** For the sake of what this viewer has sent, where that is known: who does not send it waits for another. */
  | { kind: 'with-nobody'; trait?: Trait | undefined }
  /** `viewer`: what he has sent may be to blame, so one of the others finds out for all of them. */
  | { kind: 'refused'; status: number; blame: 'origin' | 'viewer' }

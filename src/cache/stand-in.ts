import type { Instant } from '../core/index.ts'
import type { StoredObject } from './contract.ts'

/** RFC 9111 §4.2.4, RFC 5861 §4: whether it may be served when upstream fails. */
export function mayStandIn(stored: StoredObject, now: Instant): boolean {
  return stored.staleOnError && (stored.staleUntil === undefined || now < stored.staleUntil)
}

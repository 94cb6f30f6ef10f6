import type { Clock } from '../core/index.ts'
import { withoutFields, type CacheKey, type Storability } from '../http/index.ts'
import type { Asking } from './asking.ts'
import type { Passing, StoredObject, UpstreamAnswer, Varies } from './contract.ts'
import { validatorsOf } from './declared.ts'
import type { Kept } from './large/index.ts'
import type { Store } from './store.ts'
import { isOfViewer } from './unshared.ts'
import { markerOf, selectingNames, variantKey, widened } from './variants.ts'

export type Storable = Storability & { kind: 'store' }

/** Of an answer that is kept: the primary key, or that of a variant. */
export interface Place {
  key: CacheKey
  varies: Varies | undefined
}

/** Where answers are kept, and which of two stays. */
export class Keeping {
  readonly #parts: { clock: Clock; store: Store }

  constructor(parts: { clock: Clock; store: Store }) {
    this.#parts = parts
  }

  /** Where an answer is kept; when it varies, what tells of that is kept at once. */
  placeOf(asking: Asking, answer: UpstreamAnswer): Place | undefined {
    const { request } = asking
    const names = selectingNames(answer.headers, request)
    const marker = this.#parts.store.peek(request.key)
    const known = marker?.varies
    if (names.length === 0 && known === undefined) return { key: request.key, varies: undefined }
    const varies = widened(known, names)
    if (varies === undefined) return undefined
    // One from before an invalidation would be undone by it, and with it the way to what is kept now.
    if (varies !== known || (marker?.sequence ?? 0) < asking.sequence)
      this.#parts.store.set(markerOf(request, varies, asking))
    return { key: variantKey(varies, request), varies }
  }

  /** A fill from before an invalidation may end after one from behind it; the newer stays. */
  keep(object: StoredObject): void {
    const present = this.#parts.store.peek(object.key)
    const newer =
      present !== undefined &&
      present.varies === undefined &&
      // What was born later than now is from before the clock was set back.
      (present.sequence > object.sequence ||
        ((present.askedAt ?? 0) > (object.askedAt ?? 0) && present.bornAt <= this.#parts.clock.now()))
    // Nobody finds it under a key that has come to vary meanwhile.
    if (!newer && present?.varies === undefined) this.#parts.store.set(object)
  }

  /** What was stored is not what there is any more, unless that is so for this viewer alone: it stands in for nothing. */
  outdate({ key, stored }: Asking, status: number, reason: Passing['reason']): void {
    const present = this.#parts.store.peek(key)
    const isGone = status === 404 || status === 410
    if (stored === undefined || (present !== undefined && !isThatOf(present, stored))) return
    if (isGone || !isOfViewer(reason)) this.#parts.store.delete(key)
  }
}

/** Whether nothing has come into the place of an object since; it may have been packed and unpacked. */
function isThatOf(present: StoredObject, stored: StoredObject): boolean {
  return (
    present === stored ||
    (present.askedAt === stored.askedAt &&
      present.sequence === stored.sequence &&
      present.bornAt === stored.bornAt &&
      present.freshUntil === stored.freshUntil)
  )
}

/** All of what is stored of an answer, but its body; `own` names fields of its that are not shared. */
export function keptOf(
  asking: Asking,
  answer: UpstreamAnswer,
  verdict: Storable,
  own: readonly string[],
): Kept {
  const { request, key, askedAt } = asking
  const { distributionId, path } = request
  const headers = own.length === 0 ? answer.headers : withoutFields(answer.headers, new Set(own))
  return {
    ...{ key, distributionId, path, askedAt, headers, status: answer.status },
    sequence: Math.min(asking.sequence, answer.sequence ?? asking.sequence),
    validators: validatorsOf(headers),
    ...lifetimeOf(verdict),
  }
}

/** How long it may be used, and for what. */
export function lifetimeOf(verdict: Storable): Omit<Storable, 'kind' | 'joinUntil'> {
  const { bornAt, freshUntil, refreshUntil, staleOnError, staleUntil } = verdict
  return { bornAt, freshUntil, refreshUntil, staleOnError, staleUntil }
}

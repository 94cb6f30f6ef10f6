import { randomBytes } from 'node:crypto'
import { instant, type Instant } from '../core/index.ts'
import { selectionOf, varying, type CacheKey, type FlatHeaders } from '../http/index.ts'
import type { CacheRequest, StoredObject, Varies } from './contract.ts'

/** Of one key; an answer that names more than these is nobody else's. */
const MOST_NAMES = 16

/** A century: a marker lasts as long as there is room for it. */
const FOR_EVER = instant(4_102_444_800_000)

/** The secondary key (RFC 9111 §4.1): a line feed stands in no key, so no path or query can spell one. */
export function variantKey({ names, generation }: Varies, request: CacheRequest): CacheKey {
  const selection = selectionOf(names, request.selection?.fields ?? [])
  return `${request.key}\n${generation}${selection}` as CacheKey // of the same distribution
}

/** The fields of a viewer's by which an answer varies beyond its key. */
export function selectingNames(headers: FlatHeaders, request: CacheRequest): readonly string[] {
  const vary = varying(headers)
  const { selection } = request
  if (vary.kind === 'anything' || selection === undefined) return []
  return vary.names.filter(name => selection.selects(name))
}

/**
 * What a key varies by from now on: all that an answer of it has ever named, so that answers which name different
 * fields come to an agreement. Undefined when they are too many.
 */
export function widened(known: Varies | undefined, names: readonly string[]): Varies | undefined {
  if (known !== undefined && names.every(name => known.names.includes(name))) return known
  const all = [...new Set([...(known?.names ?? []), ...names])].sort()
  if (all.length > MOST_NAMES) return undefined
  return { names: all, generation: randomBytes(9).toString('base64url') }
}

/** What stands under the key of an answer that varies. */
export function markerOf(
  { key, distributionId, path }: CacheRequest,
  varies: Varies,
  { sequence, askedAt }: { sequence: number; askedAt: Instant },
): StoredObject {
  return {
    ...{ key, distributionId, path, sequence, askedAt, varies },
    ...{ status: 200, headers: [], validators: NONE, body: NOTHING },
    ...{ bornAt: askedAt, freshUntil: FOR_EVER, staleOnError: false },
  }
}

const NONE = { etag: undefined, lastModified: undefined }
const NOTHING = Buffer.alloc(0)

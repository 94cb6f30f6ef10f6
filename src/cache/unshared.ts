import { Lru, SluiceError, type DistributionId } from '../core/index.ts'
import type { CacheKey, PassReason } from '../http/index.ts'

/** For so long a key that turned out not to be shareable is not queued behind another's fetch. */
const REMEMBER_MS = 60_000
const MOST_REMEMBERED = 10_000
/** So many answers of one folder in a row that are for one viewer each: the next one will be so too. */
const IN_A_ROW = 3

/** The origin has said that they are one viewer's; other reasons say nothing of what lies beside. */
const PERSONAL: ReadonlySet<string> = new Set<PassReason>([
  'no-store',
  'private',
  'set-cookie',
  'cookie',
  'authorization',
])

export interface Place {
  distributionId: DistributionId
  path: string
}

/**
 * What is not shared, so that nobody waits for another's answer to it. A key that is not known yet is judged by what
 * lies in its folder: who comes first in a crowd would otherwise keep all the others waiting for one answer's time.
 */
export class UnsharedKeys {
  readonly #keys = new Lru<CacheKey, true>({ max: MOST_REMEMBERED, ttl: REMEMBER_MS })
  readonly #folders = new Lru<string, number>({ max: MOST_REMEMBERED, ttl: REMEMBER_MS })

  expects(key: CacheKey, place: Place): boolean {
    if (this.#keys.size === 0) return false
    return this.#keys.has(key) || (this.#folders.get(folderOf(place)) ?? 0) >= IN_A_ROW
  }

  add(key: CacheKey, place: Place, reason: string): void {
    this.#keys.set(key, true)
    if (!PERSONAL.has(reason)) return
    const folder = folderOf(place)
    this.#folders.set(folder, (this.#folders.get(folder) ?? 0) + 1)
  }

  /** It is, or has become, shareable: the next request is waited for again. */
  delete(key: CacheKey, place: Place): void {
    if (this.#keys.size === 0) return
    this.#keys.delete(key)
    this.#folders.delete(folderOf(place))
  }
}

function folderOf({ distributionId, path }: Place): string {
  return `${distributionId} ${path.slice(0, path.lastIndexOf('/') + 1)}`
}

/**
 * Trouble passes, and so does a question that came too early for a live playlist: those who wait hear the same, since
 * asking for each of them alone would only feed it, and who comes later asks anew.
 */
export function ofTheMoment(status: number): boolean {
  return status === 400 || status >= 500
}

export function refused(status: number): SluiceError {
  const code = status === 400 ? 'upstream-bad-request' : 'upstream-trouble'
  return new SluiceError(code, `the origin answered ${status}`, { side: 'upstream', kind: 'unavailable' })
}

export function unaskedFor(status: number): SluiceError {
  return new SluiceError('upstream-unasked', `the origin answered ${status} to a plain question`, {
    side: 'upstream',
  })
}

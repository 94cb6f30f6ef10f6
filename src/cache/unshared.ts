import { Lru, SluiceError } from '../core/index.ts'
import { fieldValue, type CacheKey, type PassReason } from '../http/index.ts'
import type { CacheRequest } from './contract.ts'

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

/** What of a request's own may make its answer unfit for others. */
export type Trait = 'cookie' | 'authorization' | 'http' | 'https'

type Asker = Pick<CacheRequest, 'distributionId' | 'path' | 'selection' | 'scheme'>

/**
 * What is not shared, so that nobody waits for another's answer to it. What is not shared for the sake of something
 * that its viewer sent says nothing of requests without that.
 */
export class UnsharedKeys {
  readonly #everybodys = new Marks()
  readonly #bearers = new Map<Trait, Marks>()

  /** Whether answers to such a request have turned out not to be shareable. */
  knows(key: CacheKey, asker: Asker): boolean {
    return this.#of(asker).some(({ keys }) => keys.has(key))
  }

  /**
   * Whether that is likely of a key that nothing is known of, by what lies in its folder: who comes first in a crowd
   * would otherwise keep all the others waiting for one answer's time.
   */
  guesses(asker: Asker): boolean {
    return this.#of(asker).some(({ folders }) => (folders.get(folderOf(asker)) ?? 0) >= IN_A_ROW)
  }

  add(key: CacheKey, asker: Asker, reason: string): void {
    const trait = traitOf(asker, reason)
    const marks = trait === undefined ? this.#everybodys : (this.#bearers.get(trait) ?? new Marks())
    if (trait !== undefined) this.#bearers.set(trait, marks)
    marks.keys.set(key, true)
    if (!PERSONAL.has(reason)) return
    const folder = folderOf(asker)
    marks.folders.set(folder, (marks.folders.get(folder) ?? 0) + 1)
  }

  /** What such a request is answered is, or has become, shareable: the next one is waited for again. */
  delete(key: CacheKey, asker: Asker): void {
    for (const { keys, folders } of this.#of(asker)) {
      keys.delete(key)
      folders.delete(folderOf(asker))
    }
  }

  #of(asker: Asker): Marks[] {
    const marks = this.#everybodys.isEmpty ? [] : [this.#everybodys]
    for (const [trait, its] of this.#bearers) if (!its.isEmpty && bears(asker, trait)) marks.push(its)
    return marks
  }
}

class Marks {
  readonly keys = new Lru<CacheKey, true>({ max: MOST_REMEMBERED, ttl: REMEMBER_MS })
  readonly folders = new Lru<string, number>({ max: MOST_REMEMBERED, ttl: REMEMBER_MS })

  get isEmpty(): boolean {
    return this.keys.size === 0
  }
}

/** Whether an answer is kept from others for the sake of what its viewer sent. */
export function isOfViewer(reason: string): boolean {
  return reason === 'cookie' || reason === 'authorization' || reason === 'scheme'
}

/** What of this request stands behind the reason; undefined when all requests of its key have it. */
export function traitOf(asker: Asker, reason: string): Trait | undefined {
  if (reason === 'scheme') return asker.scheme
  if (reason !== 'cookie' && reason !== 'authorization') return undefined
  return bears(asker, reason) ? reason : undefined
}

export function bears({ selection, scheme }: Asker, trait: Trait): boolean {
  if (trait === 'http' || trait === 'https') return scheme === trait
  return fieldValue(selection?.fields ?? [], trait) !== undefined
}

function folderOf({ distributionId, path }: Asker): string {
  return `${distributionId} ${path.slice(0, path.lastIndexOf('/') + 1)}`
}

/**
 * Trouble passes, and so does a question that came too early for a live playlist: those who wait hear the same, since
 * asking for each of them alone would only feed it, and who comes later asks anew.
 */
export function ofTheMoment(status: number): boolean {
  return status === 400 || status >= 500
}

/** Nothing that was kept is undone by such an answer: it tells of the question, or of how many there are. */
export function leavesStored(status: number): boolean {
  return ofTheMoment(status) || status === 416 || status === 408 || status === 425 || status === 429
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

import {
  codeOf,
  Lru,
  type Bytes,
  type CanonicalPath,
  type Clock,
  type DistributionId,
} from '../core/index.ts'
import { parseDirectives, renderDirectives, type Directives, type DirectivesResult } from '../hls/index.ts'
import { cacheKey, type Bounds, type CacheKey } from '../http/index.ts'
import type { CacheRequest, Found, Question, StoredObject, UpstreamAnswer } from './contract.ts'
import {
  compareVersions,
  judgeVersion,
  liveMark,
  readVersion,
  type Arrival,
  type Version,
} from './live-version.ts'
import { OBJECT_OVERHEAD } from './memory-tier.ts'
import type { ObjectCache } from './object-cache.ts'

export interface LivePlaylistsOptions {
  cache: ObjectCache
  clock: Clock
  /** Of the versions that are kept; the playlist that was asked for longest ago goes first. */
  maxBytes: Bytes
  /** The number of the newest invalidation of a path. */
  invalidated: (distribution: DistributionId, path: string) => number
}

/** A request for anything that may be a live playlist. */
export interface PlaylistRequest {
  distributionId: DistributionId
  path: CanonicalPath
  bounds: Bounds
  /** What is keyed of its query, less the directives. */
  query: string
  /** Of its header fields, as `variantOf` makes it; empty when none is keyed. */
  variant: string
  /** As sent; empty when there are none. */
  directives: string
  /** As `Ask`, with the query that goes upstream. */
  ask: (query: string, question: Question) => Promise<UpstreamAnswer>
  /** Of what turns out to be no live playlist. */
  selection?: CacheRequest['selection']
  scheme?: CacheRequest['scheme']
}

export type PlaylistFound =
  | Found
  /** A live playlist, whole: the newest that this node knows. */
  | { kind: 'version'; object: StoredObject; source: 'known' | 'fetched' | 'joined' }
  /** The rules forbid to hold this question, so it was asked of nobody (rfc8216bis 6.2.5.2). */
  | { kind: 'bad-directives'; problem: 'unreadable' | 'too-far' }

/** The newest versions of one playlist. */
type Known = { readonly [form in Version['form']]?: Version | undefined }

interface Asked {
  request: PlaylistRequest
  /** Names the playlist whatever is asked of it. */
  playlist: CacheKey
  wanted: DirectivesResult
}

/**
 * Live playlists of one node (SEAMS 18 to 20). What lies behind its newest version is answered from that; one upstream
 * request stands for all who ask the same of what is to come; and who has seen a version never sees an older one.
 * Whatever turns out not to be a live playlist is left to the cache.
 */
export class LivePlaylists {
  readonly #options: LivePlaylistsOptions
  readonly #known: Lru<CacheKey, Known>

  constructor(options: LivePlaylistsOptions) {
    this.#options = options
    this.#known = new Lru({ maxSize: options.maxBytes, sizeCalculation: sizeOf })
  }

  get count(): number {
    return this.#known.size
  }

  lookup(request: PlaylistRequest): PlaylistFound | Promise<PlaylistFound> {
    const { distributionId, path, query, variant, directives } = request
    return this.#answer({
      request,
      playlist: cacheKey(distributionId, path, query, variant),
      wanted: directives === '' ? PLAIN : parseDirectives(directives),
    })
  }

  #answer(
    asked: Asked,
    trust: 'while-current' | 'renewed' = 'while-current',
  ): PlaylistFound | Promise<PlaylistFound> {
    const known = this.#current(asked)
    if (known === undefined) return this.#fetch(asked)
    if (asked.wanted.kind === 'bad') return { kind: 'bad-directives', problem: 'unreadable' }
    const { directives } = asked.wanted
    const now = this.#options.clock.now()
    const latest = newest(known, DELTA_WILL_DO)
    const version = newest(known, directives, each => {
      if (directives.until === undefined) return now < each.currentUntil && !isBehind(each, latest)
      return now < each.usableUntil && judgeVersion(each, directives.until) === 'ready'
    })
    if (version) return { kind: 'version', object: version.object, source: 'known' }
    if (latest && judgeVersion(latest, directives.until) === 'too-far') {
      if (trust === 'renewed' || now < latest.currentUntil)
        return { kind: 'bad-directives', problem: 'too-far' }
      return this.#renewed(asked)
    }
    return this.#fetch(asked)
  }

  /** What is known is too old to call anything too far: the newest is asked for, once for all who do, and judged. */
  async #renewed(asked: Asked): Promise<PlaylistFound> {
    const found = await this.#fetch({ ...asked, wanted: PLAIN })
    return found.kind === 'version' ? this.#answer(asked, 'renewed') : found
  }

  #fetch(asked: Asked): PlaylistFound | Promise<PlaylistFound> {
    const { cache } = this.#options
    const { distributionId, path, variant, bounds, ask, selection, scheme } = asked.request
    const { query, form } = this.#question(asked)
    const found = cache.lookup({
      key: query === asked.request.query ? asked.playlist : cacheKey(distributionId, path, query, variant),
      distributionId,
      path,
      bounds,
      selection,
      scheme,
      ask: question => ask(query, question),
      take: object => this.#take(asked, object, form),
    })
    return found instanceof Promise ? found.then(value => this.#settle(asked, value)) : found
  }

  /** The one spelling of the question. Who would take a delta may wait with those for whom the whole is fetched. */
  #question({ request, wanted }: Asked): { query: string; form: Arrival['asked'] } {
    const { distributionId, path, query, variant, directives } = request
    if (wanted === PLAIN) return { query, form: 'plain' }
    const withQuery = (text: string): string => [query, text].filter(part => part !== '').join('&')
    if (wanted.kind === 'bad') return { query: withQuery(directives), form: 'directed' }
    const { until, skip } = wanted.directives
    const whole = withQuery(renderDirectives({ until, skip: 'none' }))
    if (skip === 'none' || this.#options.cache.fetches(cacheKey(distributionId, path, whole, variant)))
      return { query: whole, form: until === undefined ? 'plain' : 'directed' }
    return { query: withQuery(renderDirectives(wanted.directives)), form: 'directed' }
  }

  #take({ playlist, request }: Asked, object: StoredObject, asked: Arrival['asked']): 'taken' | 'left' {
    const now = this.#options.clock.now()
    const version = readVersion(object, { at: now, asked })
    if (version === undefined) return 'left'
    const known = this.#known.get(playlist)
    const before = known?.[version.form]
    // One that is out of use says nothing any more: its numbers may be those of a clock that was set back.
    // Nor does one that an invalidation has undone. A higher number alone says only when it was asked for: another
    // node of the next tier may be behind the one that was asked before.
    const since = this.#options.invalidated(request.distributionId, request.path)
    const counts = before !== undefined && now < before.usableUntil && before.object.sequence >= since
    if (!counts || compareVersions(version, before) >= 0)
      this.#known.set(playlist, { ...known, [version.form]: version })
    return 'taken'
  }

  /** A live playlist is waited for to its end, since a newer one may overtake it; the rest is read as it arrives. */
  async #settle(asked: Asked, found: Found): Promise<PlaylistFound> {
    if (found.kind !== 'filling' || liveMark(found.fill) === undefined) return found
    const object = await found.whole.catch(unlessTooLarge)
    // There is no memory for it in one piece, and it can still be read as it comes.
    if (object === undefined) return found
    const { directives } = asked.wanted.kind === 'ok' ? asked.wanted : PLAIN
    const version = newest(this.#current(asked) ?? {}, directives)
    const source = found.joined ? 'joined' : 'fetched'
    return { kind: 'version', object: version?.object ?? object, source }
  }

  /** What is known and not undone by an invalidation. */
  #current({ playlist, request }: Asked): Known | undefined {
    // Where nothing is live, nobody pays for it.
    const known = this.#known.size === 0 ? undefined : this.#known.get(playlist)
    if (known === undefined) return undefined
    const since = this.#options.invalidated(request.distributionId, request.path)
    const { full, delta } = known
    if ((full?.object.sequence ?? since) >= since && (delta?.object.sequence ?? since) >= since) return known
    this.#known.delete(playlist)
    return undefined
  }
}

function unlessTooLarge(error: unknown): undefined {
  if (codeOf(error) !== 'too-large') throw error
}

const PLAIN = {
  kind: 'ok' as const,
  directives: { until: undefined, skip: 'none' as const },
} satisfies DirectivesResult

const DELTA_WILL_DO: Directives = { until: undefined, skip: 'segments' }

/** Never a delta for who did not ask for one; the whole may always stand for a delta (rfc8216bis 6.2.5.1). */
function newest(
  known: Known,
  { skip }: Directives,
  serves: (version: Version) => boolean = () => true,
): Version | undefined {
  const full = known.full && serves(known.full) ? known.full : undefined
  const delta = skip === 'segments' && known.delta && serves(known.delta) ? known.delta : undefined
  if (full === undefined || delta === undefined) return full ?? delta
  return compareVersions(delta, full) >= 0 ? delta : full
}

function isBehind(version: Version, other: Version | undefined): boolean {
  return other !== undefined && compareVersions(version, other) < 0
}

function sizeOf({ full, delta }: Known, key: CacheKey): Bytes {
  const bodies = (full?.object.body.length ?? 0) + (delta?.object.body.length ?? 0)
  return bodies + 2 * key.length + 2 * OBJECT_OVERHEAD
}

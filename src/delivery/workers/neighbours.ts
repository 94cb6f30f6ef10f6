import { join } from 'node:path'
import {
  shardOf,
  type CacheRequest,
  type Found,
  type ObjectCache,
  type PlaylistFound,
  type Question,
  type UpstreamAnswer,
} from '../../cache/index.ts'
import type { Clock } from '../../core/index.ts'
import { byWord, type Metrics } from '../../telemetry/index.ts'
import type { Changed } from '../peers/changed.ts'
import { known, type Exchange } from '../exchange.ts'
import type { Siblings } from '../peers/siblings.ts'
import { WORKER_METRICS } from '../metric-names.ts'
import { asOwnersFound, ownersSharing } from './borrowed-found.ts'
import { BorrowedFiles } from './borrowed-files.ts'
import { destroyWith, LargeElsewhere, type Elsewhere } from './borrowed-large.ts'
import { Neighbour, type Owned } from './neighbour.ts'
import { resumed } from '../upstream/resumed-body.ts'
import { Versions } from './versions.ts'

export interface NeighboursOptions {
  workers: number
  /** Which of them this process is. */
  index: number
  /** Holds the sockets. */
  workersFolder: string
  clock: Clock
  forget: (changed: Changed) => Promise<unknown>
}

/**
 * The other workers of this edge. A shard's worker alone asks upstream for its keys and keeps them; the others ask it,
 * and keep a copy of what is asked for often for as long as the owner would (SEAMS 22).
 */
export class Neighbours implements Siblings {
  readonly #options: NeighboursOptions
  readonly #all = new Map<number, Neighbour>()
  readonly #versions: Versions
  readonly #orphanages = new Map<Neighbour, ObjectCache>()
  readonly #asked = { answered: 0, away: 0, unreadable: 0 }
  #changes = 0

  constructor(options: NeighboursOptions) {
    this.#options = options
    const { workers, index: own, clock } = options
    const files = new BorrowedFiles()
    for (let index = 0; index < workers; index++)
      if (index !== own) this.#all.set(index, new Neighbour(this.#socket(index), clock, files))
    this.#versions = new Versions(clock)
  }

  get ownSocket(): string {
    return this.#socket(this.#options.index)
  }

  lookup(x: Exchange, request: CacheRequest): PlaylistFound | Promise<PlaylistFound> | undefined {
    const owner = this.#all.get(shardOf(request.key) % this.#options.workers)
    if (owner === undefined) return undefined
    // Nobody but the owner knows which version of a live playlist is the newest.
    if (x.channel !== undefined && request.path.endsWith('.m3u8'))
      return this.#versions.lookup(x, () => this.#askVersion(x, owner, request))
    return this.#borrow(x, owner, request)
  }

  get changes(): number {
    return this.#changes
  }

  /** This process has forgotten all changes up to this one: an owner who has not is asked for nothing any more. */
  heard(change: number): void {
    this.#changes = change
    this.#letGo()
  }

  /** What was fetched in place of others is used no more. */
  #letGo(): void {
    this.#orphanages.clear()
  }

  async forget(changed: Changed): Promise<void> {
    this.#letGo()
    await this.#options.forget(changed).catch(() => {}) // who did not hear of it in time is given up
  }

  measure(metrics: Metrics): void {
    metrics.collected(WORKER_METRICS.neighbourQuestions, () => byWord('result', this.#asked))
    metrics.collected(WORKER_METRICS.neighbourFiles, () =>
      (['read', 'not-read'] as const).map(result => [
        { result },
        [...this.#all.values()].reduce((sum, { files }) => sum + files[result], 0),
      ]),
    )
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all.values()].map(each => each.close()))
  }

  #socket(index: number): string {
    return join(this.#options.workersFolder, `${index}.sock`)
  }

  /** From the copies of this process, or from the owner. */
  #borrow(x: Exchange, owner: Neighbour, request: CacheRequest): PlaylistFound | Promise<PlaylistFound> {
    const found = known(x.node.copies, 'the room for copies').lookup({
      ...request,
      // What is kept here is small and whole.
      ...{ range: undefined, ifRange: undefined },
      ask: question => this.#ask(x, owner, question, request),
    })
    if (!(found instanceof Promise)) return found
    return found.then(
      each => asOwnersFound(each),
      (error: unknown) => {
        if (error instanceof OwnerAway) return this.#fetchAlone(x, owner, request)
        const apart = error instanceof LargeElsewhere || error instanceof PartElsewhere
        if (!apart) throw error
        if (error.asker !== x) return this.#askApart(x, owner, request)
        return error instanceof LargeElsewhere
          ? error.found(this.#elsewhere(x, owner, request))
          : asOwnersFound(error.found)
      },
    )
  }

  /** While the owner is away: once for all who ask here for the same, and whole objects are not kept (SEAMS 22). */
  #fetchAlone(x: Exchange, owner: Neighbour, request: CacheRequest): Found | Promise<Found> {
    let orphanage = this.#orphanages.get(owner)
    if (orphanage === undefined) this.#orphanages.set(owner, (orphanage = x.node.newOrphanage()))
    return orphanage.lookup({ ...request, take: () => 'taken' })
  }

  async #ask(
    x: Exchange,
    owner: Neighbour,
    { validators }: Question,
    request: CacheRequest,
  ): Promise<UpstreamAnswer> {
    const owned = await this.#counted(owner.ask(x, { validators, largest: x.node.largestCopy }))
    if (owned.kind !== 'answer') throw new OwnerAway('the owner of the key cannot be asked')
    this.#orphanages.delete(owner)
    const { answer, run } = owned
    const large = LargeElsewhere.is(answer)
    if (large || PartElsewhere.is(answer)) {
      // His alone, even where it was to be refreshed behind his back and he hears nothing of it.
      destroyWith(x.response, answer)
      throw large ? new LargeElsewhere(x, owned) : new PartElsewhere(x, passing(answer))
    }
    const body = resumed(answer, { died: () => owner.hasEnded(run), again: () => request.ask(ANEW) })
    // The owner would not have it kept if it varied by anything that is not known.
    const forwarded = answer.status === 400 ? SOMETHING : []
    return { ...answer, ...ownersSharing(answer), forwarded, body }
  }

  /** After another viewer, with whom this one waited, got what is his alone: a part, or bytes that come as he reads. */
  async #askApart(x: Exchange, owner: Neighbour, request: CacheRequest): Promise<PlaylistFound> {
    const owned = await this.#counted(owner.ask(x, { largest: x.node.largestCopy }))
    if (owned.kind !== 'answer') return this.#fetchAlone(x, owner, request)
    if (!LargeElsewhere.is(owned.answer)) return asOwnersFound(passing(owned.answer))
    destroyWith(x.response, owned.answer)
    return new LargeElsewhere(x, owned).found(this.#elsewhere(x, owner, request))
  }

  #elsewhere(x: Exchange, owner: Neighbour, request: CacheRequest): Elsewhere {
    return { owner, alone: request.ask, again: () => this.#fetchAlone(x, owner, request) }
  }

  async #askVersion(x: Exchange, owner: Neighbour, request: CacheRequest): Promise<PlaylistFound> {
    const before = this.#versions.last(x)
    const owned = await this.#counted(owner.ask(x, { validators: before?.validators, largest: Infinity }))
    if (owned.kind === 'bad-directives') return owned
    if (owned.kind === 'answer') return this.#versions.read(x, owned, before)
    // Nobody keeps versions then, and the origin knows the newest.
    return passing(await request.ask(ANEW))
  }

  async #counted(asking: Promise<Owned>): Promise<Owned> {
    const owned = await asking
    const { kind } = owned
    this.#asked[kind === 'away' || kind === 'unreadable' ? kind : 'answered']++
    return owned
  }
}

/** What the origin was shown of a viewer's is not known here, and it may be why it calls his request a bad one. */
const SOMETHING: readonly string[] = ['?']

/** Thrown through the cache of copies, which would keep what the owner does not know of. */
class OwnerAway extends Error {}

/** Thrown through the cache of copies where the owner hands a viewer's own range on. */
class PartElsewhere extends Error {
  readonly asker: Exchange
  readonly found: Passing

  constructor(asker: Exchange, found: Passing) {
    super('what is asked for is part of something that is not kept')
    this.asker = asker
    this.found = found
  }

  static is({ status }: UpstreamAnswer): boolean {
    return status === 206 || status === 416
  }
}

type Passing = Found & { kind: 'passing' }

/** For one viewer alone; the owner's word says why. */
function passing(answer: UpstreamAnswer): Passing {
  return { kind: 'passing', answer, reason: 'no-store', forward: 'miss' }
}

const ANEW: Question = { validators: undefined, patience: 'full' }

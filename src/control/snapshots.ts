import type { Clock, Instant, Milliseconds, RoleName } from '../core/index.ts'
import { blobsOf, snapshotFor, type Channel, type KnownWords, type PeerNode } from '../distribution/index.ts'
import { Bell, poll } from './bell.ts'
import { readWholeSnapshot, type Database, type Tx } from './database/index.ts'
import { encryptionsOf } from './encryptions.ts'

export interface PublishedSnapshot {
  epoch: string
  version: number
  nodes: PeerNode[]
  channels: Channel[]
  /** Whether it names the blob of this digest, or the one before it did, which nodes may still be taking. */
  names(sha256: string): boolean
  /** What a role is given of it, as JSON; made once for all nodes of the role that know the same words. */
  textFor(role: RoleName, words: KnownWords): string
}

interface Built extends PublishedSnapshot {
  /** The digests that it names itself. */
  blobs: ReadonlySet<string>
  /** And those of the version before. */
  blobsBefore: ReadonlySet<string> | undefined
}

/** Times of versions that are remembered; older ones count as made at the oldest remembered time. */
const REMEMBERED = 1_000

/** The database was away when it was to be read; it is tried again this often. */
const AGAIN: Milliseconds = 500

/**
 * The newest snapshot, built once after each change however many nodes ask for it. While the database is away it is the
 * last one: nodes are kept waiting as if nothing had changed.
 */
export class Snapshots {
  readonly #database: Database
  readonly #clock: Clock
  readonly #bell = new Bell()
  readonly #madeAt = new Map<number, Instant>()
  /** Never rejects. */
  #building: Promise<Built>
  #next: 'queued' | 'none' = 'none'
  #retry: NodeJS.Timeout | undefined

  private constructor(database: Database, clock: Clock, first: Built) {
    this.#database = database
    this.#clock = clock
    this.#building = Promise.resolve(first)
    this.#remember(first.version)
  }

  static async open(database: Database, clock: Clock): Promise<Snapshots> {
    const snapshots = new Snapshots(database, clock, await build(database))
    database.onCommit(topics => {
      if (topics.has('snapshot')) snapshots.#changed()
    })
    return snapshots
  }

  current(): Promise<PublishedSnapshot> {
    return this.#building
  }

  /** The newest as soon as it is another than the known one; undefined when the time is over. */
  async after(
    known: { epoch: string; version: number } | undefined,
    wait: { span: Milliseconds; signal: AbortSignal },
  ): Promise<PublishedSnapshot | undefined> {
    return poll(this.#bell, wait, async () => {
      const newest = await this.#building
      return known?.epoch === newest.epoch && known.version === newest.version ? undefined : newest
    })
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#next = 'queued'
  }

  /** When a version was made, as far as this process knows. */
  madeAt(version: number): Instant | undefined {
    return this.#madeAt.get(version)
  }

  /** One is built at a time; what waits its turn has not read anything yet, so it serves for further changes too. */
  #changed(): void {
    if (this.#next === 'queued') return
    this.#next = 'queued'
    this.#building = this.#building.then(last => {
      this.#next = 'none'
      return this.#renew(last)
    })
  }

  async #renew(last: Built): Promise<Built> {
    try {
      const newest = await build(this.#database, last)
      this.#remember(newest.version)
      return newest
    } catch {
      clearTimeout(this.#retry)
      this.#retry = setTimeout(() => this.#changed(), AGAIN).unref()
      return last
    } finally {
      // Those who wait look at what this becomes.
      this.#bell.ring()
    }
  }

  #remember(version: number): void {
    if (!this.#madeAt.has(version)) this.#madeAt.set(version, this.#clock.now())
    for (const oldest of this.#madeAt.keys()) {
      if (this.#madeAt.size <= REMEMBERED) break
      this.#madeAt.delete(oldest)
    }
  }
}

/** With what behaviours name and nodes are given whole. */
async function readPublished(tx: Tx): ReturnType<typeof readWholeSnapshot> {
  const { epoch, snapshot } = await readWholeSnapshot(tx)
  const encryptions = await encryptionsOf(tx, snapshot.distributions)
  return { epoch, snapshot: { ...snapshot, ...(encryptions.length > 0 && { encryptions }) } }
}

async function build(database: Database, last?: Built): Promise<Built> {
  const { epoch, snapshot } = await database.read(readPublished)
  const blobs = new Set(blobsOf(snapshot).map(({ sha256 }) => sha256))
  // The same version may be built again.
  const same = last?.epoch === epoch && last.version === snapshot.version
  const before = same ? last.blobsBefore : last?.blobs
  const texts = new Map<`${RoleName} ${KnownWords}`, string>()
  return {
    epoch,
    version: snapshot.version,
    nodes: snapshot.nodes,
    channels: snapshot.channels,
    ...{ blobs, blobsBefore: before },
    names: sha256 => blobs.has(sha256) || before?.has(sha256) === true,
    textFor(role, words) {
      const whose = `${role} ${words}` as const
      let text = texts.get(whose)
      if (text === undefined) texts.set(whose, (text = JSON.stringify(snapshotFor(role, snapshot, words))))
      return text
    },
  }
}

import { Lru, SluiceError, type Clock, type Instant, type Milliseconds } from '../core/index.ts'
import type { ObjectKey, ObjectStore, ObjectVersion } from '../storage/index.ts'
import { expire, pointerKey, readPointer, withVersion, type Pointer } from './pointer.ts'

/** Writes of several origins meet when a lease has passed on, not all the time. */
const MOST_TRIES = 5
const REMEMBERED = 2000
const LIFE: Milliseconds = 1000

interface Known {
  pointer: Pointer | undefined
  until: Instant
  /** The invalidation number that some asker had applied when this was read. */
  sequence: number
}

/** The pointers of a store: read with a short memory, changed one after the other. */
export class Pointers {
  readonly #store: ObjectStore
  readonly #clock: Clock
  readonly #known = new Lru<string, Known>({ max: REMEMBERED })
  readonly #reading = new Map<string, { sequence: number; pointer: Promise<Pointer | undefined> }>()
  /** The end of the queue of changes of each path that has some under way. */
  readonly #changing = new Map<string, Promise<unknown>>()

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * What is served at a path. Who has applied an invalidation never gets what was read before somebody had
   * (SEAMS 24): `sequence` is the number that the asker has applied.
   */
  async find(path: string, sequence: number): Promise<Pointer | undefined> {
    const known = this.#known.get(path)
    if (known && this.#clock.now() < known.until && known.sequence >= sequence) return known.pointer
    const reading = this.#reading.get(path)
    if (reading && reading.sequence >= sequence) return reading.pointer
    return this.#readShared(path, sequence)
  }

  async #readShared(path: string, sequence: number): Promise<Pointer | undefined> {
    const pointer = this.read(path)
    const reading = { sequence, pointer }
    this.#reading.set(path, reading)
    try {
      const found = await pointer
      // Not when it was changed meanwhile: then what was read is already old.
      if (this.#reading.get(path) === reading) {
        this.#known.set(path, { pointer: found, until: (this.#clock.now() + LIFE) as Instant, sequence }) // a later instant
      }
      return found
    } finally {
      if (this.#reading.get(path) === reading) this.#reading.delete(path)
    }
  }

  /** As it stands in the store now. */
  async read(path: string): Promise<Pointer | undefined> {
    return (await this.#readVersion(pointerKey(path)))?.pointer
  }

  /** Makes a version the served one, at once and whole. */
  async publish(next: Pointer): Promise<void> {
    await this.#change(next.path, async () => {
      await this.#replace(next.path, before => withVersion(before, next, this.#clock.now()))
    })
  }

  /** Takes a path out of service if `assetId` is what is served there. */
  async withdraw(path: string, assetId: string): Promise<void> {
    await this.#change(path, async () => {
      if ((await this.read(path))?.assetId !== assetId) return
      await this.#store.delete(pointerKey(path))
    })
  }

  /** Deletes the media of replaced versions whose time is over. Answers how many there were. */
  async sweep(): Promise<number> {
    let swept = 0
    for await (const { key } of this.#store.list('pointers/')) {
      // One that cannot be read keeps what it names, and does not keep others from being swept.
      const path = (await this.#readVersion(key).catch(() => undefined))?.pointer.path
      if (path === undefined) continue
      await this.#change(path, async () => {
        let expired: number[] = []
        const kept = await this.#replace(path, pointer => {
          const split = pointer && expire(pointer, this.#clock.now())
          expired = split?.expired ?? []
          return expired.length > 0 ? split?.kept : undefined
        })
        if (!kept) return
        for (const version of expired) await this.#store.deleteAll(`assets/${kept.assetId}/v${version}/`)
        swept += expired.length
      })
    }
    return swept
  }

  async #readVersion(key: ObjectKey): Promise<{ pointer: Pointer; version: ObjectVersion } | undefined> {
    const found = await this.#store.readVersion(key)
    if (!found) return undefined
    return { pointer: readPointer(JSON.parse(Buffer.from(found.body).toString())), version: found.version }
  }

  /**
   * Writes what `make` makes of what is there, unless it makes nothing; asks it again when another origin was faster.
   * Answers what was written.
   */
  async #replace(
    path: string,
    make: (before: Pointer | undefined) => Pointer | undefined,
  ): Promise<Pointer | undefined> {
    const key = pointerKey(path)
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const before = await this.#readVersion(key)
      const next = make(before?.pointer)
      if (!next) return undefined
      const body = Buffer.from(JSON.stringify(next))
      if ((await this.#store.putVersion(key, body, before?.version)) === 'written') return next
    }
    throw new SluiceError(
      'pointer-busy',
      `what is served at ${path} was changed again and again by other origins`,
      {
        kind: 'unavailable',
      },
    )
  }

  async #change(path: string, work: () => Promise<void>): Promise<void> {
    const before = this.#changing.get(path) ?? Promise.resolve()
    const mine = before.then(work, work).finally(() => {
      this.#known.delete(path)
      this.#reading.delete(path)
      if (this.#changing.get(path) === mine) this.#changing.delete(path)
    })
    this.#changing.set(path, mine)
    return mine
  }
}

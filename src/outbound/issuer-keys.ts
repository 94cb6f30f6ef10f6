import {
  after,
  codeOf,
  messageOf,
  type Clock,
  type Instant,
  type IssuerId,
  type Milliseconds,
} from '../core/index.ts'
import type { PublicJwk, TrustedIssuer } from '../distribution/index.ts'
import { trustIssuer, type IssuerTrust } from '../signing/index.ts'
import { fetchKeySet } from './fetch-key-set.ts'
import type { Guard } from './guard.ts'
import { loadKeySets, saveKeySets, type StoredKeySet } from './stored-key-sets.ts'

/** Where this says what happened; never a token, and no URL, which may hold a name and a password. */
export interface KeyLog {
  info(fields: Record<string, unknown>, event: string): void
  warn(fields: Record<string, unknown>, event: string): void
}

export interface IssuerKeysOptions {
  guard: Guard
  /** Holds the last good sets, `issuer-keys.json`. */
  stateDir: string
  clock: Clock
  log: KeyLog
  /** An issuer said something else than before; `sets` tells what. */
  changed?: () => void
}

/** The keys of one issuer as it told them last. */
export interface IssuerSet {
  issuer: IssuerId
  keys: readonly PublicJwk[]
}

/** How often a set has been asked for, by what came of it; since the process began. */
export type Refreshes = Record<'changed' | 'unchanged' | 'failed', number>

/** A key that an issuer takes out of its set opens nothing at the latest after this. */
const EVERY: Milliseconds = 300_000
/** While an issuer is away. */
const AGAIN: Milliseconds = 60_000
/** Tokens with unknown keys make an issuer be asked at most so often, however many come. */
const UNKNOWN_KEY_EVERY: Milliseconds = 60_000
const LOOK_EVERY: Milliseconds = 5_000
/** Requests that wait for one issuer's answer; the next is told at once what is known now. */
const MOST_WAITING = 256

interface Followed {
  readonly issuer: TrustedIssuer
  /** To see whether a snapshot says anything new. */
  readonly said: string
  trust: IssuerTrust
  /** Undefined until its address has answered once, or was stored. */
  keys: readonly PublicJwk[] | undefined
  dueAt: Instant
  unknownAskedAt: Instant | undefined
  asking: Promise<void> | undefined
  waiting: number
}

/**
 * The keys of the issuers that the snapshot trusts. Inline keys are there at once. Those at an address are fetched when
 * the issuer becomes known, again every few minutes, and when a token names a key that is not in the set. What an
 * issuer said last counts until it says something else: over its absence, and over a restart of this process.
 */
export class IssuerKeys {
  readonly refreshes: Refreshes = { changed: 0, unchanged: 0, failed: 0 }
  readonly #options: IssuerKeysOptions
  readonly #ending = new AbortController()
  #stored = new Map<IssuerId, StoredKeySet>()
  #followed = new Map<IssuerId, Followed>()
  /** Questions under way, those to issuers that have been replaced since among them. */
  readonly #running = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #saving: Promise<void> = Promise.resolve()

  constructor(options: IssuerKeysOptions) {
    this.#options = options
  }

  /** Reads the stored sets; comes before the first `follow`. */
  async start(): Promise<void> {
    const { stateDir, log } = this.#options
    try {
      this.#stored = new Map((await loadKeySets(stateDir)).map(set => [set.issuer, set]))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') log.warn({ error: messageOf(error) }, 'stored issuer keys ignored')
    }
    this.#timer = setInterval(() => void this.refreshDue(), LOOK_EVERY)
    this.#timer.unref()
  }

  /** Ends what is under way and waits for it. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#ending.abort()
    await Promise.all(this.#running)
    await this.#saving
  }

  /** Takes the issuers of a snapshot. Those that are gone open nothing from now on; unchanged ones stay as they are. */
  follow(issuers: readonly TrustedIssuer[]): void {
    const before = this.#followed
    this.#followed = new Map()
    for (const issuer of issuers) {
      const said = JSON.stringify(issuer)
      const old = before.get(issuer.id)
      this.#followed.set(issuer.id, old?.said === said ? old : this.#take(issuer, said, old))
    }
    void this.refreshDue()
  }

  /** An issuer and its keys as they are known now; undefined when the snapshot has no such issuer. */
  of(id: IssuerId): IssuerTrust | undefined {
    return this.#followed.get(id)?.trust
  }

  /** What is known of each issuer whose keys stand at an address, for other processes of the same node. */
  sets(): IssuerSet[] {
    return [...this.#followed].flatMap(
      ([
        issuer,
        {
          keys,
          issuer: { keys: source },
        },
      ]) => (source.kind === 'url' && keys !== undefined ? [{ issuer, keys }] : []),
    )
  }

  /**
   * For a token whose key is not in the set: asks the issuer, but not again within a minute, and joins a question that
   * is under way. Resolves when there may be news, at once where there cannot be; never rejects.
   */
  async renew(id: IssuerId): Promise<void> {
    const followed = this.#followed.get(id)
    if (followed?.issuer.keys.kind !== 'url') return
    if (followed.asking === undefined) {
      const now = this.#options.clock.now()
      const elapsed = now - (followed.unknownAskedAt ?? -Infinity)
      // Less than nothing has elapsed when the clock was set back.
      if (elapsed >= 0 && elapsed < UNKNOWN_KEY_EVERY) return
      followed.unknownAskedAt = now
      this.#ask(followed)
    }
    if (followed.waiting >= MOST_WAITING) return
    followed.waiting++
    await followed.asking
    followed.waiting--
  }

  /** Asks those whose time has come; called by itself every few seconds. Resolves when they have answered. */
  async refreshDue(): Promise<void> {
    const now = this.#options.clock.now()
    for (const followed of this.#followed.values()) {
      const due = now >= followed.dueAt || followed.dueAt - now > EVERY
      if (followed.issuer.keys.kind === 'url' && due && followed.asking === undefined) this.#ask(followed)
    }
    await Promise.all(this.#running)
  }

  #take(issuer: TrustedIssuer, said: string, old: Followed | undefined): Followed {
    const sameUrl = old !== undefined && urlOf(old.issuer) === urlOf(issuer)
    const stored = this.#stored.get(issuer.id)
    const known = sameUrl ? old.keys : stored?.url === urlOf(issuer) ? stored.keys : undefined
    const keys = issuer.keys.kind === 'inline' ? issuer.keys.keys : known
    return {
      ...{ issuer, said, keys, asking: undefined, waiting: 0 },
      trust: this.#trust(issuer, keys ?? []),
      dueAt: sameUrl ? old.dueAt : this.#options.clock.now(),
      unknownAskedAt: sameUrl ? old.unknownAskedAt : undefined,
    }
  }

  #trust(issuer: TrustedIssuer, keys: readonly PublicJwk[]): IssuerTrust {
    const trust = trustIssuer(issuer, keys)
    const { unusable } = trust
    if (unusable > 0)
      this.#options.log.warn({ issuer: issuer.id, unusable }, 'keys of an issuer open nothing')
    return trust
  }

  #ask(followed: Followed): void {
    if (this.#ending.signal.aborted) return
    const asking = this.#fetch(followed).finally(() => {
      followed.asking = undefined
      this.#running.delete(asking)
    })
    followed.asking = asking
    this.#running.add(asking)
  }

  async #fetch(followed: Followed): Promise<void> {
    const { guard, clock, log } = this.#options
    const { issuer } = followed
    try {
      const keys = await fetchKeySet(urlOf(issuer), guard, this.#ending.signal)
      followed.dueAt = after(clock.now(), EVERY)
      if (JSON.stringify(keys) === JSON.stringify(followed.keys)) return void this.refreshes.unchanged++
      this.refreshes.changed++
      followed.keys = keys
      // Another value even where the keys are few of many: what was remembered under the old one ends here.
      followed.trust = this.#trust(issuer, keys)
      log.info({ issuer: issuer.id, keys: keys.length }, 'issuer keys changed')
      this.#save()
      this.#options.changed?.()
    } catch (error) {
      if (this.#ending.signal.aborted) return
      this.refreshes.failed++
      followed.dueAt = after(clock.now(), AGAIN)
      const kept = followed.keys?.length ?? 0
      const fields = {
        issuer: issuer.id,
        name: issuer.name,
        code: codeOf(error),
        error: messageOf(error),
        kept,
      }
      log.warn(fields, 'issuer keys cannot be fetched')
    }
  }

  #save(): void {
    const { stateDir, log } = this.#options
    const sets = [...this.#followed.values()].flatMap(({ issuer, keys }) =>
      issuer.keys.kind === 'url' && keys
        ? [{ issuer: issuer.id, url: issuer.keys.url, keys: [...keys] }]
        : [],
    )
    this.#saving = this.#saving
      .then(() => saveKeySets(stateDir, sets))
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'issuer keys cannot be stored'))
  }
}

function urlOf({ keys }: TrustedIssuer): string {
  return keys.kind === 'url' ? keys.url : ''
}

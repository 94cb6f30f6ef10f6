import { randomBytes } from 'node:crypto'
import { LivePlaylists, ObjectCache, type CacheTier } from '../cache/index.ts'
import {
  enclosingPaths,
  Lru,
  MiB,
  type Bytes,
  type Clock,
  type DistributionId,
  type Milliseconds,
  type RequestId,
} from '../core/index.ts'
import {
  compileInvalidations,
  compileMatcher,
  type Behaviour,
  type Distribution,
  type FieldEncryption,
  type Invalidations,
  type KeyGroup,
  type Matcher,
  type Materials,
  type Snapshot,
} from '../distribution/index.ts'
import type { FieldEncryptor } from '../fields/index.ts'
import type { CacheKey } from '../http/index.ts'
import type { IssuerKeys } from '../outbound/index.ts'
import type { Scheme } from '../routing/index.ts'
import { trustedKeys, type IssuerTrust, type TrustedKeys } from '../signing/index.ts'
import type { AccessLog, Logger } from '../telemetry/index.ts'
import { CarriedPlaylists } from './gate/carry.ts'
import type { Changed } from './peers/changed.ts'
import { render } from './answer/rendered.ts'
import { CodedTexts } from './answer/coded-texts.ts'
import { CodingStreams } from './answer/coding-streams.ts'
import { SteeredPlaylists, steeringUris, type SteeringUris } from './answer/steer.ts'
import { SlowReaders } from './answer/slow-readers.ts'
import type { SpelledToken } from './exchange.ts'
import { usesOf, type NodeFunctions, type Uses } from './functions/node-functions.ts'
import { GrantMemo } from './gate/grant-memo.ts'
import type { Siblings } from './peers/siblings.ts'
import { OriginHealth } from './upstream/origin-health.ts'
import type { Regionals } from './tiers/regionals.ts'
import { sourcesOf, type Source } from './upstream/source.ts'
import { UpgradedConnections } from './relay/upgrade.ts'
import type { Upstream } from './upstream/upstream.ts'
import type { Usage } from './usage.ts'
import { ViewerCount } from './viewers/viewer-count.ts'
import type { TrustedProxies } from './viewer.ts'

/** What a snapshot means to a node, compiled once when it is applied and swapped as a whole. */
interface Applied {
  snapshot: Snapshot
  matcher: Matcher
  invalidations: Invalidations
  /** Paths. */
  channels: ReadonlySet<string>
  /** Where players learn of other edges, of the distributions that want that. */
  steering: ReadonlyMap<DistributionId, SteeringUris>
}

/** What a behaviour means to a node. */
interface Meaning {
  source: Source | undefined
  trusted: TrustedKeys | undefined
  uses: Uses | undefined
  encryption: FieldEncryption | undefined
}

/** In which country an address is (ISO 3166-1 alpha-2, capitals); undefined where nobody knows. */
export interface Countries {
  /** Whether there is anything by which to tell. */
  readonly isThere: boolean
  of(address: string): string | undefined
}

export interface CacheNodeOptions {
  pop: string
  clock: Clock
  memoryCacheBytes: Bytes
  /** Behind the memory; owned by whoever made it. */
  disk?: CacheTier
  upstream: Upstream
  /** Owned by whoever made it. */
  issuers: Pick<IssuerKeys, 'follow' | 'of' | 'renew'>
  usage: Usage
  accessLog: AccessLog
  log: Logger
  trustedProxies: TrustedProxies
  /** Of an edge: in which country an address is. Owned by whoever made it. */
  countries?: Countries
  /** Of an edge: encrypts fields of forms. Owned by whoever made it. */
  encryptor?: FieldEncryptor
  /** The other processes of this node, where there are any. */
  siblings?: Siblings
  /** Of an edge: the tier between it and the origins. Owned by whoever made it. */
  regionals?: Regionals
  /** Where it runs functions of behaviours. Owned by whoever made it. */
  functions?: NodeFunctions
  /** A viewer who takes longer for one write, at most 256 KiB, is cut off; changed by tests only. */
  takenWithin?: Milliseconds
  /** The same. */
  upgraded?: UpgradedConnections
}

/** The part of the memory that holds copies of what siblings own: what is asked for often is asked for everywhere. */
const COPIES = 1 / 8
const TAKEN_WITHIN: Milliseconds = 75_000
/** As much of the memory again for bodies that are stored no more, or not yet, and still read. */
const HELD = 1 / 2
const LEAST_HELD: Bytes = 32 * MiB
/** Two versions of some 4 KB for each playlist: thousands of them. */
const LIVE_PLAYLIST_BYTES: Bytes = 32 * MiB

const LAST_OF_ROW = 36 ** 2 - 1
const LAST_DIGITS = Array.from({ length: 36 ** 2 }, (_, at) => at.toString(36).padStart(2, '0'))

/** One cache node: its cache, what it was told, and whom it asks. Every step works on it. */
export class CacheNode {
  readonly clock: Clock
  readonly cache: ObjectCache
  readonly playlists: LivePlaylists
  readonly siblings: Siblings | undefined
  readonly regionals: Regionals | undefined
  readonly functions: NodeFunctions | undefined
  /** Of what siblings own; they do not grow larger than `largestCopy`. */
  readonly copies: ObjectCache | undefined
  readonly largestCopy: Bytes
  readonly #newCopies: () => ObjectCache
  readonly #disk: CacheTier | undefined
  readonly viewers: ViewerCount
  readonly upstream: Upstream
  readonly issuers: CacheNodeOptions['issuers']
  readonly usage: Usage
  readonly accessLog: AccessLog
  readonly log: Logger
  readonly trustedProxies: TrustedProxies
  readonly countries: Countries | undefined
  readonly encryptor: FieldEncryptor | undefined
  readonly takenWithin: Milliseconds
  /** By first segment; nothing of them is believed. A flood of others only costs that they are read again. */
  readonly pathTokens = new Lru<string, SpelledToken>({
    maxSize: 4 * MiB,
    sizeCalculation: (_token, segment) => 4 * segment.length + 500,
  })
  readonly grants = new GrantMemo()
  readonly health = new OriginHealth()
  readonly upgraded: UpgradedConnections
  readonly carried = new CarriedPlaylists()
  readonly steered = new SteeredPlaylists()
  /** Where this is, as it says of itself. */
  readonly pop: string
  readonly codedTexts = new CodedTexts()
  readonly codingStreams = new CodingStreams()
  readonly slowReaders: SlowReaders
  readonly #run = randomBytes(6).toString('base64url')
  /** Ids come in rows of which all but the last two digits are the same. */
  #row = ''
  #rows = 0
  #last = LAST_OF_ROW
  #applied: Applied | undefined
  /** By a snapshot's own objects, for as long as a request goes on with one of them. */
  readonly #meanings = new WeakMap<Behaviour, Meaning>()

  constructor(options: CacheNodeOptions) {
    this.clock = options.clock
    this.upstream = options.upstream
    this.issuers = options.issuers
    this.usage = options.usage
    this.accessLog = options.accessLog
    this.log = options.log
    this.trustedProxies = options.trustedProxies
    this.countries = options.countries
    this.encryptor = options.encryptor
    this.takenWithin = options.takenWithin ?? TAKEN_WITHIN
    this.pop = options.pop
    const most = Math.max(LEAST_HELD, Math.floor(options.memoryCacheBytes * HELD))
    this.slowReaders = new SlowReaders({ most })
    this.siblings = options.siblings
    this.regionals = options.regionals
    this.functions = options.functions
    this.#disk = options.disk
    this.viewers = new ViewerCount(options.clock)
    this.upgraded = options.upgraded ?? new UpgradedConnections()
    const newest = (distribution: DistributionId, path: string): number =>
      this.#applied?.invalidations.newest(distribution, path) ?? 0
    const invalidations = { newest, applied: () => this.#applied?.snapshot.sequence ?? 0 }
    const forCopies = options.siblings ? Math.floor(options.memoryCacheBytes * COPIES) : 0
    const maxBytes = options.memoryCacheBytes - forCopies
    this.cache = new ObjectCache({
      // One object may take an eighth, so that a single large one does not empty the cache.
      ...{ maxBytes, largestObject: Math.floor(maxBytes / 8) },
      ...(options.disk && { disk: options.disk }),
      ...{ clock: options.clock, invalidations, render },
    })
    this.largestCopy = Math.floor(forCopies / 4)
    this.#newCopies = () =>
      new ObjectCache({
        ...{ maxBytes: forCopies, largestObject: this.largestCopy },
        ...{ clock: options.clock, invalidations },
      })
    this.copies = options.siblings && this.#newCopies()
    this.playlists = new LivePlaylists({
      cache: this.cache,
      clock: options.clock,
      maxBytes: LIVE_PLAYLIST_BYTES,
      invalidated: newest,
    })
  }

  /**
   * As `apply`, and a snapshot with functions takes effect when they can be run: a promise is returned that resolves then,
   * and the next may be followed after that.
   */
  follow(snapshot: Snapshot, materials: Materials): void | Promise<void> {
    const ready = this.functions?.follow(snapshot, materials)
    if (ready === undefined) this.apply(snapshot)
    else return ready.then(() => this.apply(snapshot))
  }

  /** Takes effect for the next request; requests under way go on with what they began with. Its functions are known already. */
  apply(snapshot: Snapshot): void {
    const groups = new Map(snapshot.keyGroups.map(group => [group.id, group]))
    const sources = sourcesOf(snapshot)
    const encryptions = new Map(snapshot.encryptions?.map(each => [each.id, each]))
    for (const { behaviours } of snapshot.distributions) {
      for (const behaviour of behaviours) {
        const named = behaviour.gate?.keyGroups.flatMap(id => groups.get(id) ?? [])
        const trusted = named && this.#readKeys(named)
        const uses = usesOf(behaviour, snapshot)
        const encryption = behaviour.encryption && encryptions.get(behaviour.encryption)
        this.#meanings.set(behaviour, { source: sources.get(behaviour), trusted, uses, encryption })
      }
    }
    this.issuers.follow(snapshot.issuers)
    this.#applied = {
      snapshot,
      matcher: compileMatcher(snapshot),
      invalidations: compileInvalidations(snapshot.invalidations),
      channels: new Set(snapshot.channels.map(({ path }) => path)),
      steering: steeringUris(snapshot),
    }
    this.upstream.keep(
      snapshot.distributions.flatMap(({ origins }) => origins),
      snapshot,
    )
    this.regionals?.keep(snapshot.nodes)
    this.health.keep(
      snapshot.distributions.flatMap(({ id, originGroups = [] }) =>
        originGroups.flatMap(({ members }) => members.map(origin => ({ distribution: id, origin }))),
      ),
    )
  }

  #readKeys(groups: KeyGroup[]): TrustedKeys {
    const keys = trustedKeys(groups)
    if (keys.unusable.length > 0)
      this.log.error({ keys: keys.unusable }, 'keys that cannot be read open nothing')
    return keys
  }

  /** Undefined until a first snapshot came from disk or from control. */
  get matcher(): Matcher | undefined {
    return this.#applied?.matcher
  }

  get snapshot(): Snapshot | undefined {
    return this.#applied?.snapshot
  }

  /**
   * For fetches in place of a sibling that cannot be asked: one for all who ask for the same here. To be let go when the
   * sibling is back; until then it holds as much as the copies at most.
   */
  newOrphanage(): ObjectCache {
    return this.#newCopies()
  }

  /** Whether these very bytes are stored in memory here. */
  holds(key: CacheKey, body: Uint8Array): boolean {
    return this.cache.holds(key, body) || this.copies?.holds(key, body) === true
  }

  /** Everything stored under a path is used no more by this process; resolves when it is not by the next one either. */
  async forget(changed: Changed): Promise<void> {
    void this.copies?.forget(changed)
    await this.cache.forget(changed)
  }

  /** Where what is kept under a key lies on disk, if it does. */
  fileOf(key: CacheKey): string | undefined {
    return this.#disk?.heldFileOf?.(key)
  }

  /** The keys that may open a gated behaviour. */
  trustedBy(behaviour: Behaviour): TrustedKeys | undefined {
    return this.#meanings.get(behaviour)?.trusted
  }

  /** By what a behaviour's forms are encrypted; undefined also where it names what this node was not told. */
  encryptionOf(behaviour: Behaviour): FieldEncryption | undefined {
    return this.#meanings.get(behaviour)?.encryption
  }

  /** Where players of a distribution are steered; undefined where no router is there. */
  steeringOf({ id }: Pick<Distribution, 'id'>, scheme: Scheme): string | undefined {
    return this.#applied?.steering.get(id)?.[scheme]
  }

  /** Whom a behaviour's objects are asked of; undefined when it names an origin that is not there. */
  sourceOf(behaviour: Behaviour): Source | undefined {
    return this.#meanings.get(behaviour)?.source
  }

  /** The functions that a behaviour runs; undefined for most. */
  usesOf(behaviour: Behaviour): Uses | undefined {
    return behaviour.functions === undefined ? undefined : this.#meanings.get(behaviour)?.uses
  }

  /** The issuers whose tokens may open a gated behaviour, with their keys as they are known now. */
  issuersOf({ gate }: Behaviour): IssuerTrust[] {
    return gate?.issuers.flatMap(id => this.issuers.of(id) ?? []) ?? []
  }

  /** The path of the channel that a path lies in. */
  channelOf(path: string): string | undefined {
    const channels = this.#applied?.channels
    if (channels === undefined || channels.size === 0) return undefined
    return enclosingPaths(path).find(each => channels.has(each))
  }

  nextRequestId(): RequestId {
    // To write so many digits anew each time would take longer than to find an object.
    if (this.#last === LAST_OF_ROW) this.#row = this.#run + (this.#rows++).toString(36).padStart(4, '0')
    this.#last = this.#last === LAST_OF_ROW ? 0 : this.#last + 1
    return `${this.#row}${LAST_DIGITS[this.#last]}` as RequestId // the one maker of request ids
  }

  /** Fields that every answer carries. */
  signature(id: RequestId): string[] {
    return ['Via', '1.1 sluice', 'X-Sluice-Id', id, 'X-Sluice-Pop', this.pop]
  }
}

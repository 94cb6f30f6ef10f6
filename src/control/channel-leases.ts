import { after, messageOf, type Clock, type Instant, type Milliseconds, type NodeId } from '../core/index.ts'
import type { LeasesAnswer, LeasesRequest } from '../client/index.ts'
import { ownersAmong } from '../distribution/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { handings, type Handing, type OriginView } from './channel-owners.ts'
import {
  channelOwners,
  forgetOrigin,
  giveChannels,
  heardOrigin,
  listNodes,
  originAges,
  type Database,
} from './database/index.ts'
import type { ControlLimits } from './options.ts'
import type { PublishedSnapshot, Snapshots } from './snapshots.ts'

interface Heard {
  at: Instant
  /** Since when it has been heard without a break. */
  since: Instant
  /** The channels that it has a broadcast of. */
  has: ReadonlySet<string>
}

export interface ChannelLeasesOptions {
  database: Database
  snapshots: Snapshots
  limits: Pick<ControlLimits, 'channelLease' | 'leaseGrace' | 'sweep' | 'clock'>
  log: Logger
}

/** Channels go home to an origin that has been there for so long. */
const STEADY: Milliseconds = 30_000
/** So long without a look, this process stood still, and cannot know who was silent meanwhile. */
const STILL: Milliseconds = 2_000
/** Several controls tell each other through the database who was heard; once a second for each origin. */
const WRITE_EVERY: Milliseconds = 900

/**
 * Who has which channel (SEAMS 28). The owner and its number stand in the database and the snapshot; who lives is known
 * from heartbeats, in memory, and beside it in the database where several controls share that. With one origin nothing
 * of it takes place.
 */
export class ChannelLeases {
  readonly #options: ChannelLeasesOptions
  readonly #clock: Clock
  readonly #heard = new Map<NodeId, Heard>()
  readonly #written = new Map<NodeId, Instant>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #lookedAt: Instant | undefined
  /** Until then everybody counts as live: after a start, and whenever nobody could have been heard. */
  #graceUntil: Instant
  #state: 'open' | 'closed' = 'open'

  constructor(options: ChannelLeasesOptions) {
    this.#options = options
    this.#clock = options.limits.clock
    this.#graceUntil = after(this.#clock.now(), options.limits.leaseGrace)
  }

  start(): void {
    let busy = false
    this.#timer = setInterval(() => {
      if (busy) return
      busy = true
      this.#looking = this.look().finally(() => (busy = false))
    }, this.#options.limits.sweep).unref()
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    clearInterval(this.#timer)
    await this.#looking
  }

  /** An origin is there; it hears what it has lost. */
  async heartbeat(id: NodeId, { channels, leaving }: LeasesRequest): Promise<LeasesAnswer> {
    const { database, snapshots, limits } = this.#options
    const now = this.#clock.now()
    const known = this.#heard.get(id)
    if (leaving === true) {
      // Long ago: a grace is not for who says good-bye.
      this.#heard.set(id, { at: 0 as Instant, since: now, has: new Set() }) // before all others
      if (database.others) await database.transaction(tx => forgetOrigin(tx, id))
      await this.look()
      return { lost: [] }
    }
    const goesOn = known !== undefined && now - known.at < limits.channelLease
    const has = new Set(channels.map(({ path }) => path))
    this.#heard.set(id, { at: now, since: goesOn ? known.since : now, has })
    if (database.others && now - (this.#written.get(id) ?? 0) >= WRITE_EVERY) {
      this.#written.set(id, now)
      await database.transaction(tx => heardOrigin(tx, id))
    }
    return { lost: lostOf(id, channels, await snapshots.current()) }
  }

  /** Gives away what lapsed. Never rejects. */
  async look(): Promise<void> {
    const { database, snapshots, limits, log } = this.#options
    const now = this.#clock.now()
    const { nodes, channels } = await snapshots.current()
    const origins = ownersAmong(nodes)
    const needed =
      origins.length > 1 ||
      channels.some(({ owner }) => owner !== undefined && !origins.some(({ id }) => id === owner))
    const last = this.#lookedAt
    this.#lookedAt = needed ? now : undefined
    if (!needed) return this.#heard.clear()
    if (last === undefined || now < last || now - last > STILL)
      this.#graceUntil = after(now, limits.leaseGrace)
    try {
      const owned = channels.map(({ path, owner = null }) => ({ path, owner }))
      const ages = database.others ? await database.read(originAges) : undefined
      if (handings(owned, nodes, this.#view(ages)).length === 0) return
      await this.#give()
    } catch (error) {
      // While the database is away nobody could be written down either.
      this.#graceUntil = after(now, limits.leaseGrace)
      log.warn({ error: messageOf(error) }, 'leases of channels could not be looked at')
    }
  }

  async #give(): Promise<void> {
    const { database, log } = this.#options
    if (this.#state === 'closed') return
    const given = await database.transaction(async tx => {
      const ages = database.others ? await originAges(tx) : undefined
      const all = handings(await channelOwners(tx), await listNodes(tx), this.#view(ages))
      for (const { owner, number, paths } of grouped(all)) await giveChannels(tx, paths, { owner, number })
      if (all.length > 0) await tx.bump()
      return all
    })
    for (const { owner, number, paths } of grouped(given))
      log.info({ owner, number, channels: paths.length, first: paths[0] }, 'channels given to an origin')
  }

  #view(ages: ReadonlyMap<NodeId, Milliseconds> | undefined): OriginView {
    const { channelLease } = this.#options.limits
    const now = this.#clock.now()
    const isHeard = (id: NodeId): boolean => {
      const age = ages?.get(id)
      const heard = this.#heard.get(id)
      return (
        (age !== undefined && age < channelLease) || (heard !== undefined && now - heard.at < channelLease)
      )
    }
    const isGone = (id: NodeId): boolean => this.#heard.get(id)?.at === 0
    return {
      isLive: id => isHeard(id) || (now < this.#graceUntil && !isGone(id)),
      has: (id, path) => {
        const heard = this.#heard.get(id)
        if (heard === undefined || now - heard.at >= channelLease) return 'unknown'
        return heard.has.has(path) ? 'yes' : 'no'
      },
      isSteady: id => {
        const heard = this.#heard.get(id)
        return heard !== undefined && isHeard(id) && now - heard.since >= STEADY
      },
    }
  }
}

/** What an origin has that is another's now. */
function lostOf(
  id: NodeId,
  held: LeasesRequest['channels'],
  snapshot: PublishedSnapshot,
): LeasesAnswer['lost'] {
  const byPath = new Map(snapshot.channels.map(channel => [channel.path, channel]))
  return held.flatMap(({ path, lease }) => {
    const channel = byPath.get(path)
    if (channel === undefined) return []
    const { owner } = channel
    const isAnothers = owner !== undefined && owner !== id && channel.lease >= lease
    return isAnothers || channel.lease > lease ? [{ path, lease: channel.lease, owner: owner ?? null }] : []
  })
}

function grouped(all: readonly Handing[]): { owner: NodeId; number: Handing['number']; paths: string[] }[] {
  const groups = new Map<string, { owner: NodeId; number: Handing['number']; paths: string[] }>()
  for (const { path, owner, number } of all) {
    const group = groups.get(`${owner} ${number}`) ?? { owner, number, paths: [] }
    group.paths.push(path)
    groups.set(`${owner} ${number}`, group)
  }
  return [...groups.values()]
}

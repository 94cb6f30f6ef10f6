import { randomUUID } from 'node:crypto'
import type {
  ChannelEvent,
  ChannelsRequest,
  ChannelState,
  LeasesAnswer,
  LeasesRequest,
} from '../../client/index.ts'
import type { Bytes, Clock, Milliseconds, NodeId } from '../../core/index.ts'
import type { Channel } from '../../distribution/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import { CHANNEL_MEMORY, LiveChannel, type ChannelOptions, type Muxer } from './channel.ts'
import type { Numbers } from './rendition.ts'
import { Places, WaitingRoom } from './waiting-room.ts'

export interface ChannelTableOptions {
  /** This origin. */
  self?: NodeId | undefined
  newMuxer: () => Muxer
  clock: Clock
  log: Logger
  /** Told of each part when it can be fetched; `delay` from the arrival of its last sample. */
  part: (delay: Milliseconds) => void
  /** Told after each change that control should hear of soon. */
  changed?: () => void
  /** Of one channel. */
  memory?: Bytes
  /** Requests that may wait at once, all channels together. */
  mostWaiting?: number
}

/** What control has not taken yet; past that the oldest are forgotten. */
const MOST_EVENTS = 1000
const MOST_WAITING = 10_000
/** A report takes so many. */
const MOST_REPORTED = 10_000

/** The channels of the snapshot, by path, and what happened to them. */
export class ChannelTable {
  readonly #options: ChannelTableOptions
  readonly #places: Places
  readonly #channels = new Map<string, { id: string; channel: LiveChannel }>()
  /** Above the numbers of all channels that were removed: another may be made at the same path. */
  #floor: Numbers = { sequence: 0, discontinuity: 0 }
  #events: ChannelEvent[] = []
  /** Whether the last report that control took named a channel. */
  #told = false
  #state: 'open' | 'closed' = 'open'

  constructor(options: ChannelTableOptions) {
    this.#options = options
    this.#places = new Places(options.mostWaiting ?? MOST_WAITING)
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get waiting(): number {
    return this.#places.taken
  }

  get bytes(): Bytes {
    return this.#all().reduce((sum, channel) => sum + channel.bytes, 0)
  }

  count(state: ChannelState): number {
    return this.#all().filter(channel => channel.state === state).length
  }

  /** Channels that have a broadcast which has not ended. */
  get running(): number {
    return this.#all().filter(({ state }) => state !== 'idle' && state !== 'ended').length
  }

  at(path: string): LiveChannel | undefined {
    return this.#channels.get(path)?.channel
  }

  /** Takes a snapshot's channels: new ones idle, those that are gone cut, those that were stopped ended. */
  apply(channels: Channel[]): void {
    const now = this.#options.clock.now()
    const wanted = new Map(channels.map(channel => [channel.path, channel]))
    for (const [path, { id, channel }] of this.#channels) {
      // A channel that was deleted and made again is another one.
      if (wanted.get(path)?.id === id) continue
      channel.remove(now)
      this.#raiseFloor(channel.nextNumbers)
      this.#channels.delete(path)
      this.#options.changed?.()
    }
    for (const settings of channels) {
      const known = this.#channels.get(settings.path)
      if (known) known.channel.update(settings, now)
      else
        this.#channels.set(settings.path, {
          id: settings.id,
          channel: new LiveChannel(settings, this.#channelOptions()),
        })
    }
  }

  tick(): void {
    const now = this.#options.clock.now()
    for (const { channel } of this.#channels.values()) channel.tick(now)
  }

  /** Drops every hand-over and lets everybody go who waits; playlists stay without an end. */
  close(): void {
    this.#state = 'closed'
    for (const { channel } of this.#channels.values()) channel.close()
  }

  /** What control is to be told; undefined when it knows that there is nothing. */
  read(): ChannelsRequest | undefined {
    const now = this.#options.clock.now()
    const channels = this.#all()
      .flatMap(channel => channel.report(now) ?? [])
      .slice(0, MOST_REPORTED)
    if (channels.length === 0 && this.#events.length === 0 && !this.#told) return undefined
    return { channels, events: [...this.#events] }
  }

  /** What control is told to have here. */
  held(): LeasesRequest['channels'] {
    return this.#all()
      .filter(({ current }) => current !== undefined)
      .slice(0, MOST_REPORTED)
      .map(({ path, settings }) => ({ path, lease: settings.lease }))
  }

  /** Control says that these are another's: they are dropped, before the snapshot may say so. */
  lost(lost: LeasesAnswer['lost']): void {
    const now = this.#options.clock.now()
    for (const { path, lease, owner } of lost) {
      const channel = this.at(path)
      if (channel === undefined) continue
      channel.update({ ...channel.settings, lease, ...(owner !== null && { owner }) }, now)
    }
    this.#options.changed?.()
  }

  /** Control has taken a report. */
  taken(report: ChannelsRequest): void {
    const known = new Set(report.events.map(({ id }) => id))
    this.#events = this.#events.filter(({ id }) => !known.has(id))
    this.#told = report.channels.length > 0
  }

  #all(): LiveChannel[] {
    return [...this.#channels.values()].map(({ channel }) => channel)
  }

  #raiseFloor({ sequence, discontinuity }: Numbers): void {
    this.#floor = {
      sequence: Math.max(this.#floor.sequence, sequence),
      discontinuity: Math.max(this.#floor.discontinuity, discontinuity),
    }
  }

  #channelOptions(): ChannelOptions {
    const { self, newMuxer, clock, log, part, changed, memory = CHANNEL_MEMORY } = this.#options
    return {
      self,
      waiting: new WaitingRoom(this.#places),
      newMuxer,
      memory,
      floor: this.#floor,
      part: arrivedAt => part(clock.now() - arrivedAt),
      happened: (kind, path, broadcast, detail, now) => {
        log.info({ path, broadcast, detail }, `channel ${kind}`)
        const at = new Date(now).toISOString()
        this.#events.push({ id: randomUUID(), at, kind, path, broadcast, detail })
        if (this.#events.length > MOST_EVENTS) this.#events.shift()
        changed?.()
      },
    }
  }
}

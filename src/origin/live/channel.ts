import type { FlvTag, LiveEvent, LiveFacts } from '../../cmaf/index.ts'
import type { ChannelReport, ChannelState } from '../../client/index.ts'
import {
  after,
  epochSeconds,
  MiB,
  newBroadcastId,
  type BroadcastId,
  type Bytes,
  type Instant,
  type Milliseconds,
  type NodeId,
} from '../../core/index.ts'
import type { Channel } from '../../distribution/index.ts'
import { adviceFor } from './advice.ts'
import type { Attachment, Feeder } from './attachment.ts'
import { Broadcast } from './broadcast.ts'
import { nameOf, refusal, type HandOverRefusal, type HandOverRequest } from './hand-over-request.ts'
import { ingestFacts } from './ingest-facts.ts'
import type { Numbers } from './rendition.ts'
import { afterHearing, isAnothers, refusalUnder, toldByGateway } from './standing.ts'
import type { WaitingRoom } from './waiting-room.ts'

/** Turns tags into parts: cmaf's LiveMuxer. */
export interface Muxer {
  push(tag: FlvTag, arrivedAt: Instant): LiveEvent[]
  discontinue(): LiveEvent[]
  end(): LiveEvent[]
  readonly facts: LiveFacts
}

export type ChannelEventKind = 'connected' | 'live' | 'disconnected' | 'ended'

export interface ChannelOptions {
  /** This origin; others may have been given the channel. */
  self?: NodeId | undefined
  waiting: WaitingRoom
  newMuxer: () => Muxer
  /** Of all broadcasts of the channel; the one that goes above it is ended. */
  memory: Bytes
  /** Greater than any number that was used on the path while another channel was there. */
  floor: Numbers
  happened: (
    kind: ChannelEventKind,
    path: string,
    broadcast: BroadcastId,
    detail: string,
    now: Instant,
  ) => void
  part: (arrivedAt: Instant) => void
}

const SILENCE: Milliseconds = 15_000
/** An ended playlist stays so long, for viewers who are behind. */
const ENDED_STAYS: Milliseconds = 5 * 60_000
/** An encoder that comes and goes leaves one each time. */
const MOST_PAST = 8
/** Tracks come within so long of each other; then the entry playlist names those that came. */
export const TRACKS_WAIT: Milliseconds = 3_000
export const CHANNEL_MEMORY: Bytes = 256 * MiB

interface Past {
  broadcast: Broadcast
  until: Instant
}

/** One channel: idle → connected → live → disconnected → ended → idle. What it does follows from what it is told and when. */
export class LiveChannel {
  readonly waiting: WaitingRoom
  readonly #options: ChannelOptions
  #settings: Channel
  #state: ChannelState = 'idle'
  #broadcast: Broadcast | undefined
  #muxer: Muxer | undefined
  #attached: Attachment | undefined
  /** Disconnected: when it ends. Ended: when it goes. */
  #until: Instant | undefined
  /** Ended, and replaced by newer ones before their time was over. */
  #past: Past[] = []
  #floor: Numbers
  #gainedAt: Instant | undefined

  constructor(settings: Channel, options: ChannelOptions) {
    this.#settings = settings
    this.#options = options
    this.#floor = options.floor
    this.waiting = options.waiting
  }

  get path(): string {
    return this.#settings.path
  }

  /** As the snapshot has it, or a gateway that knows a newer one. */
  get settings(): Channel {
    return this.#settings
  }

  /** Another origin was given it: nothing of it is served here. */
  get isAnothers(): boolean {
    return isAnothers(this.#settings, this.#options.self)
  }

  /** When it was given to this origin, where it was another's before. */
  get gainedAt(): Instant | undefined {
    return this.#gainedAt
  }

  get state(): ChannelState {
    return this.#state
  }

  get bytes(): Bytes {
    const past = this.#past.reduce((sum, { broadcast }) => sum + broadcast.bytes, 0)
    return past + (this.#broadcast?.bytes ?? 0)
  }

  /** Greater than any number that was used on the path. */
  get nextNumbers(): Numbers {
    const used = this.#broadcast?.nextNumbers
    return {
      sequence: Math.max(this.#floor.sequence, used?.sequence ?? 0),
      discontinuity: Math.max(this.#floor.discontinuity, used?.discontinuity ?? 0),
    }
  }

  /** The one that the entry playlist names; undefined when idle. */
  get current(): Broadcast | undefined {
    return this.#broadcast
  }

  broadcast(id: string): Broadcast | undefined {
    if (this.#broadcast?.id === id) return this.#broadcast
    return this.#past.find(({ broadcast }) => broadcast.id === id)?.broadcast
  }

  /** The multivariant playlist; undefined while there is none to tell. */
  entry(now: Instant): string | undefined {
    const early = this.#attached !== undefined && now - this.#attached.since < TRACKS_WAIT
    return this.#broadcast?.entry(early ? 'all' : 'any')
  }

  /** Why a hand-over cannot be taken; undefined when it can. */
  judge(request: HandOverRequest): HandOverRefusal | undefined {
    const refused = refusalUnder(this.#settings, request, this.#options.self)
    if (refused) return refused
    const attached = this.#attached
    // What these leave is over: it is ended or dropped when the hand-over is taken.
    if (request.stops > this.#settings.stops || request.lease > this.#settings.lease) return undefined
    if (attached && attached.request.epoch !== request.epoch)
      return refusal(409, 'busy', 'another encoder publishes to this channel')
    return undefined
  }

  /** Takes a hand-over that `judge` lets pass. The same publisher's older connection is dropped. */
  attach(request: HandOverRequest, feeder: Feeder, now: Instant): Attachment {
    const { stops, lease } = request
    if (stops > this.#settings.stops || lease > this.#settings.lease)
      this.update(toldByGateway(this.#settings, request, this.#options.self), now)
    if (this.#attached) {
      this.#drop()
      this.#take(this.#muxer?.discontinue() ?? [], now)
    }
    const broadcast = this.#continued() ?? this.#begin(request.broadcast, now)
    this.#muxer ??= this.#options.newMuxer()
    this.#state = 'connected'
    this.#until = undefined
    const under = { ...request, lease: this.#settings.lease }
    this.#attached = { request: under, broadcast: broadcast.id, feeder, since: now, lastBytes: now }
    this.#happened('connected', nameOf(request), now)
    this.waiting.look()
    return this.#attached
  }

  /** Bytes came, and with them these tags. Throws what the muxer throws; then `detach` it. */
  push(attachment: Attachment, tags: FlvTag[], now: Instant): void {
    const muxer = this.#muxer
    if (this.#attached !== attachment || !muxer) return
    attachment.lastBytes = now
    try {
      for (const tag of tags) if (this.#broadcast?.excess === undefined) this.#take(muxer.push(tag, now), now)
    } catch (error) {
      // What it holds is half done; the next hand-over begins with a new one.
      this.#muxer = undefined
      throw error
    }
    this.waiting.look()
    const excess = this.#broadcast?.excess ?? this.#heavy()
    if (excess !== undefined) this.#tooMuch(excess, now)
  }

  /** The encoder has ended its broadcast, or was lost and may come back. */
  detach(attachment: Attachment, how: 'unpublished' | 'lost', detail: string, now: Instant): void {
    if (this.#attached !== attachment) return
    this.#attached = undefined
    if (how === 'unpublished') return this.#finish(detail, now)
    this.#take(this.#muxer?.discontinue() ?? [], now)
    this.#state = 'disconnected'
    this.#until = after(now, this.#settings.reconnect)
    this.#happened('disconnected', detail, now)
    this.waiting.look()
  }

  /** The snapshot's newest word on the channel. */
  update(settings: Channel, now: Instant): void {
    const known = this.#settings
    const { stops, lease } = (this.#settings = afterHearing(known, settings))
    if (lease > known.lease && !this.isAnothers) this.#gainedAt = now
    const lapsed = lease > known.lease && (this.#attached?.request.lease ?? -1) < lease
    if (lapsed || (this.isAnothers && this.#broadcast !== undefined)) this.#forget()
    if (stops > known.stops && (this.#attached?.request.stops ?? -1) < stops) this.#stop(now)
  }

  /** The channel is no more. */
  remove(now: Instant): void {
    this.#cut('no-channel', 'the channel was deleted')
    if (this.#state !== 'ended') this.#happened('ended', 'the channel was deleted', now)
    this.#forget()
  }

  /** The origin ends: the playlist stays open, since the gateway hands the encoder over again to what comes after. */
  close(): void {
    this.waiting.close()
    this.#drop()
  }

  tick(now: Instant): void {
    const attached = this.#attached
    if (attached && now - attached.lastBytes >= SILENCE) {
      attached.feeder.drop()
      this.detach(attached, 'lost', `nothing came from the gateway for ${SILENCE / 1000} s`, now)
    }
    if (this.#until !== undefined && now >= this.#until) {
      if (this.#state === 'disconnected') this.#finish('the encoder did not come back', now)
      else this.#retire()
    }
    this.#past = this.#past.filter(({ until }) => now < until)
    for (const { broadcast } of this.#past) broadcast.sweep(now)
    this.#broadcast?.sweep(now)
    this.waiting.tick(now)
  }

  /** Undefined when idle. */
  report(now: Instant): ChannelReport | undefined {
    const broadcast = this.#broadcast
    if (!broadcast) return undefined
    const attached = this.#attached
    const facts = this.#muxer?.facts
    return {
      path: this.path,
      state: this.#state,
      broadcast: { id: broadcast.id, startedAt: new Date(broadcast.startedAt).toISOString() },
      ingest: attached && facts ? ingestFacts(facts, attached.request) : null,
      advice: attached && facts ? adviceFor(facts, (now - attached.since) / 1000) : [],
    }
  }

  #take(events: LiveEvent[], now: Instant): void {
    if (events.length === 0) return
    this.#broadcast?.take(events, now, this.#options.part)
    if (this.#state !== 'connected' || !events.some(({ kind }) => kind === 'part')) return
    this.#state = 'live'
    this.#happened('live', '', now)
  }

  /** What a new hand-over goes on with. */
  #continued(): Broadcast | undefined {
    return this.#state === 'ended' ? undefined : this.#broadcast
  }

  /** The id that a gateway was told by an origin before this one is taken up, so that viewers' URLs hold. */
  #begin(told: BroadcastId | undefined, now: Instant): Broadcast {
    const adopted = told !== undefined && !this.#broadcast && !this.broadcast(told) ? told : undefined
    if (this.#broadcast && this.#until !== undefined)
      this.#past.push({ broadcast: this.#broadcast, until: this.#until })
    this.#retire()
    while (this.bytes > this.#options.memory / 2 || this.#past.length > MOST_PAST) this.#past.shift()
    const seconds = epochSeconds(now)
    const { sequence, discontinuity } = this.#floor
    const first = {
      sequence: Math.max(seconds, sequence),
      discontinuity: Math.max(seconds, discontinuity),
    }
    this.#broadcast = new Broadcast(adopted ?? newBroadcastId(), first, now)
    return this.#broadcast
  }

  #finish(detail: string, now: Instant): void {
    this.#take(this.#muxer?.end() ?? [], now)
    this.#broadcast?.end(now)
    this.#happened('ended', detail, now)
    this.#muxer = undefined
    if (this.#broadcast?.listsSomething) {
      this.#state = 'ended'
      this.#until = after(now, ENDED_STAYS)
    } else this.#retire()
    this.waiting.look()
  }

  #stop(now: Instant): void {
    this.#cut('stopped', 'the channel was stopped')
    if (this.#broadcast && this.#state !== 'ended') this.#finish('stopped', now)
  }

  #heavy(): string | undefined {
    const limit = this.#options.memory
    if (this.bytes <= limit) return undefined
    return `the stream needs more than ${Math.round(limit / MiB)} MiB of memory: lower the bitrate, and set Keyframe Interval to 2 s`
  }

  #tooMuch(detail: string, now: Instant): void {
    this.#cut('too-much', detail)
    this.#finish(detail, now)
  }

  /** The current broadcast goes; its numbers are not used again. */
  #retire(): void {
    this.#floor = this.nextNumbers
    this.#broadcast = undefined
    this.#muxer = undefined
    this.#until = undefined
    this.#state = 'idle'
    this.waiting.look()
  }

  /** Everything goes at once: the channel is another origin's now, or nobody's (SEAMS 28). */
  #forget(): void {
    this.#drop()
    this.#past = []
    this.#retire()
  }

  /** It is no longer attached before its connection can say that it has ended. */
  #drop(): void {
    const attached = this.#attached
    this.#attached = undefined
    attached?.feeder.drop()
  }

  #cut(reason: string, detail: string): void {
    const attached = this.#attached
    this.#attached = undefined
    attached?.feeder.cut(reason, detail)
  }

  #happened(kind: ChannelEventKind, detail: string, now: Instant): void {
    if (this.#broadcast) this.#options.happened(kind, this.path, this.#broadcast.id, detail, now)
  }
}

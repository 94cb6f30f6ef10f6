import {
  newPublisherId,
  type Clock,
  type Instant,
  type Milliseconds,
  type PublisherId,
  type Reason,
} from '../core/index.ts'
import type { FlvTag } from '../cmaf/index.ts'
import { noChannel, type Channel } from '../distribution/index.ts'
import type { PublishRequest, PublishSink } from '../ingest/index.ts'
import { HAND_OVER } from '../membership/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Counters } from './counters.ts'
import { HandOver, type OriginReached } from './hand-over.ts'
import type { GatewayLimits } from './options.ts'
import { TagQueue } from './queue.ts'

export type Opened = { kind: 'accepted' } | { kind: 'refused'; reason: Reason; detail: string }

export interface PublisherOptions {
  request: Pick<PublishRequest, 'address' | 'encoder' | 'signal' | 'publisher'>
  /** As it was when the grant was judged. */
  channel: Channel
  /** The channel as the newest snapshot has it. */
  current: () => Channel | undefined
  /** Where its stream goes now; `tries` came to nothing before. */
  origin: (tries: number) => OriginReached | undefined
  token: () => Promise<string>
  limits: GatewayLimits
  clock: Clock
  counters: Counters
  log: Logger
}

/** Bytes that are put together for one write. */
const WRITE: number = 256 * 1024
/** Connections in a row that an origin may accept and break without having taken a tag. */
const MOST_IN_VAIN = 10

/**
 * One encoder, from its grant to its end: hands its stream to the origin, over as many connections as it takes, and
 * lets it go when the origin does not follow, says so, or the channel is stopped or gone.
 */
export class Publisher implements PublishSink {
  readonly id: PublisherId = newPublisherId()
  readonly channel: Channel
  /** Settles when nothing of it is left. Never rejects. */
  readonly over: Promise<void>
  readonly #options: PublisherOptions
  readonly #queue: TagQueue
  readonly #watch: NodeJS.Timeout
  #phase: 'opening' | 'running' | 'ending' | 'over' = 'opening'
  #handOver: HandOver | undefined
  #broadcast: string | undefined
  /** Since when there is no connection that the origin has accepted. */
  #awaySince: Instant | undefined
  #endingSince: Instant | undefined
  #inVain = 0
  /** Tries in a row that no origin has accepted. */
  #tries = 0
  /** The lease under which its stream is handed over. */
  #lease: number
  #begun: 'no' | 'yes' = 'no'
  #socket: 'reading' | 'paused' = 'reading'
  #flush: 'due' | 'none' = 'none'
  #retry: NodeJS.Timeout | undefined
  #settleOpen: (opened: Opened) => void = () => {}
  #settleOver: () => void = () => {}

  constructor(options: PublisherOptions) {
    const { limits } = options
    this.#options = options
    this.channel = options.channel
    this.#lease = options.channel.lease
    this.#queue = new TagQueue({ bytes: limits.queueBytes, span: limits.queueSpan })
    this.over = new Promise(resolve => (this.#settleOver = resolve))
    this.#watch = setInterval(() => this.#lookAtTheClock(), Math.min(250, limits.letGoAfter / 8))
  }

  /** Once. Resolves when the origin has accepted or refused, or could not be reached. */
  open(): Promise<Opened> {
    const opened = new Promise<Opened>(resolve => (this.#settleOpen = resolve))
    this.#awaySince = this.#now()
    this.#options.request.signal.addEventListener('abort', () => this.#left(), { once: true })
    if (this.#options.request.signal.aborted) this.#left()
    else this.#connect()
    return opened
  }

  write(tag: FlvTag): 'more' | 'full' {
    if (this.#phase !== 'running') return 'more'
    const now = this.#now()
    this.#options.counters.bytes(tag.data.length)
    this.#queue.push(tag, now)
    this.#flushSoon()
    if (!this.#queue.isFull(now)) return 'more'
    this.#socket = 'paused'
    return 'full'
  }

  /** An encoder that has unpublished is handed over to its last tag; one that was lost is lost to the origin too. */
  end(how: 'unpublished' | 'lost'): void {
    if (this.#phase !== 'running') return
    if (how === 'lost') return this.#finish()
    this.#phase = 'ending'
    this.#endingSince = this.#now()
    this.#flushSoon()
  }

  /** Holds it against a newer snapshot. */
  look(): void {
    const channel = this.#options.current()
    if (channel?.id !== this.channel.id) this.cut('no-channel', noChannel(this.channel.path))
    else if (channel.stops > this.channel.stops) this.cut('stopped', 'the channel was stopped')
    else if (channel.lease > this.#lease) this.#move(channel)
  }

  /** The channel was given to an origin under a higher number: the stream goes there now. */
  #move({ lease, owner }: Channel): void {
    if (this.#phase !== 'opening' && this.#phase !== 'running') return
    this.#options.log.info({ lease, owner }, 'the channel has another origin')
    this.#tries = 0
    this.#lease = lease
    this.#handOver?.abort()
    clearTimeout(this.#retry)
    this.#awaySince ??= this.#now()
    this.#connect()
  }

  /** The encoder is told why and let go. */
  cut(reason: Reason, detail: string): void {
    if (this.#phase === 'over') return
    const phase = this.#phase
    this.#finish(ENDS_THE_BROADCAST.has(reason) ? 'ended' : 'broken')
    if (phase === 'opening') return this.#settleOpen({ kind: 'refused', reason, detail })
    this.#options.counters.cut(reason)
    if (reason === 'origin-away') this.#options.log.warn({ error: detail }, 'encoder let go')
    if (phase === 'running') this.#options.request.publisher.cut(reason, detail)
  }

  /** The gateway ends. Only an encoder that has unpublished is still handed over to its last tag. */
  close(): void {
    if (this.#phase === 'opening') this.cut('origin-away', 'the gateway is ending')
    else if (this.#phase === 'running') this.#finish()
  }

  /** At once, and without a word. */
  abandon(): void {
    this.#finish()
  }

  #connect(): void {
    const { token, limits } = this.#options
    const tries = this.#tries
    const origin = (): OriginReached | undefined => this.#options.origin(tries)
    const now = this.#now()
    const begin = this.#queue.begin(this.#begun === 'yes' ? 'at-a-keyframe' : 'anywhere', now)
    this.#handOver = new HandOver({
      ...{ origin, token, begin },
      fields: this.#fields(),
      answerWithin: limits.letGoAfter / 2,
      on: {
        accepted: broadcast => this.#accepted(broadcast),
        refused: reason => this.cut(reason, REFUSED[reason] ?? 'the origin refused'),
        taken: bytes => this.#taken(bytes),
        cut: (reason, detail) => this.cut(reasonOf(reason), detail),
        drained: () => this.#hand(),
        ended: () => this.#finish(),
        broken: why => this.#broken(why),
      },
    })
  }

  #fields(): Record<string, string> {
    const { request, current } = this.#options
    const { path } = this.channel
    const { lease, owner, ...newest } = current() ?? this.channel
    // After a restore there may be fewer than when it was accepted; more have cut it.
    const stops = Math.min(newest.stops, this.channel.stops)
    this.#lease = lease
    return {
      [HAND_OVER.channel]: path,
      [HAND_OVER.lease]: String(lease),
      ...(owner !== undefined && { [HAND_OVER.owner]: owner }),
      [HAND_OVER.epoch]: this.id,
      [HAND_OVER.stops]: String(stops),
      [HAND_OVER.address]: request.address,
      [HAND_OVER.encoder]: request.encoder,
      ...(this.#broadcast === undefined ? {} : { [HAND_OVER.broadcast]: this.#broadcast }),
    }
  }

  #accepted(broadcast: string | undefined): void {
    this.#awaySince = undefined
    this.#tries = 0
    this.#broadcast = broadcast ?? this.#broadcast
    if (this.#phase === 'opening') {
      this.#phase = 'running'
      this.#options.log.info({ broadcast, publisher: this.id }, 'hand-over begun')
      return this.#settleOpen({ kind: 'accepted' })
    }
    this.#options.log.info({ broadcast }, 'hand-over goes on')
    this.#hand()
  }

  #taken(bytes: number): void {
    if (this.#queue.taken(bytes, this.#now()) === 'still') return
    this.#inVain = 0
    this.#relieve()
  }

  #broken(why: string): void {
    const { limits, log, counters } = this.#options
    if (this.#awaySince === undefined) {
      log.warn({ error: why }, 'hand-over broken, trying again')
      this.#awaySince = this.#now()
      this.#inVain += 1
    }
    this.#handOver = undefined
    this.#tries += 1
    if (this.#inVain > MOST_IN_VAIN) return this.cut('origin-away', 'the origin breaks every connection')
    this.#retry = setTimeout(() => {
      counters.retried()
      this.#connect()
    }, limits.retryEvery)
  }

  /** What was read in this tick goes out in one write at its end. */
  #flushSoon(): void {
    if (this.#flush === 'due') return
    this.#flush = 'due'
    process.nextTick(() => {
      this.#flush = 'none'
      this.#hand()
    })
  }

  #hand(): void {
    const handOver = this.#handOver
    if (!handOver?.isOpen) return
    while (!handOver.isCrowded) {
      const pieces = this.#queue.give(WRITE)
      if (pieces.length === 0) break
      this.#begun = 'yes'
      handOver.write(pieces)
    }
    if (this.#phase === 'ending' && this.#queue.isGiven) handOver.end()
    this.#relieve()
  }

  #relieve(): void {
    if (this.#socket !== 'paused' || this.#phase !== 'running' || !this.#queue.hasRoom(this.#now())) return
    this.#socket = 'reading'
    this.#options.request.publisher.resume()
  }

  #lookAtTheClock(): void {
    const { letGoAfter } = this.#options.limits
    const late = (since: Instant | undefined): boolean =>
      since !== undefined && this.#now() - since >= letGoAfter
    const limit: Milliseconds = letGoAfter / 1000
    if (late(this.#awaySince)) this.cut('origin-away', `the origin could not be reached for ${limit} s`)
    else if (late(this.#queue.stillSince)) this.cut('origin-away', `the origin took nothing for ${limit} s`)
    else if (late(this.#endingSince)) this.cut('origin-away', `the origin did not take the end in ${limit} s`)
  }

  /** Its connection is gone, perhaps in the moment in which it was accepted. */
  #left(): void {
    if (this.#phase === 'opening') this.cut('origin-away', 'the encoder left')
    else setImmediate(() => this.end('lost'))
  }

  #finish(stream: 'ended' | 'broken' = 'broken'): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    clearInterval(this.#watch)
    clearTimeout(this.#retry)
    if (stream === 'ended') this.#handOver?.endAndForget()
    else this.#handOver?.abort()
    this.#settleOver()
  }

  #now(): Instant {
    return this.#options.clock.now()
  }
}

/** What an operator asked for: nobody is to wait for the encoder to come back. */
const ENDS_THE_BROADCAST: ReadonlySet<Reason> = new Set(['stopped', 'no-channel'])

const REFUSED: Partial<Record<Reason, string>> = {
  'no-channel': 'the origin knows no such channel',
  busy: 'another encoder publishes to this channel',
  stopped: 'the channel was stopped',
}

const CUTS: readonly Reason[] = ['no-channel', 'busy', 'stopped', 'origin-away', 'bad-media', 'too-much']

/** A word that is not known here, from a newer origin, is told as the origin's wish to take no more. */
function reasonOf(text: string): Reason {
  return CUTS.find(reason => reason === text) ?? 'origin-away'
}

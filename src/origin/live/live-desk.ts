import { createHash } from 'node:crypto'
import type { Clock, Instant, Milliseconds } from '../../core/index.ts'
import { parseDirectives, renderDirectives, type Directives } from '../../hls/index.ts'
import {
  answer,
  elsewhere,
  notFound,
  refused,
  type Answer,
  type Asked,
  type Representation,
} from '../answer.ts'
import { TRACKS_WAIT, type LiveChannel } from './channel.ts'
import type { ChannelTable } from './channel-table.ts'
import type { LiveCounters } from './live-counters.ts'
import type { LiveResource } from './live-resource.ts'
import type { Rendered, Rendition } from './rendition.ts'
import { bytesOf } from './shelf.ts'
import type { Question, Waited } from './waiting-room.ts'

const PLAYLIST = 'application/vnd.apple.mpegurl'
/** Of every playlist towards viewers; nodes go by `Sluice-Cache-Control` (SEAMS 18). */
const NO_CACHE = 'no-cache'
const ENTRY_LIFE: Milliseconds = 1_000
const ENDED_LIFE: Milliseconds = 60_000
/** Segments that a playlist lists. */
const LISTED = 8
/** After a start, or when the channel was another's before, gateways come with their encoders within this: a broadcast that is not known may be theirs. */
const RETURN: Milliseconds = 10_000

export interface LiveDeskOptions {
  table: ChannelTable
  counters: LiveCounters
  clock: Clock
}

/** A request for something under a channel. */
export interface LiveAsked extends Asked {
  /** As sent, without its question mark. */
  query: string
  /** Aborts when whoever asked has left. */
  signal: AbortSignal
}

type Wait = (question: Question) => Promise<Waited>
type Media = Exclude<LiveResource, { kind: 'multivariant' | 'playlist' }>
type OfPlaylist = Extract<LiveResource, { kind: 'playlist' }>

/** Answers requests for what lies under channels; those for what will come soon are held until it is there. */
export class LiveDesk {
  readonly #options: LiveDeskOptions
  readonly #openedAt: Instant

  constructor(options: LiveDeskOptions) {
    this.#options = options
    this.#openedAt = options.clock.now()
  }

  /** Undefined when no channel has this path: it may be an asset's. */
  find(resource: LiveResource): LiveChannel | undefined {
    return this.#options.table.at(resource.channel)
  }

  async answer(channel: LiveChannel, resource: LiveResource, asked: LiveAsked): Promise<Answer> {
    const since = this.#options.clock.now()
    const wait: Wait = async question => {
      const waited = await channel.waiting.wait(question, since, asked.signal)
      this.#options.counters.held(waited === 'settled' ? 'answered' : waited)
      return waited
    }
    switch (resource.kind) {
      case 'multivariant':
        return this.#entry(channel, asked, wait)
      case 'playlist':
        return this.#playlist(channel, resource, asked, wait)
      case 'init':
      case 'segment':
      case 'part':
        return this.#media(channel, resource, asked, wait)
    }
  }

  async #entry(channel: LiveChannel, asked: LiveAsked, wait: Wait): Promise<Answer> {
    const find = (): string | undefined => channel.entry(this.#options.clock.now())
    if (find() === undefined && channel.current !== undefined) {
      const waited = await wait({
        key: 'entry',
        settled: () => find() !== undefined || channel.current === undefined,
        limit: () => TRACKS_WAIT,
      })
      if (waited === 'full' || waited === 'closing') return unavailable(waited)
    }
    const text = find()
    const { current } = channel
    if (text === undefined || !current) return nothing(channel)
    const body = Buffer.from(text)
    const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`
    const made = await this.#whole(
      { type: PLAYLIST, etag, modified: current.startedAt, cacheControl: NO_CACHE, body },
      asked,
    )
    return withFields(made, { ...lifetime(ENTRY_LIFE), 'Sluice-Age-Ms': '0' })
  }

  async #playlist(channel: LiveChannel, resource: OfPlaylist, asked: LiveAsked, wait: Wait): Promise<Answer> {
    const parsed = parseDirectives(asked.query)
    if (parsed.kind === 'bad') return refused(400, parsed.why)
    const { directives } = parsed
    const find = (): Rendition | undefined => channel.broadcast(resource.broadcast)?.rendition(resource.track)
    let rendition = find() ?? (await this.#awaited(channel, find, resource, wait))
    if (typeof rendition === 'string') return unavailable(rendition)
    const until = directives.until
    if (rendition?.judge(until) === 'too-far')
      return refused(400, 'so much has not been announced: ask for the next segment or part')
    if (rendition?.judge(until) === 'wait') {
      const waited = await wait(questionOf(channel, resource, rendition, until))
      if (waited === 'full' || waited === 'closing') return unavailable(waited)
      if (waited === 'late' && rendition.listsSomething)
        return this.#late(channel, resource, asked, directives)
      rendition = find()
    }
    const rendered = rendition?.playlist(directives.skip, reportsOf(channel, resource))
    return rendered ? this.#rendered(rendered, asked, lifetimeOf(rendered, until)) : nothing(channel)
  }

  /**
   * What a blocking request hears whose part does not come. While parts flow that is 503 after three target
   * durations, as rfc8216bis 6.2.5.2 says. While the encoder, or this track of it, is lost it is the newest playlist, unchanged, after half
   * of that: hls.js counts it as a missed update and asks again, while the third 503 in a row ends its playback, and
   * an encoder may stay away for the reconnect window. Nodes must not keep that answer.
   */
  async #late(
    channel: LiveChannel,
    resource: OfPlaylist,
    asked: LiveAsked,
    { skip }: Directives,
  ): Promise<Answer> {
    const rendition = channel.broadcast(resource.broadcast)?.rendition(resource.track)
    const rendered = rendition?.playlist(skip, reportsOf(channel, resource))
    if (!rendition || !rendered) return nothing(channel)
    if (isFlowing(channel, rendition)) return unavailable('late')
    return this.#rendered(rendered, asked, 'no-store')
  }

  /**
   * A broadcast that has no media yet, or one that a gateway may bring in a moment, after this origin has been started
   * anew or was given the channel.
   */
  async #awaited(
    channel: LiveChannel,
    find: () => Rendition | undefined,
    { broadcast, track }: OfPlaylist,
    wait: Wait,
  ): Promise<Rendition | undefined | 'full' | 'closing'> {
    if (channel.isAnothers) return undefined
    const since = Math.max(this.#openedAt, channel.gainedAt ?? 0)
    const early = this.#options.clock.now() - since < RETURN
    const { current } = channel
    const comes = current ? current.id === broadcast && !current.listsSomething : early
    if (!comes) return undefined
    const waited = await wait({
      key: `${broadcast}/${track}`,
      settled: () => find() !== undefined,
      limit: () => TRACKS_WAIT,
    })
    return waited === 'full' || waited === 'closing' ? waited : find()
  }

  async #media(channel: LiveChannel, resource: Media, asked: LiveAsked, wait: Wait): Promise<Answer> {
    const { kind, track, file } = resource
    const broadcast = channel.broadcast(resource.broadcast)
    const rendition = broadcast?.rendition(track)
    if (!broadcast || !rendition) return nothing(channel)
    if (!broadcast.object(track, file) && rendition.isHinted(file)) {
      // Held until it is there, or until the hint has changed and it will never be (rfc8216bis 6.2.5.2).
      const waited = await wait({
        key: `${resource.broadcast}/${track}/${file}`,
        settled: () => broadcast.object(track, file) !== undefined || !rendition.isHinted(file),
        limit: () => patience(channel, rendition),
      })
      if (waited === 'full' || waited === 'closing') return unavailable(waited)
      if (waited === 'late' && isFlowing(channel, rendition)) return unavailable(waited)
    }
    const object = broadcast.object(track, file)
    if (!object) return nothing(channel)
    const seconds = kind === 'part' ? 6 * rendition.targetDuration : LISTED * rendition.targetDuration + 60
    return answer(
      {
        type: `${track}/mp4`,
        // Names are never used again, for other bytes or for another broadcast.
        etag: `"${file}"`,
        modified: object.at,
        cacheControl: `public, max-age=${seconds}`,
        size: object.size,
        bytes: () => bytesOf(object),
      },
      asked,
      this.#options.clock.now(),
    )
  }

  async #rendered(rendered: Rendered, asked: LiveAsked, life: Milliseconds | 'no-store'): Promise<Answer> {
    const { etag, madeAt, body, mark } = rendered
    const made = await this.#whole(
      { type: PLAYLIST, etag, modified: madeAt, cacheControl: NO_CACHE, body },
      asked,
    )
    return withFields(made, {
      ...(life === 'no-store' ? { 'Sluice-Cache-Control': 'no-store' } : lifetime(life)),
      'Sluice-Age-Ms': String(Math.max(0, this.#options.clock.now() - madeAt)),
      'Sluice-Live': mark,
    })
  }

  #whole(
    { body, ...rest }: Omit<Representation, 'size' | 'bytes'> & { body: Uint8Array },
    asked: LiveAsked,
  ): Promise<Answer> {
    return answer({ ...rest, size: body.length, bytes: () => body }, asked, this.#options.clock.now())
  }
}

function questionOf(
  channel: LiveChannel,
  { broadcast, track }: OfPlaylist,
  rendition: Rendition,
  until: Directives['until'],
): Question {
  return {
    key: `${broadcast}/${track}?${renderDirectives({ until, skip: 'none' })}`,
    settled: () =>
      channel.broadcast(broadcast)?.rendition(track) !== rendition || rendition.judge(until) !== 'wait',
    limit: () => (rendition.listsSomething ? patience(channel, rendition) : TRACKS_WAIT),
  }
}

/** How long a request for what comes next is held (`#late`). */
function patience(channel: LiveChannel, rendition: Rendition): Milliseconds {
  return (isFlowing(channel, rendition) ? 3 : 1.5) * rendition.targetDuration * 1000
}

function isFlowing({ state }: LiveChannel, { isPaused }: Rendition): boolean {
  return state === 'live' && !isPaused
}

function reportsOf(channel: LiveChannel, { broadcast, track }: OfPlaylist) {
  return () =>
    channel
      .broadcast(broadcast)
      ?.rendition(track === 'video' ? 'audio' : 'video')
      ?.report() ?? []
}

/** An answer to directives never changes: who asks for more asks in other words. */
function lifetimeOf(rendered: Rendered, until: Directives['until']): Milliseconds {
  if (rendered.state === 'ended') return ENDED_LIFE
  if (until !== undefined) return 6 * rendered.targetDuration * 1000
  return Math.round(rendered.partTarget * 1000)
}

function lifetime(life: Milliseconds): Record<string, string> {
  return { 'Sluice-Cache-Control': `max-age-ms=${life}` }
}

function withFields(made: Answer, fields: Record<string, string>): Answer {
  return { ...made, headers: { ...made.headers, ...fields } }
}

/** Of a channel that has gone to another origin, that one has to say it. */
function nothing({ isAnothers }: LiveChannel): Answer {
  return isAnothers ? elsewhere() : notFound()
}

function unavailable(why: 'full' | 'closing' | 'late'): Answer {
  const words = {
    full: 'too many requests wait already',
    closing: 'the origin is closing',
    late: 'nothing new came in time',
  }
  return refused(503, `${words[why]}, try again`)
}

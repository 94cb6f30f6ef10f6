import type { Question, UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, SluiceError, type Clock, type Milliseconds } from '../../core/index.ts'
import { fieldValue, withoutFields, type FlatHeaders } from '../../http/index.ts'
import { tlsTo, type Membership, type NodePlace } from '../../membership/index.ts'
import { interimTo } from '../answer/interim.ts'
import { known, type Exchange } from '../exchange.ts'
import { secretsOfAll } from '../upstream/forwarding.ts'
import { MOST_WAITING, openConnections, type Connections } from '../upstream/origin-connections.ts'
import { LARGEST_HEAD, MOST_FIELDS } from '../upstream/origin-limits.ts'
import { Liveness } from './liveness.ts'
import { nodeFields } from './node-question.ts'

/** What a regional cache answered. */
export type Answered =
  | { kind: 'answer'; answer: UpstreamAnswer; run: string }
  /** It knows less than we do: what it has may have been undone. */
  | { kind: 'behind' }
  /** It cannot be asked, or does not know us. */
  | { kind: 'away' }
  /** It could get no answer; `asked` is false where no connection to an origin has come about. */
  | { kind: 'failed'; error: SluiceError; asked: boolean }

export interface RegionalCacheOptions {
  place: NodePlace
  /** Of a node that is known on other machines; asked for each time that a connection is made. */
  membership: () => Membership | undefined
  /** A fresh node token for each question. */
  token: () => Promise<string>
  clock: Clock
}

/** As a question goes out. */
export interface Asked extends Question {
  query: string
  /** The viewer's fields that are not keyed. */
  selected: FlatHeaders
}

const MOST_CONNECTIONS = { prompt: 512, held: MOST_WAITING }
/** It answers when its origin has, or has had its time: three attempts to connect, and the longest response. */
const LONGEST_WAIT: Milliseconds = 240_000
const CONNECT: Milliseconds = 1_000

/** A regional cache as an edge knows it. */
export class RegionalCache {
  readonly place: NodePlace
  readonly #options: RegionalCacheOptions
  readonly #connections: Connections
  readonly #liveness: Liveness
  /** What was logged last of how it refuses us. */
  #told: string | undefined

  constructor(options: RegionalCacheOptions) {
    const { place, membership, clock } = options
    this.#options = options
    this.place = place
    const to = {
      ...{ url: place.url, clock },
      ...(place.id !== undefined && { node: () => tlsTo(place, membership()) }),
    }
    this.#connections = openConnections({
      ...{ ...to, most: MOST_CONNECTIONS },
      wire: { connect: CONNECT, response: LONGEST_WAIT, keepAlive: 60_000 },
      // An origin's head, and what is said beside it.
      head: { bytes: 2 * LARGEST_HEAD, fields: MOST_FIELDS + 32 },
    })
    this.#liveness = new Liveness(to)
  }

  get isWell(): boolean {
    return this.#liveness.state === 'well'
  }

  async ask(x: Exchange, asked: Asked): Promise<Answered> {
    const answer = await this.#send(x, asked)
    if (answer === undefined) return { kind: 'away' }
    const { headers } = answer
    const failed = fieldValue(headers, 'sluice-failed')
    const refused = fieldValue(headers, 'sluice-refused')
    const sequence = fieldValue(headers, 'sluice-seq') ?? ''
    const run = fieldValue(headers, 'sluice-run')
    if (failed === undefined && refused === undefined && run !== undefined && /^\d{1,15}$/.test(sequence)) {
      const kept = { ...answer, headers: withoutFields(headers, OF_THIS_HOP), sequence: Number(sequence) }
      this.#told = undefined
      return { kind: 'answer', answer: kept, run }
    }
    answer.destroy()
    if (failed !== undefined) {
      const { code = failed, fate } = FAILED.exec(failed)?.groups ?? {}
      return { kind: 'failed', error: failure(code), asked: fate === undefined }
    }
    if (refused === 'behind') return { kind: 'behind' }
    this.#tell(x, answer.status, refused)
    return { kind: 'away' }
  }

  /** Whether the process that gave an answer is gone, or cannot be reached any more. */
  async isGone(run: string): Promise<boolean> {
    return (await this.#liveness.look()) !== run
  }

  /** Waits for what is under way; until that has ended it is still known when it goes away. */
  async close(): Promise<void> {
    await this.#connections.close()
    await this.#liveness.close()
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#liveness.close(), this.#connections.destroy()])
  }

  /** One line when it begins, not one for each question. */
  #tell({ id, node }: Exchange, status: number, refused = 'unreadable'): void {
    if (this.#told === refused) return
    this.#told = refused
    node.log.warn({ id, regional: this.place.id, status, refused }, 'a regional cache refuses us')
  }

  async #send(x: Exchange, asked: Asked): Promise<UpstreamAnswer | undefined> {
    const lane = x.channel === undefined && x.directives === '' ? 'prompt' : 'held'
    const leave = this.#connections.take(lane, x.channel)
    // The next one, or the origin, may have room.
    if (leave === undefined) return undefined
    const { path } = known(x.target, 'the target')
    const target = asked.query === '' ? path : `${path}?${asked.query}`
    try {
      const headers = ['Sluice-Node', await this.#options.token(), ...nodeFields(x, asked, asked.selected)]
      const interim = interimTo(x, secretsOfAll(x))
      const { signal } = this.#liveness
      return await this.#connections.send({ lane, method: 'GET', target, headers, interim, signal })
    } catch (error) {
      x.node.log.debug({ id: x.id, regional: this.place.id, code: codeOf(error) }, 'a regional cache is away')
      void this.#liveness.look()
      return undefined
    } finally {
      leave()
    }
  }
}

/** Nobody behind us is told. */
const OF_THIS_HOP: ReadonlySet<string> = new Set(['sluice-run'])

const FAILED = /^(?<code>\S+)(?: (?<fate>unconnected))?$/

function failure(code: string): SluiceError {
  return new SluiceError(code, `${code}, says the regional cache`, { side: 'upstream', kind: 'unavailable' })
}

import type { UpstreamAnswer } from '../../cache/index.ts'
import { SluiceError, type Clock, type Milliseconds } from '../../core/index.ts'
import { fieldValue } from '../../http/index.ts'
import { tlsTo, type Membership, type NodePlace } from '../../membership/index.ts'
import { Liveness } from '../tiers/liveness.ts'
import {
  MOST_WAITING,
  openConnections,
  type Connections,
  type ConnectionsOptions,
} from './origin-connections.ts'
import type { Counts } from '../counts.ts'
import type { Asks, UpstreamQuestion } from './upstream.ts'
import { askPatiently, overloaded, type Worth } from './patience.ts'
import type { OriginPlaces } from './origin-places.ts'
import { conditionsOf } from './origin-request.ts'
import { resumed } from './resumed-body.ts'

/**
 * A role that its supervisor starts again is back within about a second (SEAMS 34), so a refused connection is worth
 * waiting for: these pauses sum to 4 s.
 */
const PAUSES: readonly Milliseconds[] = [50, 100, 200, 400, 750, 1000, 1500]

export interface BuiltInOptions {
  /** Where it may be asked; each of them has all that there is, or hands on what another has. */
  places: Pick<OriginPlaces, 'all' | 'for'>
  membership: Membership | undefined
  /** A fresh node token for each question. */
  token: () => Promise<string>
  clock: Clock
  counts: Counts
}

/** The origin role of this installation, which knows us by our node token. */
export class BuiltInOrigin implements Asks {
  readonly #options: BuiltInOptions
  readonly #connections = new Map<string, Connections>()
  /** Of several origins; where there is one, nobody else could be asked. */
  readonly #liveness = new Map<string, Liveness>()
  /** Questions about channels that have no answer yet, and whom they were put to. */
  readonly #asked = new Set<Asked>()

  constructor(options: BuiltInOptions) {
    this.#options = options
  }

  async ask(question: UpstreamQuestion): Promise<UpstreamAnswer> {
    const [first, ...others] = this.#placesFor(question)
    if (first === undefined) throw noOrigin()
    // Who waits between two tries has his place too.
    const leave = this.#connectionsTo(first).take(question.lane, question.channel)
    if (leave === undefined) throw overloaded()
    try {
      const pauses = question.patience === 'full' ? PAUSES : []
      let [turn, best] = [0, first.id]
      // Each try is at the next of them, as they are by then.
      const ask = (): Promise<UpstreamAnswer> => {
        const places = this.#placesFor(question)
        if (places[0]?.id !== best) [turn, best] = [0, places[0]?.id]
        return this.#once(question, places[turn++ % places.length] ?? first)
      }
      return await askPatiently({ ask, pauses, worth, apart: others.length })
    } finally {
      leave()
    }
  }

  async #once(question: UpstreamQuestion, place: NodePlace): Promise<UpstreamAnswer> {
    const headers = [
      'Sluice-Node',
      await this.#options.token(),
      'Sluice-Distribution',
      question.distributionId,
    ]
    headers.push('Sluice-Version', String(question.snapshotVersion), 'Sluice-Seq', String(question.sequence))
    const target = question.query === '' ? question.path : `${question.path}?${question.query}`
    const connections = this.#connectionsTo(place)
    const sent = {
      lane: question.lane,
      method: 'GET',
      target,
      headers: [...headers, ...(question.trace ?? []), ...conditionsOf(question)],
      count: this.#options.counts.ofOrigin(question.distributionId),
    }
    const answer =
      question.channel === undefined
        ? await this.#ofAnyOrigin(question, place, signal =>
            connections.send({ ...sent, ...(signal && { signal }) }),
          )
        : await this.#watched({ question, place, moved: new AbortController() }, signal =>
            connections.send({ ...sent, signal }),
          )
    const sequence = fieldValue(answer.headers, 'sluice-seq')
    return sequence !== undefined && /^\d{1,15}$/.test(sequence)
      ? { ...answer, sequence: Number(sequence) }
      : answer
  }

  /** Of a film: those that are away last, for a machine that is cut off says nothing, and would be waited for. */
  #placesFor(question: UpstreamQuestion): readonly NodePlace[] {
    const places = this.#options.places.for(question)
    if (question.channel !== undefined || places.length < 2) return places
    const isAway = (place: NodePlace): boolean => this.#liveness.get(nameOf(place))?.state === 'away'
    return [...places.filter(place => !isAway(place)), ...places.filter(isAway)]
  }

  /** What one origin has begun to answer when it dies, another one goes on with. */
  async #ofAnyOrigin(
    question: UpstreamQuestion,
    place: NodePlace,
    ask: (signal: AbortSignal | undefined) => Promise<UpstreamAnswer>,
  ): Promise<UpstreamAnswer> {
    const liveness = this.#liveness.get(nameOf(place))
    if (liveness === undefined || liveness.state === 'away') return ask(undefined)
    const answer = await ask(liveness.signal)
    const died = async (): Promise<boolean> => {
      if (liveness.state !== 'away') await liveness.look()
      return liveness.state === 'away'
    }
    return { ...answer, body: resumed(answer, { died, again: () => this.ask(question) }) }
  }

  /** A question to an origin that has lost the channel meanwhile would wait for what does not come any more. */
  async #watched(
    asked: Asked,
    ask: (signal: AbortSignal) => Promise<UpstreamAnswer>,
  ): Promise<UpstreamAnswer> {
    this.#asked.add(asked)
    const away = this.#liveness.get(nameOf(asked.place))?.signal
    const ending = new AbortController()
    try {
      const answer = await ask(AbortSignal.any([asked.moved.signal, ending.signal]))
      return away === undefined ? answer : { ...answer, body: endingWith(answer.body, away, ending) }
    } finally {
      this.#asked.delete(asked)
    }
  }

  #connectionsTo(place: NodePlace): Connections {
    const name = nameOf(place)
    const present = this.#connections.get(name)
    if (present !== undefined) return present
    const connections = openConnections({ ...this.#to(place), most: { prompt: 64, held: MOST_WAITING } })
    this.#connections.set(name, connections)
    return connections
  }

  #to(place: NodePlace): Pick<ConnectionsOptions, 'url' | 'clock' | 'node'> {
    const { clock, membership } = this.#options
    return {
      ...{ url: place.url, clock },
      ...(place.id !== undefined && { node: () => tlsTo(place, membership) }),
    }
  }

  /**
   * The places are others now: lets go of the connections to all that is no place any more, once what is under way on
   * them has ended, and asks the new origin of a channel what the old one has not answered.
   */
  keep(): void {
    for (const { question, place, moved } of this.#asked) {
      const [first] = this.#options.places.for(question)
      if (first !== undefined && first.id !== place.id) moved.abort(new Moved())
    }
    const places = this.#options.places.all
    const names = new Set(places.map(nameOf))
    for (const [name, liveness] of this.#liveness) {
      if (names.has(name) && places.length > 1) continue
      this.#liveness.delete(name)
      void liveness.close().catch(() => {})
    }
    for (const place of places.length > 1 ? places : [])
      if (!this.#liveness.has(nameOf(place))) this.#liveness.set(nameOf(place), new Liveness(this.#to(place)))
    for (const [name, connections] of this.#connections) {
      if (names.has(name)) continue
      this.#connections.delete(name)
      void connections.close().catch(() => {})
    }
  }

  async close(): Promise<void> {
    await Promise.all([
      ...[...this.#liveness.values()].map(liveness => liveness.close()),
      ...[...this.#connections.values()].map(connections => connections.destroy()),
    ])
  }
}

/** What a machine that is cut off has not sent of a part would hold up all who ask for it. */
async function* endingWith(
  body: AsyncIterable<Uint8Array>,
  away: AbortSignal,
  ending: AbortController,
): AsyncGenerator<Uint8Array, void, undefined> {
  const end = (): void => ending.abort(away.reason)
  if (away.aborted) end()
  away.addEventListener('abort', end)
  try {
    yield* body
  } finally {
    away.removeEventListener('abort', end)
  }
}

function nameOf({ id, url }: NodePlace): string {
  return `${id ?? ''} ${url}`
}

interface Asked {
  question: UpstreamQuestion
  place: NodePlace
  moved: AbortController
}

/** Counts as a connection that was lost: nothing was answered, so the question is put again. */
class Moved extends Error {
  readonly code = 'ECONNRESET'

  constructor() {
    super('the channel has another origin now')
  }
}

function noOrigin(): SluiceError {
  return new SluiceError('upstream-unreachable', 'no origin has joined yet, or none is to be asked', {
    side: 'upstream',
    kind: 'unavailable',
  })
}

/**
 * The next tier does not know this node yet, or no longer, or the origin of a channel is another by now; that is never the
 * viewer's fault.
 */
function worth(answer: UpstreamAnswer): Worth {
  if (answer.status !== 403 && answer.status !== 503) return { kind: 'good' }
  const reason = fieldValue(answer.headers, 'x-sluice-reason')
  if (answer.status === 403 && reason === 'not-a-node') return { kind: 'again', otherwise: refusedNode() }
  if (answer.status === 503 && reason === 'origin-away') return { kind: 'again', otherwise: away() }
  return { kind: 'good' }
}

function away(): SluiceError {
  return new SluiceError('upstream-unreachable', 'the origin of this channel is away', {
    side: 'upstream',
    kind: 'unavailable',
  })
}

function refusedNode(): SluiceError {
  return new SluiceError('upstream-refused', 'the next tier does not know this node', {
    side: 'upstream',
    kind: 'unavailable',
  })
}

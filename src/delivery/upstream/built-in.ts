import type { UpstreamAnswer } from '../../cache/index.ts'
import { SluiceError, type Clock, type Milliseconds } from '../../core/index.ts'
import { fieldValue } from '../../http/index.ts'
import { tlsTo, type Membership, type NodePlace } from '../../membership/index.ts'
import { MOST_WAITING, openConnections, type Connections } from './origin-connections.ts'
import type { Asks, UpstreamQuestion } from './upstream.ts'
import { askPatiently, overloaded, type Worth } from './patience.ts'
import { conditionsOf } from './origin-request.ts'

/**
 * A role that its supervisor starts again is back within about a second (SEAMS 34), so a refused connection is worth
 * waiting for: these pauses sum to 4 s.
 */
const PAUSES: readonly Milliseconds[] = [50, 100, 200, 400, 750, 1000, 1500]

export interface BuiltInOptions {
  /** Where it may be asked, the best first; each of them has all that there is. */
  places: () => readonly NodePlace[]
  membership: Membership | undefined
  /** A fresh node token for each question. */
  token: () => Promise<string>
  clock: Clock
}

/** The origin role of this installation, which knows us by our node token. */
export class BuiltInOrigin implements Asks {
  readonly #options: BuiltInOptions
  readonly #connections = new Map<string, Connections>()

  constructor(options: BuiltInOptions) {
    this.#options = options
  }

  async ask(question: UpstreamQuestion): Promise<UpstreamAnswer> {
    const places = this.#options.places()
    const [first] = places
    if (first === undefined) throw noOrigin()
    // Who waits between two tries has his place too.
    const leave = this.#connectionsTo(first).take(question.lane, question.channel)
    if (leave === undefined) throw overloaded()
    try {
      const pauses = question.patience === 'full' ? PAUSES : []
      let turn = 0
      // Each try is at the next of them.
      const ask = (): Promise<UpstreamAnswer> => this.#once(question, places[turn++ % places.length] ?? first)
      return await askPatiently({ ask, pauses, worth, apart: places.length - 1 })
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
    const answer = await connections.get(question.lane, target, [...headers, ...conditionsOf(question)])
    const sequence = fieldValue(answer.headers, 'sluice-seq')
    return sequence !== undefined && /^\d{1,15}$/.test(sequence)
      ? { ...answer, sequence: Number(sequence) }
      : answer
  }

  #connectionsTo(place: NodePlace): Connections {
    const { clock, membership } = this.#options
    const name = `${place.id ?? ''} ${place.url}`
    const present = this.#connections.get(name)
    if (present !== undefined) return present
    const connections = openConnections({
      ...{ url: place.url, clock, most: { prompt: 64, held: MOST_WAITING } },
      ...(place.id !== undefined && { node: () => tlsTo(place, membership) }),
    })
    this.#connections.set(name, connections)
    return connections
  }

  /** Lets go of the connections to all that is no place any more, once what is under way on them has ended. */
  keep(): void {
    const names = new Set(this.#options.places().map(({ id, url }) => `${id ?? ''} ${url}`))
    for (const [name, connections] of this.#connections) {
      if (names.has(name)) continue
      this.#connections.delete(name)
      void connections.close().catch(() => {})
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.values()].map(connections => connections.destroy()))
  }
}

function noOrigin(): SluiceError {
  return new SluiceError('upstream-unreachable', 'no origin has joined yet, or none is to be asked', {
    side: 'upstream',
    kind: 'unavailable',
  })
}

/** The next tier does not know this node yet, or no longer; that is never the viewer's fault. */
function worth(answer: UpstreamAnswer): Worth {
  return answer.status === 403 && fieldValue(answer.headers, 'x-sluice-reason') === 'not-a-node'
    ? { kind: 'again', otherwise: refusedNode() }
    : { kind: 'good' }
}

function refusedNode(): SluiceError {
  return new SluiceError('upstream-refused', 'the next tier does not know this node', {
    side: 'upstream',
    kind: 'unavailable',
  })
}

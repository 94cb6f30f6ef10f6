import type { UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, SluiceError, type Bytes, type Clock, type Milliseconds } from '../../core/index.ts'
import { fieldValue, type FlatHeaders, type Validators } from '../../http/index.ts'
import { interimTo } from '../answer/interim.ts'
import { known, type Exchange } from '../exchange.ts'
import { secretsOf } from '../upstream/forwarding.ts'
import { openConnections, type Connections } from '../upstream/origin-connections.ts'
import { peerFields, peerTarget, type PeerRead } from '../peers/peer-question.ts'
import { overloaded } from '../upstream/patience.ts'

/** What an owner answered. */
export type Owned =
  | {
      kind: 'answer'
      answer: UpstreamAnswer
      /** Names the process that answers; its successor has another. */
      run: string
    }
  /** It is dead, or behind, or did not understand: whoever asks is on his own. */
  | { kind: 'away' }
  | { kind: 'bad-directives'; problem: 'unreadable' | 'too-far' }

/** Sockets of this machine are cheap, and a viewer who is slow keeps his. */
const MOST_CONNECTIONS = 4_096

/** Three attempts to connect, and the longest that an origin may take to answer (`HttpOrigin`). */
const LONGEST_WAIT: Milliseconds = 240_000

/** Another process of this node, at its socket. */
export class Neighbour {
  readonly #connections: Connections

  constructor(socketPath: string, clock: Clock) {
    this.#connections = openConnections({
      ...{ url: 'http://neighbour', socketPath, clock },
      most: { prompt: MOST_CONNECTIONS, held: MOST_CONNECTIONS },
      // The owner answers when its origin has, or has had its time.
      wire: { connect: 5_000, response: LONGEST_WAIT, keepAlive: 60_000 },
    })
  }

  /** Rejects with what failed at the owner, a SluiceError of side `upstream`. */
  async ask(x: Exchange, asked: { validators?: Validators | undefined; largest: Bytes }): Promise<Owned> {
    const answer = await this.#get(x, peerFields(x, asked))
    if (answer === undefined) return { kind: 'away' }
    const { headers } = answer
    const run = fieldValue(headers, 'sluice-run')
    if (run !== undefined && fieldValue(headers, 'sluice-found') !== undefined)
      return { kind: 'answer', answer: withSequence(answer), run }
    answer.destroy()
    const failed = fieldValue(headers, 'sluice-failed')
    if (failed !== undefined) throw new SluiceError(failed, `${failed}, says the owner of the key`, UPSTREAM)
    const problem = fieldValue(headers, 'sluice-bad-directives')
    if (problem === 'unreadable' || problem === 'too-far') return { kind: 'bad-directives', problem }
    return { kind: 'away' }
  }

  /** Some bytes of a version of a large object; undefined when the owner is away, or has another version. */
  async read(x: Exchange, read: PeerRead): Promise<UpstreamAnswer | undefined> {
    const answer = await this.#get(x, peerFields(x, { read, largest: 0 }))
    if (answer?.status === 200 && fieldValue(answer.headers, 'sluice-run') !== undefined) return answer
    answer?.destroy()
    return undefined
  }

  /** Whether the process that answered has ended since. */
  async hasEnded(run: string): Promise<boolean> {
    try {
      const answer = await this.#connections.get('prompt', '/', [])
      answer.destroy()
      return fieldValue(answer.headers, 'sluice-run') !== run
    } catch {
      return true
    }
  }

  async close(): Promise<void> {
    await this.#connections.destroy()
  }

  async #get(x: Exchange, headers: FlatHeaders): Promise<UpstreamAnswer | undefined> {
    const lane = x.channel === undefined && x.directives === '' ? 'prompt' : 'held'
    const leave = this.#connections.take(lane, x.channel)
    if (leave === undefined) throw overloaded()
    try {
      const interim = interimTo(x, secretsOf(known(x.source, 'the source').origin))
      return await this.#connections.send({ lane, method: 'GET', target: peerTarget(x), headers, interim })
    } catch (error) {
      x.node.log.debug({ id: x.id, code: codeOf(error) }, 'a worker cannot be asked')
      return undefined
    } finally {
      leave()
    }
  }
}

const UPSTREAM = { side: 'upstream', kind: 'unavailable' } as const

function withSequence(answer: UpstreamAnswer): UpstreamAnswer {
  const sequence = fieldValue(answer.headers, 'sluice-seq') ?? ''
  return /^\d{1,15}$/.test(sequence) ? { ...answer, sequence: Number(sequence) } : answer
}

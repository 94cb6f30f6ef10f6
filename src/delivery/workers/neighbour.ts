import type { UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, KiB, SluiceError, type Clock, type Milliseconds } from '../../core/index.ts'
import { fieldValue, withoutFields, type FlatHeaders } from '../../http/index.ts'
import { interimTo } from '../answer/interim.ts'
import type { Exchange } from '../exchange.ts'
import { secretsOfAll } from '../upstream/forwarding.ts'
import { openConnections, type Connections } from '../upstream/origin-connections.ts'
import { LARGEST_HEAD, MOST_FIELDS, type HeadLimits } from '../upstream/origin-limits.ts'
import { readFileField } from '../peers/body-file.ts'
import { peerFields, peerTarget, type PeerAsked, type PeerRead } from '../peers/peer-question.ts'
import { overloaded } from '../upstream/patience.ts'
import type { BorrowedFiles } from './borrowed-files.ts'

/** What an owner answered. */
export type Owned =
  | {
      kind: 'answer'
      answer: UpstreamAnswer
      /** Names the process that answers; its successor has another. */
      run: string
    }
  /** It is dead, or behind, or what it had is gone: whoever asks is on his own. */
  | { kind: 'away' }
  /** One did not understand the other, which is a fault of this program: whoever asks is on his own too. */
  | { kind: 'unreadable' }
  | { kind: 'bad-directives'; problem: 'unreadable' | 'too-far' }

/** Sockets of this machine are cheap, and a viewer who is slow keeps his. */
const MOST_CONNECTIONS = 4_096

/** Three attempts to connect, and the longest that an origin may take to answer (`HttpOrigin`). */
const LONGEST_WAIT: Milliseconds = 240_000

/** An origin's head, and what the owner says beside it: a file's path and a key are most of that. */
const HEAD: HeadLimits = { bytes: LARGEST_HEAD + 96 * KiB, fields: MOST_FIELDS + 32 }

/** Another process of this node, at its socket. */
export class Neighbour {
  readonly #connections: Connections
  readonly #files: BorrowedFiles
  /** Bodies whose file was named: those that were read there, and those that had to be asked for after all. */
  readonly files = { read: 0, 'not-read': 0 }

  constructor(socketPath: string, clock: Clock, files: BorrowedFiles) {
    this.#files = files
    this.#connections = openConnections({
      ...{ url: 'http://neighbour', socketPath, clock },
      most: { prompt: MOST_CONNECTIONS, held: MOST_CONNECTIONS },
      // The owner answers when its origin has, or has had its time.
      wire: { connect: 5_000, response: LONGEST_WAIT, keepAlive: 60_000 },
      head: HEAD,
    })
  }

  /** Rejects with what failed at the owner, a SluiceError of side `upstream`. */
  async ask(x: Exchange, asked: Omit<PeerAsked, 'files'>): Promise<Owned> {
    const answer = await this.#get(x, asked)
    if ('kind' in answer) return answer
    const { headers } = answer
    const run = fieldValue(headers, 'sluice-run')
    if (run !== undefined && fieldValue(headers, 'sluice-found') !== undefined)
      return { kind: 'answer', answer: withSequence(answer), run }
    answer.destroy()
    const failed = fieldValue(headers, 'sluice-failed')
    if (failed !== undefined) throw new SluiceError(failed, `${failed}, says the owner of the key`, UPSTREAM)
    const problem = fieldValue(headers, 'sluice-bad-directives')
    if (problem === 'unreadable' || problem === 'too-far') return { kind: 'bad-directives', problem }
    const refused = fieldValue(headers, 'sluice-refused')
    if (refused === 'behind' || refused === 'changed') return { kind: 'away' }
    x.node.log.warn({ id: x.id, status: answer.status, refused }, 'a worker cannot read what another asks')
    return { kind: 'unreadable' }
  }

  /** Some bytes of a version of a large object; undefined when the owner is away, or has another version. */
  async read(x: Exchange, read: PeerRead): Promise<UpstreamAnswer | undefined> {
    const answer = await this.#get(x, { read, largest: 0 })
    if ('kind' in answer) return undefined
    if (answer.status === 200 && fieldValue(answer.headers, 'sluice-run') !== undefined) return answer
    answer.destroy()
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

  /** With its body, wherever that comes from. */
  async #get(x: Exchange, asked: Omit<PeerAsked, 'files'>): Promise<UpstreamAnswer | Unanswering> {
    const answer = await this.#send(x, peerFields(x, { ...asked, files: 'taken' }))
    const file = 'kind' in answer ? undefined : readFileField(answer.headers)
    if ('kind' in answer || file === undefined) return answer
    answer.destroy()
    const body = await this.#files.read(file, FILES * x.node.largestCopy)
    this.files[body === undefined ? 'not-read' : 'read']++
    if (body === undefined) return this.#send(x, peerFields(x, { ...asked, files: 'not-taken' }))
    const length = file.range.last - file.range.first + 1
    const headers = [...withoutFields(answer.headers, OF_THE_FILE), 'Content-Length', String(length)]
    return { ...answer, headers, body, destroy: () => void body.destroy() }
  }

  async #send(x: Exchange, headers: FlatHeaders): Promise<UpstreamAnswer | Unanswering> {
    const lane = x.channel === undefined && x.directives === '' ? 'prompt' : 'held'
    const leave = this.#connections.take(lane, x.channel)
    if (leave === undefined) throw overloaded()
    try {
      const interim = interimTo(x, secretsOfAll(x))
      return await this.#connections.send({ lane, method: 'GET', target: peerTarget(x), headers, interim })
    } catch (error) {
      const code = codeOf(error)
      if (UNREADABLE.has(code)) {
        x.node.log.warn({ id: x.id, code }, 'a worker cannot read what another answers')
        return { kind: 'unreadable' }
      }
      x.node.log.debug({ id: x.id, code }, 'a worker cannot be asked')
      return { kind: 'away' }
    } finally {
      leave()
    }
  }
}

/** What is being read from files takes no more memory than so many copies of the largest size. */
const FILES = 4
const OF_THE_FILE: ReadonlySet<string> = new Set(['sluice-file', 'content-length'])

type Unanswering = Owned & { kind: 'away' | 'unreadable' }

/** What may be wrong with a head that has come: it has too many fields, or too long ones (undici's word). */
const UNREADABLE: ReadonlySet<unknown> = new Set(['upstream-unreadable', 'UND_ERR_HEADERS_OVERFLOW'])

const UPSTREAM = { side: 'upstream', kind: 'unavailable' } as const

function withSequence(answer: UpstreamAnswer): UpstreamAnswer {
  const sequence = fieldValue(answer.headers, 'sluice-seq') ?? ''
  return /^\d{1,15}$/.test(sequence) ? { ...answer, sequence: Number(sequence) } : answer
}

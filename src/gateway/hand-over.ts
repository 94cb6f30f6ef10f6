import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as requestTls } from 'node:https'
import { messageOf, type Milliseconds, type Reason } from '../core/index.ts'
import {
  type NodeTls,
  HAND_OVER,
  HAND_OVER_PATH,
  HAND_OVER_TYPE,
  readHandOverLine,
  type HandOverLine,
} from '../membership/index.ts'

/** An origin: on this machine, or over TLS on another. */
export interface OriginReached {
  url: string
  tls?: NodeTls | undefined
}

export interface HandOverOptions {
  /** Where the origin is now; undefined where none is known. */
  origin: () => OriginReached | undefined
  /** The value of `Sluice-Node`. */
  token: () => Promise<string>
  /** Of `HAND_OVER`. */
  fields: Record<string, string>
  /** What the body begins with; sent at once, so that the origin sees a body. */
  begin: Uint8Array
  /** The origin must answer within this. */
  answerWithin: Milliseconds
  on: HandOverEvents
}

/** What a hand-over tells; after `refused`, `cut`, `ended` or `broken` it tells nothing more. */
export interface HandOverEvents {
  accepted(broadcast: string | undefined): void
  refused(reason: Reason): void
  taken(bytes: number): void
  /** The origin takes no more. */
  cut(reason: string, detail: string): void
  /** More may be written after it was crowded. */
  drained(): void
  /** The origin has taken everything and the end. */
  ended(): void
  broken(why: string): void
}

/** What the origin says no with for good; any other status may pass. */
const REFUSALS: Readonly<Record<number, Reason>> = { 404: 'no-channel', 409: 'busy', 410: 'stopped' }

const LONGEST_LINE = 4096
const LINGER: Milliseconds = 1_000

/** One POST of an encoder's stream to the origin of its channel, from the request to its end (membership/hand-over.ts). */
export class HandOver {
  readonly #options: HandOverOptions
  #request: ClientRequest | undefined
  #patience: NodeJS.Timeout | undefined
  #state: 'asking' | 'open' | 'ending' | 'over' = 'asking'
  #line = ''

  constructor(options: HandOverOptions) {
    this.#options = options
    this.#patience = setTimeout(() => this.#break('the origin did not answer in time'), options.answerWithin)
    void this.#ask()
  }

  /** Whether the origin has accepted and takes tags. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** More is under way to the origin than its connection holds: write again after `drained`. */
  get isCrowded(): boolean {
    return this.#request?.writableNeedDrain === true
  }

  /** Writes the pieces behind each other, as one chunk of the body. */
  write(pieces: readonly Uint8Array[]): void {
    this.#request?.write(chunkOf(pieces))
  }

  /** The body is complete; `ended` follows when the origin has seen it. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    if (!this.#request) return
    // Node writes the last chunk.
    this.#request.chunkedEncoding = true
    this.#request.end()
  }

  /** Ends the body now and tells nothing more; the origin has a moment to see it. */
  endAndForget(): void {
    if (this.#state !== 'open' || !this.#request) return this.abort()
    this.end()
    this.#state = 'over'
    const asked = this.#request
    const timer = setTimeout(() => asked.destroy(), LINGER)
    asked.once('close', () => clearTimeout(timer))
  }

  /** Breaks the connection; nothing is told any more. */
  abort(): void {
    this.#state = 'over'
    clearTimeout(this.#patience)
    this.#request?.destroy()
  }

  async #ask(): Promise<void> {
    const { origin, token, fields, begin } = this.#options
    try {
      const node = await token()
      if (this.#state === 'over') return
      const reached = origin()
      if (reached === undefined) return this.#break('no origin has joined yet')
      const ask = reached.tls === undefined ? request : requestTls
      const asked = ask(new URL(HAND_OVER_PATH, reached.url), {
        ...{ method: 'POST', ...reached.tls, rejectUnauthorized: true },
        headers: { 'sluice-node': node, 'content-type': HAND_OVER_TYPE, ...printable(fields) },
        // A connection of its own: it lives as long as the encoder's.
        agent: false,
      })
      this.#request = asked
      asked.setNoDelay(true)
      asked.on('response', response => this.#answered(response))
      asked.on('drain', () => this.#tell(on => on.drained()))
      asked.on('error', error => this.#break(messageOf(error)))
      asked.on('close', () => this.#break('the connection to the origin closed'))
      asked.write(begin)
      // Node frames a chunk with three writes and a tick of its own; `chunkOf` does it in the one buffer that is written.
      asked.chunkedEncoding = false
    } catch (error) {
      this.#break(messageOf(error))
    }
  }

  #answered(response: IncomingMessage): void {
    clearTimeout(this.#patience)
    if (this.#state === 'over') return
    response.on('error', error => this.#break(messageOf(error)))
    const status = response.statusCode ?? 0
    const reason = REFUSALS[status]
    if (reason !== undefined) return this.#finish(on => on.refused(reason))
    if (status !== 200) return this.#break(`the origin answered ${status}`)
    this.#state = 'open'
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#read(text))
    response.on('end', () => {
      if (this.#state === 'ending') this.#finish(on => on.ended())
      else this.#break('the origin ended its answer')
    })
    const broadcast = response.headers[HAND_OVER.broadcast]
    this.#tell(on => on.accepted(typeof broadcast === 'string' ? broadcast : undefined))
  }

  #read(text: string): void {
    const lines = (this.#line + text).split('\n')
    this.#line = lines.pop() ?? ''
    if (this.#line.length > LONGEST_LINE) return this.#break('the origin sent a line without end')
    for (const each of lines) {
      if (each === '') continue
      const line = parse(each)
      if (line === undefined) return this.#break('the origin sent a line that is none')
      if ('taken' in line) this.#tell(on => on.taken(line.taken))
      else return this.#finish(on => on.cut(line.cut, line.detail))
    }
  }

  #break(why: string): void {
    this.#finish(on => on.broken(why))
  }

  #finish(tell: (on: HandOverEvents) => void): void {
    if (this.#state === 'over') return
    this.abort()
    tell(this.#options.on)
  }

  #tell(tell: (on: HandOverEvents) => void): void {
    if (this.#state !== 'over') tell(this.#options.on)
  }
}

const CHUNK_END = Buffer.from('\r\n')

/** A chunk of a body (RFC 9112, 7.1). */
function chunkOf(pieces: readonly Uint8Array[]): Buffer {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return Buffer.concat([Buffer.from(`${length.toString(16)}\r\n`), ...pieces, CHUNK_END])
}

function parse(text: string): HandOverLine | undefined {
  try {
    return readHandOverLine(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** An encoder calls itself what it likes; a header takes ASCII. */
function printable(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/g, '?')]),
  )
}

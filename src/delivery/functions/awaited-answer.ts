import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Http1Answer } from '../../http1/index.ts'
import type { Http2Stream } from '../../http2/index.ts'
import type { FlatHeaders } from '../../http/index.ts'

type AnswerEvent = 'finish' | 'close' | 'drain' | 'error'

/** What goes out in place of a head and, where it has a body, of all that was to follow. */
export interface LastWord {
  status: number
  headers: readonly string[]
  body: Uint8Array | undefined
}

/** Asked for each answer's head; undefined: it goes out as it is, and at once. */
export type Ask = (status: number, headers: FlatHeaders) => Promise<LastWord> | undefined

/**
 * The answer to a request whose behaviour runs a function on its way out. To the steps it is as any other; head, bytes and
 * end are held until the function has had its say, and whoever writes is asked to wait meanwhile.
 */
export class AwaitedAnswer {
  headersSent = false
  readonly #inner: ServerResponse | Http1Answer | Http2Stream
  readonly #ask: Ask
  readonly #opened: () => void
  readonly #drained = new Set<() => void>()
  #state: 'before' | 'asking' | 'open' | 'replaced' = 'before'
  /** Written while it is asked. */
  #held: Uint8Array[] = []
  #ended = false

  /** `opened` is called when it is known what goes out, before any of that does. */
  constructor(inner: ServerResponse | Http1Answer | Http2Stream, ask: Ask, opened: () => void) {
    this.#inner = inner
    this.#ask = ask
    this.#opened = opened
    inner.on('drain', () => this.#tellDrained())
  }

  writeHead(status: number, headers: FlatHeaders): void {
    this.headersSent = true
    const asked = this.#ask(status, headers)
    if (asked === undefined) return this.#open({ status, headers, body: undefined })
    this.#state = 'asking'
    asked.then(
      word => this.#open(word),
      () => this.destroy(),
    )
  }

  #open({ status, headers, body }: LastWord): void {
    const inner = this.#inner
    if (inner.destroyed) return
    this.#state = body === undefined ? 'open' : 'replaced'
    this.#opened()
    inner.writeHead(status, [...headers])
    if (body !== undefined) {
      this.#held = []
      inner.end(body)
      // Whoever waits to write the rest finds that nobody wants it.
      return this.#tellDrained()
    }
    const held = this.#held
    this.#held = []
    const more = held.map(chunk => inner.write(chunk)).at(-1) ?? true
    if (this.#ended) inner.end()
    else if (held.length > 0 && more) this.#tellDrained()
  }

  /** False when no more should be written before `drain`. */
  write(chunk: Uint8Array): boolean {
    if (this.#state === 'open') return this.#inner.write(chunk)
    if (this.#state === 'asking') this.#held.push(chunk)
    return false
  }

  end(chunk?: Uint8Array): void {
    if (this.#state === 'replaced') return
    if (this.#state === 'before') this.writeHead(200, ['Content-Length', String(chunk?.length ?? 0)])
    if (this.#state === 'open') return void this.#inner.end(chunk)
    if (chunk !== undefined) this.#held.push(chunk)
    this.#ended = true
  }

  destroy(): void {
    this.#inner.destroy()
  }

  /** The function has not had its say. */
  get asking(): boolean {
    return this.#state === 'asking'
  }

  /** The viewer is gone, or wants no more of what is being written. */
  get destroyed(): boolean {
    return this.#inner.destroyed || this.#state === 'replaced'
  }

  get closed(): boolean {
    return 'stream' in this.#inner ? this.#inner.destroyed : this.#inner.closed
  }

  get writable(): boolean {
    return this.#inner.writable
  }

  get writableFinished(): boolean {
    return this.#inner.writableFinished
  }

  /** Undefined for HTTP/2, whose streams share one. */
  get socket(): Socket | null | undefined {
    return 'stream' in this.#inner ? undefined : this.#inner.socket
  }

  get shouldKeepAlive(): boolean {
    return 'stream' in this.#inner || this.#inner.shouldKeepAlive
  }

  set shouldKeepAlive(keep: boolean) {
    if (!('stream' in this.#inner)) this.#inner.shouldKeepAlive = keep
  }

  writeContinue(): void {
    if ('writeContinue' in this.#inner) this.#inner.writeContinue()
  }

  writeProcessing(): void {
    if ('stream' in this.#inner) this.#inner.inform(102, [])
    else this.#inner.writeProcessing()
  }

  writeEarlyHints(hints: Record<string, string>): void {
    if ('stream' in this.#inner) this.#inner.inform(103, Object.entries(hints).flat())
    else this.#inner.writeEarlyHints(hints)
  }

  on(event: AnswerEvent, listener: () => void): this {
    if (event === 'drain') this.#drained.add(listener)
    else this.#inner.on(event, listener)
    return this
  }

  /** What waits for `drain` leaves by itself, since it is told again and again. */
  once(event: AnswerEvent, listener: () => void): this {
    if (event === 'drain') this.#drained.add(listener)
    else this.#inner.once(event, listener)
    return this
  }

  off(event: AnswerEvent, listener: () => void): this {
    if (event === 'drain') this.#drained.delete(listener)
    else this.#inner.off(event, listener)
    return this
  }

  #tellDrained(): void {
    const listeners = [...this.#drained]
    this.#drained.clear()
    for (const listener of listeners) listener()
  }
}

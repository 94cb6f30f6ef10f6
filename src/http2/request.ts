import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Bytes } from '../core/index.ts'
import { Inflow } from './flow.ts'
import type { RequestHead } from './request-head.ts'
import type { Http2Stream } from './stream.ts'

/** Who is at the other end of a connection. Asking for an address costs more than all else here, and it stays the same. */
export class Peer {
  readonly remoteAddress: string | undefined
  readonly encrypted = true
  /** Tells connections apart; what is read from it is HTTP/2's alone. */
  readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    this.remoteAddress = socket.remoteAddress
  }

  /** Of all streams together. */
  get bytesRead(): Bytes {
    return this.socket.bytesRead
  }
}

/** A request of which nothing follows its head, as most are. */
export class BodilessRequest {
  readonly stream: Http2Stream
  readonly socket: Peer
  readonly #head: RequestHead
  url: string

  constructor(stream: Http2Stream, head: RequestHead, peer: Peer) {
    this.stream = stream
    this.socket = peer
    this.#head = head
    this.url = head.url
  }

  get method(): string {
    return this.#head.method
  }

  get headers(): IncomingHttpHeaders {
    return this.#head.headers
  }

  get rawHeaders(): readonly string[] {
    return this.#head.rawHeaders
  }

  get authority(): string {
    return authorityOf(this.#head)
  }

  get httpVersion(): '2.0' {
    return '2.0'
  }
}

function authorityOf({ authority, headers }: RequestHead): string {
  return authority === '' ? (headers.host ?? '') : authority
}

/** A smaller piece is put together with others, so that many of them cost no more than their bytes; up to so much. */
const SMALL: Bytes = 1024
const TOGETHER: Bytes = 4096

/**
 * A request with a body, which it is the stream of. What nobody has read yet is held here, as much as the stream's window
 * allows; each byte that is handed on allows another one. Broken off it is `aborted`, and does not end.
 */
export class BodiedRequest extends Readable {
  readonly stream: Http2Stream
  readonly socket: Peer
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly method: string
  readonly authority: string
  readonly httpVersion = '2.0'
  url: string
  /** All of it has come. */
  complete = false
  aborted = false
  /** What the peer may still send. */
  readonly inflow = new Inflow()
  /** Bytes that are still to come, where that was said. */
  #missing: Bytes | undefined
  #waiting: Buffer[] = []
  /** The last of them, if it is a copy: there may be room behind it. */
  #copy: Buffer | undefined
  #wanted = false
  #ended = false
  #whole: (() => void)[] = []

  constructor(stream: Http2Stream, head: RequestHead, peer: Peer) {
    super({ highWaterMark: 0 })
    this.stream = stream
    this.socket = peer
    this.headers = head.headers
    this.rawHeaders = head.rawHeaders
    this.method = head.method
    this.authority = authorityOf(head)
    this.#missing = head.contentLength
    this.url = head.url
  }

  /** Whether something has come that nobody has read. */
  get unread(): boolean {
    return this.#waiting.length > 0 || this.readableLength > 0
  }

  /** Calls `run` once all has come, whether somebody reads it or not; never for a body that breaks off. */
  whenComplete(run: () => void): void {
    if (this.complete) run()
    else this.#whole.push(run)
  }

  /** False where what comes is not what Content-Length says (RFC 9113 §8.1.1). Of its connection alone, as is all below. */
  measure(bytes: Bytes, what: 'more' | 'last'): boolean {
    if (this.#missing === undefined) return true
    this.#missing -= bytes
    return what === 'last' ? this.#missing === 0 : this.#missing >= 0
  }

  receive(content: Buffer): void {
    // What it came in is kept as a whole, and may be anything else for the most part.
    if (content.length >= SMALL && 2 * content.length >= content.buffer.byteLength) {
      this.#waiting.push(content)
      this.#copy = undefined
    } else this.#keepCopy(content)
    this.#pass()
  }

  /** In memory of its own, which is at most twice as much: a piece from Node's pool would keep that. */
  #keepCopy(content: Buffer): void {
    const last = this.#waiting.length > 0 ? this.#copy : undefined
    const length = (last?.length ?? 0) + content.length
    if (last === undefined || length > TOGETHER) {
      this.#copy = Buffer.allocUnsafeSlow(content.length)
      this.#waiting.push(this.#copy)
      content.copy(this.#copy)
      return
    }
    const memory = length <= last.buffer.byteLength ? last.buffer : grown(last, length)
    this.#copy = Buffer.from(memory, 0, length)
    this.#waiting[this.#waiting.length - 1] = this.#copy
    content.copy(this.#copy, last.length)
  }

  end(): void {
    this.complete = true
    this.#pass()
    const told = this.#whole
    this.#whole = []
    for (const run of told) run()
  }

  breakOff(): void {
    this.#whole = []
    if (!this.complete) {
      this.aborted = true
      this.emit('aborted')
    }
    this.close()
  }

  /** Nobody is there any more who could answer it. */
  close(): void {
    this.#waiting = []
    this.#copy = undefined
    this.destroy()
  }

  override _read(): void {
    this.#wanted = true
    this.#pass()
  }

  #pass(): void {
    while (this.#wanted) {
      const content = this.#waiting.shift()
      if (content === undefined) break
      this.#wanted = false
      this.stream.consumed(content.length)
      // Who takes it asks for more.
      this.push(content)
    }
    if (this.complete && this.#waiting.length === 0 && !this.#ended) {
      this.#ended = true
      this.push(null)
    }
  }
}

/** The same with room for more, so that bytes that come one by one are not copied again with each. */
function grown(piece: Buffer, length: Bytes): ArrayBufferLike {
  const larger = Buffer.allocUnsafeSlow(Math.min(2 * length, TOGETHER))
  piece.copy(larger)
  return larger.buffer
}

export type Http2Request = BodilessRequest | BodiedRequest

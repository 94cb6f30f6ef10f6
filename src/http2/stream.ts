import type { Bytes, Milliseconds } from '../core/index.ts'
import { CANCEL, INTERNAL_ERROR, NO_ERROR } from './codes.ts'
import { oneLineEach, type Fields } from './hpack-encoder.ts'
import { Listeners, type AnswerEvent } from './listeners.ts'
import type { BodiedRequest } from './request.ts'
import type { AnswerHead, Sender } from './sender.ts'

/** Written ahead of what the viewer takes, before whoever writes is asked to wait. */
const MOST_AHEAD: Bytes = 16 * 1024

/** Whoever sends a body that nobody wants may go on so long behind its answer. */
const LINGER: Milliseconds = 2000

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly sender: Sender
  /** Of an answer that is all written, until something of it is taken. */
  readonly takenWithin: Milliseconds
  /** Something was written; it goes out with whatever else is written now. */
  touched(): void
  /** Sends RST_STREAM, and forgets the stream. */
  reset(stream: Http2Stream, code: number): void
  /** Both sides have ended. */
  over(stream: Http2Stream): void
  /** Bytes of the request have been read, and as many may follow. */
  consumed(stream: Http2Stream, bytes: number): void
}

interface Piece {
  bytes: Uint8Array
  taken: (() => void) | undefined
}

const NO_FIELDS: Fields = []

/**
 * One stream of RFC 9113 §5, from the side of the answer, with as much of `ServerResponse`'s ways as those who answer
 * need. Whatever is written to a stream that is gone goes nowhere.
 */
export class Http2Stream {
  readonly id: number
  /** Of the request. */
  readonly method: string
  /** Of the request: whether nothing follows its head. */
  readonly endAfterHeaders: boolean
  headersSent = false
  /** All of the answer is written. */
  ended = false
  /** All of it was handed on. */
  writableFinished = false
  /** Nothing more happens to it: both sides have ended, or one of them has broken off. */
  destroyed = false
  /** All of the request has come. */
  remoteEnded: boolean
  /** Bytes that the peer takes on this stream; below zero when he has made it smaller since. */
  window: number
  /** Bytes that wait to be sent. */
  waiting = 0
  /** Whether it waits for its turn. */
  queued = false
  /** Of a request that has one. */
  body: BodiedRequest | undefined
  readonly #owner: StreamOwner
  #pieces: Piece[] = []
  /** Who wants to know of pieces that were moved. */
  readonly #moved: (() => void)[] = []
  /** Of the first piece, sent already. */
  #offset = 0
  #listeners: Listeners | undefined
  #wantsDrain = false
  #late: NodeJS.Timeout | undefined

  constructor(owner: StreamOwner, id: number, request: { method: string; endAfterHeaders: boolean }) {
    this.#owner = owner
    this.id = id
    this.method = request.method
    this.endAfterHeaders = this.remoteEnded = request.endAfterHeaders
    this.window = owner.sender.streamWindow
  }

  /** Tells an answer of HTTP/2 from others. */
  get stream(): this {
    return this
  }

  /** Interim answers are tried while no other is out. */
  get writable(): true {
    return true
  }

  /** `headers` is flat; several lines of one name are made one. Throws for fields that cannot be sent. */
  writeHead(status: number, headers: Fields): void {
    this.writeHeadPrepared(status, NO_FIELDS, oneLineEach(headers))
  }

  /** The same of `fixed`, which is read and coded once for each list and must not change; `own` names nothing twice. */
  writeHeadPrepared(status: number, fixed: Fields, own: Fields): void {
    if (this.destroyed || this.headersSent) return
    this.#owner.sender.head(this, { status, fixed, own })
    this.headersSent = true
    this.#owner.touched()
  }

  /** An interim answer (RFC 9110 §15.2); none is sent behind the head of the answer. */
  inform(status: number, headers: Fields): void {
    if (this.destroyed || this.headersSent) return
    const head: AnswerHead = { status, fixed: NO_FIELDS, own: oneLineEach(headers) }
    this.#owner.sender.head(this, head)
    this.#owner.touched()
  }

  writeContinue(): void {
    this.inform(100, NO_FIELDS)
  }

  /** False when no more should be written before `drain`. `taken` is called when these bytes are on their way. */
  write(chunk: Uint8Array, taken?: () => void): boolean {
    if (this.destroyed || this.ended) return false
    if (this.method === 'HEAD' || chunk.length === 0) {
      taken?.()
      return true
    }
    this.#queue(chunk, taken)
    if (this.waiting < MOST_AHEAD) return true
    this.#wantsDrain = true
    return false
  }

  end(chunk?: Uint8Array): void {
    if (this.destroyed || this.ended) return
    if (!this.headersSent) this.writeHead(200, NO_FIELDS)
    this.ended = true
    const { sender } = this.#owner
    const content = chunk === undefined || chunk.length === 0 || this.method === 'HEAD' ? undefined : chunk
    if (this.waiting > 0 || (content !== undefined && !sender.endWith(this, content))) {
      if (content !== undefined) this.#queue(content, undefined)
      if (this.waiting > 0) this.#late = setTimeout(() => this.close(CANCEL), this.#owner.takenWithin)
      return
    }
    if (content === undefined) sender.end(this)
    this.#owner.touched()
    this.#finish()
  }

  /** Resets the stream: an answer that is not whole never looks whole. */
  destroy(): void {
    this.close(this.writableFinished ? NO_ERROR : INTERNAL_ERROR)
  }

  /** Resets the stream with a code of RFC 9113 §7. */
  close(code: number): void {
    if (!this.destroyed) this.#owner.reset(this, code)
  }

  on(event: AnswerEvent, listener: () => void): this {
    ;(this.#listeners ??= new Listeners()).add(event, listener, 'always')
    return this
  }

  once(event: AnswerEvent, listener: () => void): this {
    ;(this.#listeners ??= new Listeners()).add(event, listener, 'once')
    return this
  }

  off(event: AnswerEvent, listener: () => void): this {
    this.#listeners?.remove(event, listener)
    return this
  }

  /** Moves so many of the bytes that wait. Of the connection's sender alone, as is `sent`. */
  take(out: Buffer, at: number, length: number): void {
    this.waiting -= length
    while (length > 0) {
      const piece = this.#pieces[0]
      if (piece === undefined) return
      const from = this.#offset
      const size = Math.min(length, piece.bytes.length - from)
      out.set(
        from === 0 && size === piece.bytes.length ? piece.bytes : piece.bytes.subarray(from, from + size),
        at,
      )
      at += size
      length -= size
      this.#offset += size
      if (this.#offset < piece.bytes.length) return
      this.#offset = 0
      this.#pieces.shift()
      if (piece.taken !== undefined) this.#moved.push(piece.taken)
    }
  }

  /** What was moved is on its way. */
  sent(what: 'whole' | 'part'): void {
    for (;;) {
      const taken = this.#moved.shift()
      if (taken === undefined) break
      taken()
    }
    if (what === 'whole') return this.#finish()
    this.#late?.refresh()
    if (this.waiting > 0 || !this.#wantsDrain) return
    this.#wantsDrain = false
    this.#listeners?.emit('drain')
  }

  /** All of the request has come. Of its connection alone, as is `broken`. */
  endRemote(): void {
    this.remoteEnded = true
    this.body?.end()
    if (this.writableFinished && !this.destroyed) this.#close()
  }

  /** It was reset, or its connection is gone. */
  broken(): void {
    if (this.destroyed) return
    this.destroyed = true
    clearTimeout(this.#late)
    this.#pieces = []
    this.waiting = 0
    this.#owner.sender.forget(this)
    this.body?.breakOff()
    this.#tellClose()
  }

  /** The request's body was read so far. */
  consumed(bytes: number): void {
    if (!this.destroyed && !this.remoteEnded) this.#owner.consumed(this, bytes)
  }

  #queue(bytes: Uint8Array, taken: (() => void) | undefined): void {
    this.#pieces.push({ bytes, taken })
    this.waiting += bytes.length
    this.#owner.sender.ready(this)
    this.#owner.sender.pump()
    this.#owner.touched()
  }

  #finish(): void {
    this.writableFinished = true
    clearTimeout(this.#late)
    const over = this.remoteEnded
    // Whoever asks when it has finished finds it closed as well, if it is.
    if (over) {
      this.destroyed = true
      this.#owner.over(this)
    }
    this.#listeners?.emit('finish')
    if (over) this.#closed()
    else this.#late = setTimeout(() => this.#leave(), LINGER)
  }

  /** RFC 9113 §8.1: of a request that is answered, and that nobody reads, no more need be sent. */
  #leave(): void {
    if (!this.remoteEnded && this.body?.readableFlowing === null) this.close(NO_ERROR)
  }

  #close(): void {
    this.destroyed = true
    this.#owner.over(this)
    this.#closed()
  }

  #closed(): void {
    clearTimeout(this.#late)
    this.body?.close()
    this.#tellClose()
  }

  #tellClose(): void {
    this.#listeners?.emit('close')
    // Nothing more is told, and whoever keeps the stream need not keep what its listeners know.
    this.#listeners = undefined
  }
}

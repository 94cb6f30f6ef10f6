import type { Socket } from 'node:net'
import { KiB, type Bytes } from '../core/index.ts'
import {
  beginningOf,
  checkedLines,
  dateLine,
  linesOf,
  ownLines,
  statusLine,
  type Lines,
} from './head-text.ts'
import { fitsOnBench, roomOnBench } from './bench.ts'

const NOTHING = Buffer.alloc(0)

/** Less than this is copied behind its head, which costs less than to write twice. */
const COPIED = 16 * KiB

/**
 * What has to wait longer than the bench lasts, one behind the other: to have each allocated would cost more than to fill it. Whenever
 * something larger than this is freed, the C library tidies up all that is free.
 */
const SLAB = 32 * KiB
let slab = Buffer.allocUnsafeSlow(SLAB)
let slabUsed = 0

function fromSlab(length: Bytes): Buffer {
  if (length > SLAB) return Buffer.allocUnsafeSlow(length)
  if (length > slab.length - slabUsed) {
    slab = Buffer.allocUnsafeSlow(SLAB)
    slabUsed = 0
  }
  return slab.subarray(slabUsed, (slabUsed += length))
}

/** How the end of an answer is told: by its head alone, by its length, or by chunks. */
type Framing = 'none' | 'length' | 'chunks'

export interface AnswerConnection {
  readonly socket: Socket
  /** Short whole answers leave together with those of other connections. What lies on the bench may not be written anew before that. */
  hold(all: Buffer): void
  /** What was held has left when it returns, and more may: the end of an answer, above all. */
  depart(): void
  /** What a kept connection is told, as lines. */
  readonly keptLines: string
  /** The last of an answer was written. */
  ended(): void
}

/** From one byte to before another. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** Lines of a head and a body, of which what is missing is in one buffer. */
export interface Elsewhere {
  readonly bytes: Buffer
  readonly lines: Stretch
  readonly more: Stretch
  /** As long as Content-Length says. */
  readonly body: Stretch
  /** Whether Date is among the lines. */
  readonly dated: boolean
}

/** `error` is for those who know answers of other kinds; here `close` without `finish` says as much. */
export type AnswerEvent = 'finish' | 'close' | 'drain' | 'error'

interface Ear {
  event: AnswerEvent
  listener: () => void
  once: boolean
}

/**
 * One answer over HTTP/1.1, with as much of the ways of Node's `ServerResponse` as the steps use: `finish` when all of it
 * went out, `close` when nothing more happens to it, `drain` when it takes more.
 */
export class Http1Answer {
  /** False: the connection ends with this answer. Counts up to the head. */
  shouldKeepAlive = true
  headersSent = false
  writableEnded = false
  writableFinished = false
  /** The viewer is gone, or the answer was broken off. */
  destroyed = false
  /** `close` is over. */
  closed = false
  statusCode = 200
  readonly #connection: AnswerConnection
  readonly #method: string
  #framing: Framing = 'none'
  /** Bytes of the body that its length still promises. */
  #missing = 0
  /** Go out with the first bytes of the body: what many answers begin with, and what is this one's own. */
  #beginning: Buffer = NOTHING
  #head = ''
  /** Few answers have one, and an EventEmitter each would cost more than to find what is sent. */
  #ears: Ear[] | undefined

  constructor(connection: AnswerConnection, method: string) {
    this.#connection = connection
    this.#method = method
  }

  get socket(): Socket {
    return this.#connection.socket
  }

  get writable(): boolean {
    return !this.destroyed && !this.writableEnded
  }

  /** `headers` is flat, and may have several lines of one name. Throws of bad fields what Node's own throws. */
  writeHead(status: number, headers: readonly string[]): void {
    let length: string | undefined
    const others: string[] = []
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const [name = '', value = ''] = [headers[at], headers[at + 1]]
      const lower = name.toLowerCase()
      if (lower === 'connection' && value.toLowerCase() === 'close') this.shouldKeepAlive = false
      if (lower === 'content-length') length = value
      else others.push(name, value)
    }
    const own = length === undefined ? [] : ['Content-Length', length]
    const lines = checkedLines(others)
    this.#begin(status, lines, own, length)
    this.#head = `${statusLine(status)}${lines.text}${this.#head}`
  }

  /** `fixed` is the same list each time, and checked once. `own` is known to be good and ends with Content-Length. */
  writeHeadPrepared(status: number, fixed: readonly string[], own: readonly string[]): void {
    const lines = linesOf(fixed)
    this.#begin(status, lines, own, own.at(-1))
    this.#beginning = beginningOf(lines, status)
  }

  /** The same of fields that nobody is sent again soon. */
  writeHeadOnce(status: number, fields: readonly string[], own: readonly string[]): void {
    const lines = checkedLines(fields)
    this.#begin(status, lines, own, own.at(-1))
    this.#head = `${statusLine(status)}${lines.text}${this.#head}`
  }

  /**
   * A whole answer to a GET: `fixed` and `own` as above, what lies elsewhere between and behind them. Of that nothing is
   * read any more when this returns.
   */
  sendWhole(status: number, fixed: readonly string[], own: readonly string[], there: Elsewhere): void {
    const lines = linesOf(fixed)
    this.#begin(status, lines.dated ? lines : there, own, own.at(-1))
    if (!this.writable) return
    const { bytes, lines: first, more, body } = there
    const beginning = beginningOf(lines, status)
    const head = this.#head
    const linesAt = beginning.length
    const moreAt = linesAt + first.to - first.from
    const headAt = moreAt + more.to - more.from
    const bodyAt = headAt + head.length
    const all = this.#room(bodyAt + body.to - body.from)
    all.set(beginning)
    bytes.copy(all, linesAt, first.from, first.to)
    if (more.to > more.from) bytes.copy(all, moreAt, more.from, more.to)
    all.write(head, headAt, 'latin1')
    bytes.copy(all, bodyAt, body.from, body.to)
    this.#head = ''
    this.#missing = 0
    this.writableEnded = true
    this.#connection.hold(all)
    this.#connection.ended()
  }

  #begin(
    status: number,
    { dated }: Pick<Lines, 'dated'>,
    own: readonly string[],
    length: string | undefined,
  ): void {
    if (this.headersSent) throw new Error('an answer has one head')
    this.headersSent = true
    this.statusCode = status
    this.#framing = framingOf(this.#method, status, length)
    if (this.#framing === 'length') this.#missing = Number(length)
    const kept = this.shouldKeepAlive ? this.#connection.keptLines : 'Connection: close\r\n'
    const chunked = this.#framing === 'chunks' ? 'Transfer-Encoding: chunked\r\n' : ''
    this.#head = `${ownLines(own)}${chunked}${dated ? '' : dateLine()}${kept}\r\n`
  }

  /** Answers 102 before the answer itself. */
  writeProcessing(): void {
    this.#interim('HTTP/1.1 102 Processing\r\n\r\n')
  }

  /** Answers 103 before the answer itself. Throws of bad fields what Node's own throws. */
  writeEarlyHints(hints: Readonly<Record<string, string>>): void {
    this.#interim(`HTTP/1.1 103 Early Hints\r\n${checkedLines(Object.entries(hints).flat()).text}\r\n`)
  }

  #interim(text: string): void {
    if (this.headersSent || !this.writable) return
    this.#connection.depart()
    this.socket.write(text, 'latin1')
  }

  /** False when no more should be written before `drain`. */
  write(chunk: Uint8Array): boolean {
    if (!this.writable) return false
    if (chunk.length === 0 || this.#framing === 'none') return true
    if (this.#framing === 'length' && (this.#missing -= chunk.length) < 0) {
      this.destroy()
      return false
    }
    const { socket } = this
    // Its head goes behind the answers before it, and with the last byte that was promised the viewer has all of it.
    if (this.#head !== '' || (this.#framing === 'length' && this.#missing === 0)) this.#connection.depart()
    socket.cork()
    this.#writeHead()
    if (this.#framing === 'chunks') socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
    let more = socket.write(chunk)
    if (this.#framing === 'chunks') more = socket.write('\r\n', 'latin1')
    socket.uncork()
    return more
  }

  end(chunk?: Uint8Array): void {
    if (!this.writable) return
    if (!this.headersSent) this.writeHead(200, ['Content-Length', String(chunk?.length ?? 0)])
    const last = chunk === undefined || this.#framing === 'none' ? NOTHING : chunk
    if (this.#framing === 'chunks') {
      if (last.length > 0) this.write(last)
      this.#last(LAST_CHUNK)
    } else {
      this.#missing -= last.length
      // What is not as long as was said must not look whole, and leaves the connection unusable.
      if (this.#missing !== 0) this.destroy()
      else this.#last(last)
    }
  }

  #last(bytes: Uint8Array): void {
    if (this.destroyed) return
    this.writableEnded = true
    const { socket } = this
    if (this.#head !== '' && bytes.length <= COPIED) {
      this.#writeTogether(bytes)
    } else {
      this.#connection.depart()
      socket.cork()
      this.#writeHead()
      if (bytes.length > 0) socket.write(bytes)
      socket.uncork()
    }
    this.#connection.ended()
  }

  #writeHead(): void {
    if (this.#head === '') return
    if (this.#beginning.length > 0) this.socket.write(this.#beginning)
    this.socket.write(this.#head, 'latin1')
    this.#head = ''
  }

  #writeTogether(bytes: Uint8Array): void {
    const from = this.#beginning.length + this.#head.length
    const all = this.#room(from + bytes.length)
    all.set(this.#beginning)
    all.write(this.#head, this.#beginning.length, 'latin1')
    if (bytes.length > 0) all.set(bytes, from)
    this.#head = ''
    this.#connection.hold(all)
  }

  #room(length: Bytes): Buffer {
    const shares = fitsOnBench(length) && this.socket.writableLength === 0
    return shares ? roomOnBench(length) : fromSlab(length)
  }

  /** Breaks the answer off together with its connection. */
  destroy(): void {
    this.destroyed = true
    this.socket.destroy()
  }

  /** Told by the connection: all is out. */
  finish(): void {
    this.writableFinished = true
    this.tell('finish')
    this.close()
  }

  /** Told by the connection: nothing more happens. */
  close(): void {
    if (this.closed) return
    if (!this.writableFinished) this.destroyed = true
    this.closed = true
    this.tell('close')
  }

  on(event: AnswerEvent, listener: () => void): this {
    return this.#listen({ event, listener, once: false })
  }

  once(event: AnswerEvent, listener: () => void): this {
    return this.#listen({ event, listener, once: true })
  }

  off(event: AnswerEvent, listener: () => void): this {
    this.#ears = this.#ears?.filter(ear => ear.event !== event || ear.listener !== listener)
    return this
  }

  #listen(ear: Ear): this {
    if (ear.event === 'error') return this
    this.#ears = this.#ears === undefined ? [ear] : [...this.#ears, ear]
    return this
  }

  /** Told by the connection. */
  tell(event: AnswerEvent): void {
    for (const ear of this.#ears ?? NOBODY) {
      if (ear.event !== event) continue
      if (ear.once) this.off(event, ear.listener)
      ear.listener()
    }
  }
}

const NOBODY: readonly Ear[] = []
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

function framingOf(method: string, status: number, length: string | undefined): Framing {
  if (method === 'HEAD' || status === 204 || status === 304) return 'none'
  return length === undefined ? 'chunks' : 'length'
}

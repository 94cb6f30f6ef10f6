import type { Socket } from 'node:net'
import { KiB, type Bytes, type Departures, type Leaver, type Milliseconds } from '../core/index.ts'
import { Http1Answer, type AnswerConnection } from './answer.ts'
import { leftBench } from './bench.ts'
import { readHead, type HeadMemo } from './head.ts'
import { QuietConnections } from './quiet-connections.ts'
import { Http1Request } from './request.ts'

export interface Http1Options {
  /** Of all connections of a process: what answers wait for before they leave. */
  departures: Departures
  onRequest: (request: Http1Request, answer: Http1Answer) => void
  /** Takes the socket for good, with all bytes unread that this side did not answer. */
  handOver: (socket: Socket) => void
  /** Whether new requests are for the other side to answer. */
  leaving: () => boolean
  /** Of a connection without a request, and of one on which nothing moves while it is answered. */
  idle: Milliseconds
  stalled: Milliseconds
  longestHead: Bytes
}

/** A head that has not come as a whole by then is waited for by who reads all of HTTP/1.1, and has the time limits for it. */
const HEAD_SOON: Milliseconds = 50

/**
 * One connection as long as it brings plain requests: read, answered one after the other, the rest kept waiting. With the
 * first that is not plain it is handed over.
 */
export interface Http1Connection {
  /** The answer under way. */
  readonly answering: Http1Answer | undefined
}

/** Reads plain requests from the connections of a server. */
export class Http1Reader {
  readonly #options: Http1Options
  readonly #quiet: QuietConnections

  constructor(options: Http1Options) {
    this.#options = options
    this.#quiet = new QuietConnections(Math.min(options.idle, options.stalled))
  }

  /** Begins to read a connection. */
  open(socket: Socket): Http1Connection {
    return new Connection(socket, this.#options, this.#quiet)
  }
}

/** Who asks for more than this in one packet has what is held written before he is answered further. */
const MOST_HELD: Bytes = 64 * KiB

class Connection implements AnswerConnection, Http1Connection, Leaver {
  readonly socket: Socket
  readonly #departures: Departures
  /** Its socket has encrypted what it is given when `write` returns, unless something else waits there already. */
  readonly #encrypts: boolean
  readonly keptLines: string
  readonly #options: Http1Options
  readonly #memo: HeadMemo = { text: '', fields: undefined }
  readonly #quiet: QuietConnections
  #answer: Http1Answer | undefined
  /** Read and not understood yet; latin1, so that a character is a byte. */
  #text = ''
  #reading = false
  /** Answers that leave at the end of this turn. */
  #held: Buffer[] = []
  #heldBytes: Bytes = 0
  /** Runs while something that has left is not taken. */
  #untaken: NodeJS.Timeout | undefined
  #late: NodeJS.Timeout | undefined
  /** How many requests have come. */
  asked = 0
  /** Whether the time limit runs, and for which state. */
  #limit: 'none' | 'idle' | 'stalled' = 'none'

  constructor(socket: Socket, options: Http1Options, quiet: QuietConnections) {
    this.socket = socket
    this.#options = options
    this.#departures = options.departures
    this.#encrypts = 'encrypted' in socket
    this.keptLines = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(options.idle / 1000)}\r\n`
    this.#quiet = quiet
    quiet.add(this)
    socket
      .on('data', this.#onData)
      .on('drain', this.#onDrain)
      // A socket that was told to end says this in place of the other.
      .on('finish', this.#onDrain)
      .on('end', this.#onEnd)
      .on('timeout', this.#onTimeout)
      .on('error', ignore)
      .on('close', this.#onClose)
  }

  get answering(): Http1Answer | undefined {
    return this.#answer
  }

  readonly #onData = (chunk: Buffer): void => {
    const text = chunk.toString('latin1')
    this.#text = this.#text === '' ? text : this.#text + text
    if (this.#answer === undefined) this.#read()
    // Whoever asks on and on without reading waits.
    else if (this.#text.length > this.#options.longestHead) this.socket.pause()
  }

  #read(): void {
    if (this.#reading) return
    this.#reading = true
    while (this.#answer === undefined && this.#text !== '' && !this.socket.destroyed) {
      const { onRequest, leaving, longestHead } = this.#options
      const read = readHead(this.#text, this.#memo, longestHead)
      if (read.kind === 'partial') {
        this.#late ??= setTimeout(() => this.#handOver(), HEAD_SOON)
        break
      }
      if (read.kind === 'other' || leaving()) {
        this.#handOver()
        break
      }
      if (this.#late) clearTimeout(this.#late)
      this.#late = undefined
      this.asked++
      if (this.#limit !== 'none') this.#limitBy('none')
      this.#text = this.#text.length === read.end ? '' : this.#text.slice(read.end)
      const answer = new Http1Answer(this, read.head.method)
      this.#answer = answer
      onRequest(new Http1Request(this.socket, read.head), answer)
    }
    this.#reading = false
  }

  hold(all: Buffer): void {
    if (this.#held.push(all) === 1) this.#departures.wait(this)
    this.#heldBytes += all.length
    if (this.#heldBytes > MOST_HELD) this.depart()
  }

  depart(): void {
    this.#departures.now()
    this.leave()
  }

  leave(): void {
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    const { socket } = this
    const isOpen = !socket.destroyed
    if (held.length > 1) socket.cork()
    for (const all of held) if (isOpen) socket.write(all)
    if (held.length > 1) socket.uncork()
    // What the system has not taken is still to be read from there; what is encrypted stands elsewhere.
    const kept = isOpen && !this.#encrypts && socket.writableLength > 0
    for (const all of held) leftBench(all, kept ? 'kept' : 'taken')
    if (socket.writableNeedDrain && this.#answer === undefined)
      this.#untaken ??= setTimeout(() => socket.destroy(), this.#options.stalled)
  }

  /** What waits in the socket is bounded by that: whoever does not read gets no further answer. */
  ended(): void {
    if (!this.socket.writableNeedDrain) this.#finish()
  }

  #finish(): void {
    const { socket } = this
    const answer = this.#answer
    if (answer === undefined || socket.destroyed) return
    this.#answer = undefined
    // Who is told of the end may end the connection.
    if (!answer.shouldKeepAlive || this.#options.leaving()) this.depart()
    answer.finish()
    if (!answer.shouldKeepAlive) return socket.destroySoon()
    if (socket.isPaused()) socket.resume()
    this.#read()
  }

  readonly #onDrain = (): void => {
    clearTimeout(this.#untaken)
    this.#untaken = undefined
    if (this.#answer?.writableEnded === true) this.#finish()
    else this.#answer?.tell('drain')
  }

  /** As Node has it: whoever says no more has left, but for what is on its way to him. */
  readonly #onEnd = (): void => {
    if (this.#answer?.writableEnded === false) this.#answer.close()
    this.depart()
    this.socket.end()
  }

  /** Nothing has been asked for a while. Node's own limit counts from each byte, which costs every request too much. */
  turnedQuiet(): void {
    this.#limitBy(this.#answer === undefined ? 'idle' : 'stalled', this.#quiet.every)
  }

  #limitBy(limit: 'none' | 'idle' | 'stalled', gone: Milliseconds = 0): void {
    if (limit === this.#limit) return
    this.#limit = limit
    this.socket.setTimeout(limit === 'none' ? 0 : Math.max(1, this.#options[limit] - gone))
  }

  readonly #onTimeout = (): void => {
    const state = this.#answer === undefined ? 'idle' : 'stalled'
    if (state === this.#limit) this.socket.destroy()
    else this.#limitBy(state)
  }

  readonly #onClose = (): void => {
    clearTimeout(this.#late)
    clearTimeout(this.#untaken)
    this.#quiet.delete(this)
    this.#text = ''
    this.#answer?.close()
    this.#answer = undefined
  }

  #handOver(): void {
    const { socket } = this
    clearTimeout(this.#late)
    this.#quiet.delete(this)
    if (socket.destroyed) return
    this.depart()
    clearTimeout(this.#untaken)
    socket
      .off('data', this.#onData)
      .off('drain', this.#onDrain)
      .off('finish', this.#onDrain)
      .off('end', this.#onEnd)
      .off('timeout', this.#onTimeout)
      .off('error', ignore)
      .off('close', this.#onClose)
    socket.setTimeout(0)
    socket.pause()
    socket.unshift(Buffer.from(this.#text, 'latin1'))
    this.#text = ''
    this.#options.handOver(socket)
    socket.resume()
  }
}

/** `close` follows. */
function ignore(): void {}

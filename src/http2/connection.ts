import type { Socket } from 'node:net'
import type { Departures, Milliseconds } from '../core/index.ts'
import {
  ACK,
  ConnectionError,
  FRAME_HEAD,
  GOAWAY,
  NO_ERROR,
  PROTOCOL_ERROR,
  RST_STREAM,
  SETTINGS_TIMEOUT,
  WINDOW_UPDATE,
} from './codes.ts'
import { Deadline } from './deadline.ts'
import { FrameSplitter } from './frame-splitter.ts'
import { Inbound } from './inbound.ts'
import { Output } from './output.ts'
import { Patience } from './patience.ts'
import { BodiedRequest, BodilessRequest, Peer, type Http2Request } from './request.ts'
import type { HeadLimits, RequestHead } from './request-head.ts'
import { Sender, writeFrameHead } from './sender.ts'
import { ownSettings } from './settings.ts'
import { Http2Stream, type StreamOwner } from './stream.ts'
import { Streams } from './streams.ts'

export interface Http2Limits {
  /** Requests under way at once. */
  streams: number
  head: HeadLimits
  /** Until the connection has begun, and until a head that has begun is whole. */
  request: Milliseconds
  /** Without a request. */
  idle: Milliseconds
  /** Of a write that the peer does not take. */
  stalled: Milliseconds
}

export interface Http2Options {
  /** Of all connections of a process: what they wait for before anything leaves. */
  departures: Departures
  limits: Http2Limits
  onRequest: (request: Http2Request, answer: Http2Stream) => void
  /** The connection ends because the peer has broken a rule. */
  onFault: (error: ConnectionError) => void
}

/** A peer who has been told that it is over may read that so long. */
const LINGER: Milliseconds = 2000

const NOTHING = Buffer.alloc(0)

/**
 * The server's side of one HTTP/2 connection (RFC 9113), from its socket to requests and their answers. What is written
 * while a packet is read, or by whoever runs then, goes out in one piece.
 */
export class Http2Connection implements StreamOwner {
  readonly socket: Socket
  readonly limits: Http2Limits
  readonly streams = new Streams()
  readonly patience = new Patience(() => performance.now())
  readonly sender: Sender
  readonly #options: Http2Options
  readonly #peer: Peer
  readonly #output: Output
  readonly #inbound: Inbound
  readonly #splitter = new FrameSplitter()
  readonly #idle: Deadline
  readonly #head: Deadline
  /** How many frames had come when it began. */
  #awaited = 0
  readonly #settings: Deadline
  /** Requests with a body, which are handed on when what came with them is judged. */
  #opened: BodiedRequest[] = []
  #linger: NodeJS.Timeout | undefined
  /** A packet is being read, and its answers are written behind it. */
  #reading = false
  #scheduled = false
  /** No new requests are taken. */
  #closing = false
  /** Nothing more is heard. */
  #over = false
  /** The socket has ended on our side. */
  #ended = false

  constructor(socket: Socket, options: Http2Options) {
    const { limits } = options
    this.socket = socket
    this.limits = limits
    this.#options = options
    this.#peer = new Peer(socket)
    this.#output = new Output(socket, () => this.#landed(), {
      within: limits.stalled,
      late: () => this.destroy(),
      departures: options.departures,
    })
    this.sender = new Sender(this.#output)
    this.#inbound = new Inbound(this)
    this.#idle = new Deadline(limits.idle, () => this.close())
    const late = (code: number, message: string) => (): void => this.#fail(new ConnectionError(code, message))
    this.#head = new Deadline(limits.request, late(PROTOCOL_ERROR, 'a head does not come'))
    this.#settings = new Deadline(limits.request, late(SETTINGS_TIMEOUT, 'SETTINGS are not acknowledged'))
  }

  /** Begins to listen; what the socket has to say is all ours from here. */
  start(): void {
    const { socket, limits } = this
    socket.on('data', (chunk: Buffer) => this.#hear(chunk))
    socket.on('error', () => {}) // `close` follows
    socket.on('end', () => this.#gone()).on('close', () => this.#gone())
    socket.setNoDelay(true)
    this.#write(ownSettings({ streams: limits.streams, headBytes: limits.head.bytes }))
    this.#head.begin()
    this.#settings.begin()
    this.#idle.begin()
    this.#output.flush()
  }

  /** Takes no more requests, and ends when those that are under way are answered (§6.8). */
  close(): void {
    if (this.#closing || this.#over) return
    this.#closing = true
    this.#goAway(NO_ERROR)
    this.touched()
  }

  /** Ends at once, whatever is under way. */
  destroy(): void {
    this.socket.destroy()
    this.#gone()
  }

  get takesMore(): boolean {
    return !this.#closing && this.streams.size < this.limits.streams
  }

  /** A request has come. */
  open(id: number, head: RequestHead, what: 'bodiless' | 'bodied'): void {
    const stream = new Http2Stream(this, id, { method: head.method, endAfterHeaders: what === 'bodiless' })
    this.streams.add(stream)
    this.#idle.end()
    if (what === 'bodiless') {
      this.#options.onRequest(new BodilessRequest(stream, head, this.#peer), stream)
    } else {
      stream.body = new BodiedRequest(stream, head, this.#peer)
      this.#opened.push(stream.body)
    }
  }

  /** Resets a stream, which need not be open, for an error of the peer's (§5.4.2). */
  refuse(id: number, code: number): void {
    this.patience.wrong()
    this.decline(id, code)
  }

  /** The same for no error of his. */
  decline(id: number, code: number): void {
    const stream = this.streams.get(id)
    this.streams.resetHere(id)
    const at = this.#frame(RST_STREAM, id, 4)
    this.#output.buffer.writeUInt32BE(code, at)
    stream?.broken()
    this.#quiet()
    this.touched()
  }

  reset({ id }: Http2Stream, code: number): void {
    this.decline(id, code)
  }

  get takenWithin(): Milliseconds {
    return this.limits.stalled
  }

  over({ id }: Http2Stream): void {
    this.forget({ id })
  }

  forget({ id }: Pick<Http2Stream, 'id'>): void {
    this.streams.remove(id)
    this.#quiet()
  }

  consumed(stream: Http2Stream, bytes: number): void {
    if (stream.body !== undefined) this.allow(stream.id, stream.body.inflow.consume(bytes))
  }

  /** As many more bytes may come; of stream 0 on all streams together. */
  allow(id: number, bytes: number): void {
    if (bytes === 0) return
    const at = this.#frame(WINDOW_UPDATE, id, 4)
    this.#output.buffer.writeUInt32BE(bytes, at)
    this.touched()
  }

  /** Acknowledges SETTINGS or PING. */
  answer(type: number, content: Buffer): void {
    const at = this.#frame(type, 0, content.length, ACK)
    content.copy(this.#output.buffer, at)
  }

  settingsTaken(): void {
    this.#settings.end()
  }

  /** Sends what was written when whoever writes now is done. */
  touched(): void {
    if (this.#reading || this.#scheduled) return
    this.#scheduled = true
    process.nextTick(() => {
      this.#scheduled = false
      this.#send()
    })
  }

  #hear(chunk: Buffer): void {
    if (this.#over) return
    this.#reading = true
    try {
      this.#splitter.take(chunk, (bytes, at, length) => {
        this.#inbound.frame(bytes, at, length)
        return this.#output.full || this.#over ? 'stop' : 'go-on'
      })
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error
      this.#fail(error)
    } finally {
      this.#reading = false
    }
    this.#handOn()
    // Whoever does not read what he has asked for is not heard either.
    if (this.#output.full) this.socket.pause()
    const waits = this.#inbound.withinHead || this.#splitter.partial === 'head'
    const { whole } = this.#inbound
    if (!waits || this.#output.full) this.#head.end()
    else if (!this.#head.running || whole !== this.#awaited) this.#head.begin()
    this.#awaited = whole
    this.#send()
  }

  #handOn(): void {
    if (this.#opened.length === 0) return
    const opened = this.#opened
    this.#opened = []
    for (const request of opened)
      if (!request.stream.destroyed) this.#options.onRequest(request, request.stream)
  }

  #send(): void {
    if (this.#ended) return
    this.sender.pump()
    this.#output.flush()
    const done = this.#over || (this.#closing && this.streams.size === 0)
    if (!done || this.#output.flying || this.#output.at > 0) return
    this.#ended = true
    this.socket.end()
    this.#linger ??= setTimeout(() => this.destroy(), LINGER)
  }

  /** What was written is taken. */
  #landed(): void {
    if (this.socket.destroyed) return
    const paused = this.socket.isPaused()
    this.#send()
    if (!paused || this.#output.full) return
    this.socket.resume()
    this.#hear(NOTHING)
  }

  #fail(error: ConnectionError): void {
    if (this.#over) return
    this.#goAway(error.code)
    this.#over = true
    this.#breakAll()
    this.#options.onFault(error)
    this.#linger ??= setTimeout(() => this.destroy(), LINGER)
    this.touched()
  }

  #goAway(code: number): void {
    const at = this.#frame(GOAWAY, 0, 8)
    this.#output.buffer.writeUInt32BE(this.streams.last, at)
    this.#output.buffer.writeUInt32BE(code, at + 4)
  }

  /** The peer is gone. */
  #gone(): void {
    if (!this.#over) {
      this.#over = true
      this.#breakAll()
    }
    if (!this.socket.destroyed) return
    clearTimeout(this.#linger)
    this.#output.close()
  }

  #breakAll(): void {
    for (const deadline of [this.#idle, this.#head, this.#settings]) deadline.close()
    for (const stream of this.streams.all()) {
      this.streams.remove(stream.id)
      stream.broken()
    }
  }

  #quiet(): void {
    if (this.streams.size === 0 && !this.#over) this.#idle.begin()
  }

  #write(bytes: Buffer): void {
    this.#output.reserve(bytes.length)
    this.#output.at += bytes.copy(this.#output.buffer, this.#output.at)
  }

  /** The head of a frame; tells where its content goes. */
  #frame(type: number, id: number, length: number, flags = 0): number {
    const output = this.#output
    output.reserve(FRAME_HEAD + length)
    const at = output.at + FRAME_HEAD
    writeFrameHead(output.buffer, output.at, { length, type, flags, id })
    output.at = at + length
    return at
  }
}

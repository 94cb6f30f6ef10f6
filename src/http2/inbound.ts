import {
  ACK,
  CONTINUATION,
  ConnectionError,
  DATA,
  END_STREAM,
  FLOW_CONTROL_ERROR,
  FRAME_HEAD,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  LARGEST_WINDOW,
  PADDED,
  PING,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from './codes.ts'
import type { Http2Connection } from './connection.ts'
import { contentOf } from './field-block.ts'
import { Inflow } from './flow.ts'
import { Heads } from './heads.ts'
import { readSettings } from './settings.ts'

/** Does what the frames of a peer ask for (RFC 9113 §6), and throws where the connection ends by it. */
export class Inbound {
  readonly #connection: Http2Connection
  readonly #heads: Heads
  readonly #inflow = new Inflow()
  /** Frames so far, those of one head counted as one. */
  whole = 0

  constructor(connection: Http2Connection) {
    this.#connection = connection
    this.#heads = new Heads(connection)
  }

  /** Whether a head has begun and not ended. */
  get withinHead(): boolean {
    return this.#heads.open
  }

  /** A whole frame that carries `length` bytes. */
  frame(bytes: Buffer, head: number, length: number): void {
    this.#take(bytes, head, length)
    if (!this.#heads.open) this.whole++
  }

  #take(bytes: Buffer, head: number, length: number): void {
    const type = bytes[head + 3] ?? 0
    const flags = bytes[head + 4] ?? 0
    const id = bytes.readUInt32BE(head + 5) & 0x7fffffff
    const at = head + FRAME_HEAD
    this.#heads.expect(type, id)
    switch (type) {
      case DATA:
        return this.#data(bytes, at, { length, flags, id })
      case HEADERS:
        return this.#heads.begin(bytes, at, { length, flags, id })
      case CONTINUATION:
        return this.#heads.continue(bytes, at, { length, flags, id })
      case PRIORITY:
        return this.#priority(bytes, at, { length, id })
      case RST_STREAM:
        return this.#reset({ length, id })
      case SETTINGS:
        return this.#settings(bytes, at, { length, flags, id })
      case PUSH_PROMISE:
        throw broken('a client cannot push')
      case PING:
        return this.#ping(bytes, at, { length, flags, id })
      case GOAWAY:
        // Whoever goes opens no streams, and those that are open are answered.
        if (id !== 0) throw broken('GOAWAY is of a stream')
        if (length < 8) throw missized('GOAWAY')
        return this.#useless()
      case WINDOW_UPDATE:
        return this.#windowUpdate(bytes, at, { length, id })
      default:
        return this.#useless() // §5.5
    }
  }

  #useless(): void {
    this.#connection.patience.useless(this.#connection.sender.sent)
  }

  #data(bytes: Buffer, at: number, { length, flags, id }: Of): void {
    const { streams, patience } = this.#connection
    streams.refuseIdle(id)
    const { from, to } = contentOf(bytes, at, length, flags & PADDED)
    // Of the connection all is taken at once, so that a stream that nobody reads holds no other one up.
    if (!this.#inflow.receive(length))
      throw new ConnectionError(FLOW_CONTROL_ERROR, 'more came than was allowed')
    this.#connection.allow(0, this.#inflow.consume(length))
    const stream = streams.get(id)
    if (stream === undefined) {
      if (streams.wasResetHere(id)) return this.#useless()
      throw new ConnectionError(STREAM_CLOSED, 'DATA came for a stream that has ended')
    }
    const end = (flags & END_STREAM) !== 0
    if (length === 0 && !end) patience.wrong()
    const { body } = stream
    if (stream.remoteEnded || body === undefined) return this.#connection.refuse(id, STREAM_CLOSED)
    if (!body.inflow.receive(length)) return this.#connection.refuse(id, FLOW_CONTROL_ERROR)
    if (!body.measure(to - from, end ? 'last' : 'more')) return this.#connection.refuse(id, PROTOCOL_ERROR)
    if (to - from < length && !end) stream.consumed(length - (to - from))
    if (to > from) body.receive(bytes.subarray(from, to))
    if (end) stream.endRemote()
  }

  #priority(bytes: Buffer, at: number, { length, id }: Sized): void {
    const { streams } = this.#connection
    if (id === 0) throw broken('PRIORITY is of no stream')
    const open = streams.get(id) !== undefined
    if (length !== 5) {
      if (!open) throw missized('PRIORITY')
      return this.#connection.refuse(id, FRAME_SIZE_ERROR)
    }
    if ((bytes.readUInt32BE(at) & 0x7fffffff) !== id) return this.#useless()
    if (!open) throw broken('a stream depends on itself')
    this.#connection.refuse(id, PROTOCOL_ERROR)
  }

  #reset({ length, id }: Sized): void {
    const { streams, patience } = this.#connection
    if (length !== 4) throw missized('RST_STREAM')
    streams.refuseIdle(id)
    patience.reset()
    const stream = streams.get(id)
    if (stream === undefined) return
    this.#connection.forget(stream)
    stream.broken()
  }

  #settings(bytes: Buffer, at: number, { length, flags, id }: Of): void {
    const { patience } = this.#connection
    if (id !== 0) throw broken('SETTINGS is of a stream')
    if ((flags & ACK) !== 0) {
      if (length !== 0) throw missized('an acknowledgement of SETTINGS')
      this.#useless()
      return this.#connection.settingsTaken()
    }
    patience.question()
    const { window, tableBytes } = readSettings(bytes, at, at + length)
    if (tableBytes !== undefined) this.#connection.sender.owesTable = true
    if (window !== undefined) this.#rewindow(window)
    this.#connection.answer(SETTINGS, bytes.subarray(at, at))
  }

  /** §6.9.2: those that are open are changed by the difference, and may fall below zero. */
  #rewindow(window: number): void {
    const { sender, streams } = this.#connection
    const more = window - sender.streamWindow
    sender.streamWindow = window
    for (const stream of streams.all()) {
      stream.window += more
      if (stream.window > LARGEST_WINDOW)
        throw new ConnectionError(FLOW_CONTROL_ERROR, 'a window is too large')
      sender.ready(stream)
    }
  }

  #ping(bytes: Buffer, at: number, { length, flags, id }: Of): void {
    if (id !== 0) throw broken('PING is of a stream')
    if (length !== 8) throw missized('PING')
    if ((flags & ACK) !== 0) return this.#useless()
    this.#connection.patience.question()
    this.#connection.answer(PING, bytes.subarray(at, at + length))
  }

  #windowUpdate(bytes: Buffer, at: number, { length, id }: Sized): void {
    const { streams, sender } = this.#connection
    if (length !== 4) throw missized('WINDOW_UPDATE')
    const more = bytes.readUInt32BE(at) & 0x7fffffff
    this.#useless()
    if (id === 0) {
      if (more === 0) throw broken('WINDOW_UPDATE of nothing')
      sender.window += more
      if (sender.window > LARGEST_WINDOW)
        throw new ConnectionError(FLOW_CONTROL_ERROR, 'a window is too large')
      return
    }
    streams.refuseIdle(id)
    const stream = streams.get(id)
    if (stream === undefined) return
    if (more === 0) return this.#connection.refuse(id, PROTOCOL_ERROR)
    if (stream.window + more > LARGEST_WINDOW) return this.#connection.refuse(id, FLOW_CONTROL_ERROR)
    stream.window += more
    sender.ready(stream)
  }
}

/** What a frame says before its content. */
export interface Of extends Sized {
  flags: number
}

interface Sized {
  length: number
  id: number
}

function broken(message: string): ConnectionError {
  return new ConnectionError(PROTOCOL_ERROR, message)
}

function missized(what: string): ConnectionError {
  return new ConnectionError(FRAME_SIZE_ERROR, `${what} has another size than it may have`)
}

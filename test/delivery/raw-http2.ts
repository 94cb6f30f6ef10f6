import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { literal } from './raw-hpack.ts'

/** Error codes of RFC 9113 §7. */
export const CODE = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const

/** Settings of RFC 9113 §6.5.2. */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const

/** Frame types of RFC 9113 §6. */
export const TYPE = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const

export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4
export const PADDED = 8
export const PRIORITY = 32

export type Fields = readonly (readonly [name: string, value: string])[]

export const GET: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/a'],
  [':authority', 'a'],
]

/** `GET` with fields changed, or dropped where the value is undefined, and others behind. */
export function requestOf(change: Record<string, string | undefined>, ...more: Fields): Fields {
  const kept = GET.map(([name, value]) => [name, name in change ? change[name] : value] as const)
  return [...kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])), ...more]
}

/** A frame of whatever is asked for, right or wrong. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Literal fields that enter no table, their texts without Huffman coding (RFC 7541 §6.2.2). */
export function block(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]))
}

export function headers(fields: Fields, flags: number = END_STREAM | END_HEADERS, stream = 1): Buffer {
  return frame(TYPE.HEADERS, flags, stream, block(fields))
}

export function data(content: string, flags: number, stream = 1): Buffer {
  return frame(TYPE.DATA, flags, stream, Buffer.from(content))
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id)
  bytes.writeUInt32BE(value, 2)
  return bytes
}

export interface Frame {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

/** RFC 9113 §3.4. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** An HTTP/2 connection on which every frame of a request is the test's own. */
export class RawHttp2 {
  readonly frames: Frame[] = []
  readonly closed: Promise<void>
  readonly socket: TLSSocket
  /** How it ended: in order, or with a reset of TCP, which may take with it what was not read yet. */
  fate: 'ended' | 'reset' | undefined
  #rest = Buffer.alloc(0)
  #waiting: (() => void)[] = []

  private constructor(socket: TLSSocket) {
    this.socket = socket
    this.closed = new Promise(resolve => socket.once('close', () => resolve()))
    socket.on('end', () => this.#end('ended'))
    // Who goes on writing to what was closed in order is told so too, and that is no reset of what he reads.
    socket.on('error', ({ syscall }: NodeJS.ErrnoException) =>
      this.#end(syscall === 'write' ? 'ended' : 'reset'),
    )
    socket.on('close', () => this.#end('ended'))
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
  }

  #end(fate: 'ended' | 'reset'): void {
    this.fate ??= fate
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** There is a frame beyond so many, or an end. */
  beyond(count: number): Promise<void> {
    if (this.frames.length > count || this.fate) return Promise.resolve()
    return new Promise<void>(resolve => void this.#waiting.push(resolve)).then(() => this.beyond(count))
  }

  /** Preface and SETTINGS are sent, unless the test begins otherwise. */
  static async open(
    base: string,
    begin: Buffer = Buffer.concat([PREFACE, frame(4, 0, 0)]),
  ): Promise<RawHttp2> {
    const { hostname, port } = new URL(base)
    const socket = connect({
      ...{ host: hostname, port: Number(port), ALPNProtocols: ['h2'], rejectUnauthorized: false },
    })
    await once(socket, 'secureConnect')
    const connection = new RawHttp2(socket)
    socket.write(begin)
    return connection
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames))
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      if (this.#rest.length < 9) return this.#wake()
      const length = this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < 9 + length) return this.#wake()
      const [type = 0, flags = 0] = this.#rest.subarray(3, 5)
      const stream = this.#rest.readUInt32BE(5)
      this.frames.push({ type, flags, stream, payload: this.#rest.subarray(9, 9 + length) })
      this.#rest = this.#rest.subarray(9 + length)
    }
  }

  /** Frames of a type, of one stream where it is named. */
  of(type: number, stream?: number): Frame[] {
    return this.frames.filter(each => each.type === type && (stream === undefined || each.stream === stream))
  }

  /** How a stream has ended so far: answered whole, or reset with a code. */
  end(stream = 1): string | undefined {
    const reset = this.of(TYPE.RST_STREAM, stream)[0]
    if (reset) return `reset ${reset.payload.readUInt32BE()}`
    const whole = this.frames.some(
      each => each.stream === stream && each.type < 2 && (each.flags & END_STREAM) !== 0,
    )
    return whole ? 'answered' : undefined
  }

  /** The code of GOAWAY, once there is one. */
  goneAway(): number | undefined {
    return this.of(TYPE.GOAWAY)[0]?.payload.readUInt32BE(4)
  }

  close(): void {
    this.socket.destroy()
  }
}

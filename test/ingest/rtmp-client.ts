import { randomBytes } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { FlvTag } from '../../src/cmaf/index.ts'
import { readAmf0, type AmfValue } from '../../src/ingest/amf.ts'
import { amf, type Writable } from './amf-writer.ts'

/** What a server answered to a command, or said by itself. */
export interface Said {
  name: string
  transaction: number
  streamId: number
  /** Command object and arguments; objects as plain records. */
  values: unknown[]
}

/** `onStatus`, or the end of the connection without one. */
export interface Status {
  level: string
  code: string
  description: string
}

/** Where an encoder publishes and how it split its URL. */
export interface Target {
  app: string
  stream: string
  /** Default: `rtmp://127.0.0.1:<port>/<app>`. */
  tcUrl?: string
  encoder?: string
}

export interface OpenOptions {
  port: number
  host?: string
  /** Any certificate will do. */
  tls?: boolean
  localAddress?: string
  /** Sent before everything else: a proxy's header. */
  before?: Uint8Array
}

export interface RawMessage {
  type: number
  body: Uint8Array
  chunkStream?: number
  streamId?: number
  timestamp?: number
}

export const TYPE = { audio: 8, video: 9, script: 18 } as const
const CHUNK_STREAM = { audio: 4, video: 6, script: 5 } as const

/** An encoder for tests, or whatever misbehaves like one. */
export class RtmpClient {
  readonly socket: Socket
  readonly port: number
  /** Everything that the server said in commands, in order. */
  readonly said: Said[] = []
  /** Control messages of the server: type and body. */
  readonly control: { type: number; body: Buffer }[] = []
  /** Resolves when the connection is closed, however. */
  readonly closed: Promise<void>
  ended = false
  /** What the connection broke with; undefined while it is open and after an end in good order. */
  broken: Error | undefined
  chunkSize = 128
  #transaction = 0
  #streamId = 1
  #heard = Buffer.alloc(0)
  #shaken = false
  #inChunkSize = 128
  #partial = new Map<number, { length: number; type: number; streamId: number; body: Buffer }>()
  #wake: (() => void)[] = []

  private constructor(socket: Socket, port: number) {
    this.socket = socket
    this.port = port
    this.closed = new Promise(resolve => {
      socket.once('close', () => {
        this.ended = true
        this.#woken()
        resolve()
      })
    })
    socket.on('error', error => (this.broken = error))
    socket.on('data', (bytes: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, bytes])
      if (this.#shaken) this.#listen()
      this.#woken()
    })
  }

  /** Connects and says nothing. */
  static async open({
    port,
    host = '127.0.0.1',
    tls,
    localAddress,
    before,
  }: OpenOptions): Promise<RtmpClient> {
    const tcp = connectTcp({
      port,
      host,
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    await new Promise<void>((resolve, reject) => {
      tcp.once('connect', resolve)
      tcp.once('error', reject)
    })
    if (before !== undefined) tcp.write(before)
    if (!tls) return new RtmpClient(tcp, port)
    const secure = connectTls({ socket: tcp, rejectUnauthorized: false })
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve)
      secure.once('error', reject)
    })
    return new RtmpClient(secure, port)
  }

  /** Opens, shakes hands, connects. */
  static async connected(target: Target, open: OpenOptions): Promise<RtmpClient> {
    const client = await RtmpClient.open(open)
    await client.handshake()
    await client.connect(target)
    return client
  }

  /** Opens and asks to publish; the status tells whether it may. */
  static async publishing(
    target: Target,
    open: OpenOptions,
  ): Promise<{ client: RtmpClient; status: Status }> {
    const client = await RtmpClient.connected(target, open)
    return { client, status: await client.publish(target.stream) }
  }

  async handshake(): Promise<void> {
    const c1 = Buffer.concat([Buffer.alloc(8), randomBytes(1528)])
    this.raw(Buffer.concat([Buffer.from([3]), c1]))
    await this.#until(() => this.#heard.length >= 1 + 2 * 1536, 'the handshake')
    this.raw(this.#heard.subarray(1, 1 + 1536))
    this.#heard = this.#heard.subarray(1 + 2 * 1536)
    this.#shaken = true
    this.#listen()
  }

  /** Sends `connect` and waits for the answer. */
  async connect({ app, tcUrl, encoder }: Target): Promise<Said> {
    const properties = {
      app,
      type: 'nonprivate',
      flashVer: encoder ?? 'FMLE/3.0 (test)',
      tcUrl: tcUrl ?? `rtmp://127.0.0.1:${this.port}/${app}`,
    }
    return this.call('connect', properties)
  }

  /** Everything an encoder says before media; resolves with the first status, or with code `closed`. */
  async publish(stream: string): Promise<Status> {
    this.command('releaseStream', null, stream)
    this.command('FCPublish', null, stream)
    const { values } = await this.call('createStream', null)
    this.#streamId = Number(values[1])
    return this.publishOn(this.#streamId, stream)
  }

  /** Sends `publish` alone. */
  async publishOn(streamId: number, stream: string): Promise<Status> {
    const before = this.statuses.length
    this.message({ type: 20, streamId, body: amf('publish', ++this.#transaction, null, stream, 'live') })
    return this.nextStatus(before)
  }

  get statuses(): Status[] {
    return this.said.filter(({ name }) => name === 'onStatus').map(({ values }) => values[1] as Status) // the shape of every status
  }

  /** The status after the first `known`; code `closed` when the connection ends without one. */
  async nextStatus(known = 0): Promise<Status> {
    await this.#until(() => this.statuses.length > known || this.ended, 'a status')
    return this.statuses[known] ?? { level: 'none', code: 'closed', description: '' }
  }

  send({ type, timestamp, data }: FlvTag): void {
    this.message({
      type: TYPE[type],
      chunkStream: CHUNK_STREAM[type],
      streamId: this.#streamId,
      timestamp,
      body: data,
    })
  }

  /** Sends a command and does not wait; returns its transaction. */
  command(name: string, ...values: Writable[]): number {
    const transaction = ++this.#transaction
    this.message({ type: 20, body: amf(name, transaction, ...values) })
    return transaction
  }

  /** Sends a command and waits for its `_result` or `_error`. */
  async call(name: string, ...values: Writable[]): Promise<Said> {
    const transaction = this.command(name, ...values)
    const answer = (): Said | undefined =>
      this.said.find(said => said.transaction === transaction && /^_(result|error)$/.test(said.name))
    await this.#until(() => answer() !== undefined || this.ended, `an answer to ${name}`)
    const found = answer()
    if (found === undefined) throw new Error(`the connection was closed instead of an answer to ${name}`)
    return found
  }

  message(message: RawMessage): void {
    this.raw(chunks(message, this.chunkSize))
  }

  setChunkSize(size: number): void {
    const body = Buffer.alloc(4)
    body.writeUInt32BE(size)
    this.message({ type: 1, chunkStream: 2, body })
    this.chunkSize = size
  }

  raw(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  /** As encoders end: `FCUnpublish`, `deleteStream`, then the connection. */
  async unpublish(stream: string): Promise<void> {
    this.command('FCUnpublish', null, stream)
    this.command('deleteStream', null, this.#streamId)
    this.socket.end()
    await this.closed
  }

  destroy(): void {
    this.socket.destroy()
  }

  #woken(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 10_000
    while (!holds()) {
      if (this.ended) throw new Error(`the connection was closed before ${what} came`)
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`${what} did not come`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#wake.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #listen(): void {
    for (let step = this.#chunk(); step > 0; step = this.#chunk()) this.#heard = this.#heard.subarray(step)
  }

  /** Reads one chunk of what was heard and returns its length; 0 when it is not whole yet. */
  #chunk(): number {
    const heard = this.#heard
    if (heard.length < 12) return this.#continued(heard)
    const format = heard[0]! >> 6
    if (format === 3) return this.#continued(heard)
    if (format !== 0) throw new Error('the server used a header that this client does not read')
    const id = heard[0]! & 0x3f
    const message = {
      length: heard.readUIntBE(4, 3),
      type: heard[7]!,
      streamId: heard.readUInt32LE(8),
      body: Buffer.alloc(0),
    }
    const take = Math.min(message.length, this.#inChunkSize)
    if (heard.length < 12 + take) return 0
    this.#partial.set(id, message)
    this.#append(id, heard.subarray(12, 12 + take))
    return 12 + take
  }

  #continued(heard: Buffer): number {
    if (heard.length === 0 || heard[0]! >> 6 !== 3) return 0
    const id = heard[0]! & 0x3f
    const message = this.#partial.get(id)
    if (message === undefined) throw new Error('the server continued a message that it did not begin')
    const take = Math.min(message.length - message.body.length, this.#inChunkSize)
    if (heard.length < 1 + take) return 0
    this.#append(id, heard.subarray(1, 1 + take))
    return 1 + take
  }

  #append(id: number, bytes: Buffer): void {
    const message = this.#partial.get(id)!
    message.body = Buffer.concat([message.body, bytes])
    if (message.body.length < message.length) return
    this.#partial.delete(id)
    const { type, streamId, body } = message
    if (type === 1) this.#inChunkSize = body.readUInt32BE()
    if (type !== 20) return void this.control.push({ type, body })
    const [name, transaction, ...values] = readAmf0(body)
    this.said.push({
      name: typeof name === 'string' ? name : '',
      transaction: Number(transaction),
      streamId,
      values: values.map(plain),
    })
  }
}

/** One message in chunks of at most `chunkSize`, with full and empty headers. */
export function chunks(message: RawMessage, chunkSize: number): Buffer {
  const { type, body, chunkStream = 3, streamId = 0, timestamp = 0 } = message
  const extended = timestamp >= 0xffffff
  const head = Buffer.alloc(12)
  head[0] = chunkStream
  head.writeUIntBE(extended ? 0xffffff : timestamp, 1, 3)
  head.writeUIntBE(body.length, 4, 3)
  head[7] = type
  head.writeUInt32LE(streamId, 8)
  const more = Buffer.alloc(extended ? 4 : 0)
  if (extended) more.writeUInt32BE(timestamp)
  const parts: Uint8Array[] = [head, more]
  for (let at = 0; at < body.length; at += chunkSize) {
    if (at > 0) parts.push(Buffer.from([0xc0 | chunkStream]), more)
    parts.push(body.subarray(at, at + chunkSize))
  }
  return Buffer.concat(parts)
}

function plain(value: AmfValue): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [key, plain(item as AmfValue)])) // a map of AMF values
  return value
}

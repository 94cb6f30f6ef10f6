import { KiB, type Bytes } from '../core/index.ts'
import { fault } from './fault.ts'
import { headerFault, MESSAGE, type Allowed, type Message } from './message.ts'
import {
  HANDSHAKE_DONE,
  newPacket,
  READING_PAYLOAD,
  RtmpParts,
  type Encodable,
  type RtmpPacket,
} from './node-media-server.ts'

/** Encoders use five; each one costs memory. */
const MOST_CHUNK_STREAMS = 16
const LARGEST_CHUNK: Bytes = 1024 * KiB
/** All partly received messages of a connection that may not publish yet. */
const PENDING_OF_A_STRANGER: Bytes = 32 * KiB
/** Room that a message is given at once; what is announced beyond it is found as bytes arrive. */
const ROOM: Readonly<Record<Allowed, Bytes>> = { commands: 1 * KiB, media: 256 * KiB }
/** Bytes between acknowledgements until the encoder names a window (5.4.3). */
const ACKNOWLEDGE_EVERY: Bytes = 2_500_000
const PING_REQUEST = 6
const PING_RESPONSE = 7
const NOTHING = Buffer.alloc(0)

export interface WireOptions {
  send: (bytes: Buffer) => void
  /** Takes each message but those that steer the connection itself. What it throws ends the connection. */
  take: (message: Message) => void
  /** Partly received messages of a publisher. */
  pending: Bytes
}

/**
 * Handshake, chunks and messages of one connection (Adobe RTMP 1.0, 5): node-media-server's parser with the limits
 * that it lacks. It throws `bad-rtmp` at the first thing that breaks the protocol and is of no use after that.
 */
export class Wire extends RtmpParts {
  readonly #options: WireOptions
  #allowed: Allowed = 'commands'
  #held = false
  #deaf = false
  #kept: Buffer[] = []
  /** Bytes of the read under way: no message can grow by more. */
  #incoming = 0
  #pending = 0
  #received = 0
  #acknowledged = 0
  #window = ACKNOWLEDGE_EVERY

  constructor(options: WireOptions) {
    super()
    this.#options = options
    this.onOutputCallback = options.send
  }

  get handshaken(): boolean {
    return this.handshakeState === HANDSHAKE_DONE
  }

  /** Takes what came from the socket. */
  feed(bytes: Buffer): void {
    if (this.#deaf || bytes.length === 0) return
    if (this.#received === 0 && bytes[0] !== 3) throw fault(`RTMP version ${bytes[0]} is not spoken here.`)
    this.#received += bytes.length
    if (this.#held) this.#kept.push(bytes)
    else this.#parse(bytes)
    this.#acknowledge()
  }

  /** From the message that is being taken on, bytes are kept and not looked at. */
  hold(): void {
    this.#held = true
  }

  /** Ends the hold: media may come, the kept bytes first. */
  openForMedia(): void {
    this.#allowed = 'media'
    this.#held = false
    for (const bytes of this.#kept.splice(0)) this.#parse(bytes)
  }

  /** Drops whatever comes from now on. */
  ignore(): void {
    this.#deaf = true
    this.#kept = []
    this.inPackets.clear()
    this.#pending = 0
  }

  /** Answers a command. */
  result(transaction: number, values: { cmdObj?: Encodable; info?: Encodable }): void {
    this.sendInvokeMessage(0, { cmd: '_result', transId: transaction, cmdObj: null, ...values })
  }

  #parse(bytes: Buffer): void {
    try {
      this.parserData(bytes)
    } catch (error) {
      // What stands behind an encoder's last word may be anything.
      if (!this.#deaf) throw error
    }
    if (this.handshaken && this.handshakePayload.length > 0) this.handshakePayload = NOTHING
  }

  /**
   * The parser reads on to the end of what it is given. So a stranger's bytes are given to it up to the end of a
   * header or chunk only: what follows a `publish` is not even parsed.
   */
  override chunkRead(data: Buffer, from: number, length: number): string | null {
    if (this.#allowed === 'media') return this.#read(data, from, length)
    const end = from + length
    for (let at = from; at < end && !this.#deaf;) {
      if (this.#held) {
        this.#kept.push(data.subarray(at, end))
        return null
      }
      const step = Math.min(this.#untilBoundary(), end - at)
      this.#read(data, at, step)
      at += step
    }
    return null
  }

  #read(data: Buffer, from: number, length: number): string | null {
    this.#incoming = length
    if (this.parserState === READING_PAYLOAD || this.parserPacket.bytes > 0) this.#makeRoom(this.parserPacket)
    return super.chunkRead(data, from, length)
  }

  #untilBoundary(): number {
    if (this.parserState !== READING_PAYLOAD) return 1
    return Math.max(1, this.#chunkLeft(this.parserPacket))
  }

  #chunkLeft({ bytes, header }: RtmpPacket): Bytes {
    return Math.min(this.inChunkSize - (bytes % this.inChunkSize), header.length - bytes)
  }

  /** A chunk's header is complete. */
  override packetParse(): void {
    const [first = 0, low = 0, high = 0] = this.parserBuffer
    const format = first >> 6
    // 5.3.1.1: the third byte counts 256.
    const id = [first & 0x3f, 64 + low, 64 + low + high * 256][this.parserBasicBytes - 1] ?? 0
    const packet = this.inPackets.get(id) ?? this.#newChunkStream(format, id)
    this.parserPacket = packet
    packet.header.fmt = format
    const { length, type } = packet.header
    this.chunkMessageHeaderRead()
    if (packet.bytes > 0) {
      if (packet.header.length !== length || packet.header.type !== type) {
        throw fault('A message changed its length or type on the way.')
      }
      this.#makeRoom(packet)
    }
    const why = headerFault(packet.header.type, packet.header.length, this.#allowed)
    if (why !== undefined) throw fault(why)
  }

  #newChunkStream(format: number, id: number): RtmpPacket {
    if (this.inPackets.size >= MOST_CHUNK_STREAMS)
      throw fault(`More than ${MOST_CHUNK_STREAMS} chunk streams are open.`)
    // librtmp begins a chunk stream with format 1 when it answers a ping.
    if (format > 1) throw fault('A chunk stream begins without a full header.')
    const packet = newPacket(format, id)
    this.inPackets.set(id, packet)
    return packet
  }

  /** A message begins. */
  override packetAlloc(): void {
    // The parser drops whatever lies past 32 bits, for ever; 5.3.1.2.1 lets time wrap.
    this.parserPacket.clock = this.parserPacket.clock >>> 0
    this.#makeRoom(this.parserPacket)
  }

  /** The parser copies without looking at the room that is left. */
  #makeRoom(packet: RtmpPacket): void {
    const needed = packet.bytes + Math.min(this.#chunkLeft(packet), this.#incoming)
    if (needed <= packet.capacity) return
    // What has filled its first room is believed to be as long as it says: its memory is touched as bytes arrive, and
    // growing step by step would leave as much again behind.
    const grown =
      this.#allowed === 'media' && packet.capacity > 0 ? packet.header.length : 2 * packet.capacity
    const room = Math.max(needed, grown, ROOM[this.#allowed])
    const capacity = Math.min(packet.header.length, room)
    this.#pending += capacity - packet.capacity
    const most = this.#allowed === 'media' ? this.#options.pending : PENDING_OF_A_STRANGER
    if (this.#pending > most) throw fault(`More than ${most} bytes of messages are unfinished.`)
    const payload = Buffer.allocUnsafe(capacity)
    packet.payload.copy(payload, 0, 0, packet.bytes)
    packet.payload = payload
    packet.capacity = capacity
  }

  /** Takes a packet's payload away, so that the next message is read into memory of its own and nothing is copied. */
  #empty(packet: RtmpPacket): Buffer {
    const { payload } = packet
    this.#pending -= packet.capacity
    packet.payload = NOTHING
    packet.capacity = 0
    packet.bytes = 0
    return payload
  }

  /** A message is complete. */
  override packetHandler(): void {
    const { header, clock } = this.parserPacket
    const body = this.#empty(this.parserPacket)
    if (this.#deaf) return
    if (body.length !== header.length) throw fault('A message is not whole.')
    switch (header.type) {
      case MESSAGE.setChunkSize:
        return this.#setChunkSize(body.readUInt32BE())
      case MESSAGE.abort:
        return this.#abort(body.readUInt32BE())
      case MESSAGE.windowSize:
        return this.#setWindow(body.readUInt32BE())
      case MESSAGE.userControl:
        if (body.readUInt16BE() === PING_REQUEST && body.length >= 6) {
          this.sendStreamStatus(PING_RESPONSE, body.readUInt32BE(2))
        }
        return
      case MESSAGE.acknowledgement:
      case MESSAGE.peerBandwidth:
        return
      default:
        this.#options.take({ type: header.type, timestamp: clock, streamId: header.stream_id, body })
    }
  }

  #setChunkSize(size: Bytes): void {
    if (size < 1 || size > LARGEST_CHUNK) throw fault(`A chunk size of ${size} is not taken.`)
    // The parser finds the end of a chunk by the size of all chunks of its message.
    for (const { bytes } of this.inPackets.values()) {
      if (bytes > 0 && size !== this.inChunkSize) throw fault('The chunk size changed inside a message.')
    }
    this.inChunkSize = size
  }

  #abort(id: number): void {
    const packet = this.inPackets.get(id)
    if (packet !== undefined) this.#empty(packet)
  }

  #setWindow(size: Bytes): void {
    if (size === 0) throw fault('An acknowledgement window of 0 bytes is not taken.')
    this.#window = size
  }

  /** Encoders wait when nothing is acknowledged (5.4.3). At most once a read, however small the window. */
  #acknowledge(): void {
    if (!this.handshaken || this.#deaf || this.#received - this.#acknowledged < this.#window) return
    this.#acknowledged = this.#received
    this.sendACK(this.#received % 2 ** 32)
  }
}

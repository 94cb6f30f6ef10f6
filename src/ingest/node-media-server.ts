import { createRequire } from 'node:module'

/**
 * The door to node-media-server: of it, the class that speaks RTMP. What is declared here are internals of exactly
 * the version that package.json names; test/ingest/node-media-server.test.ts fails when another one differs.
 */
const require = createRequire(import.meta.url)

/** A message while its chunks come in; kept per chunk stream, since later headers leave out what has not changed. */
export interface RtmpPacket {
  header: { fmt: number; cid: number; timestamp: number; length: number; type: number; stream_id: number }
  /** Of the message, in milliseconds; grows past 32 bits unless it is wrapped. */
  clock: number
  payload: Buffer
  /** Usable bytes of `payload`. */
  capacity: number
  /** Of the payload, so far. */
  bytes: number
}

/** One value of a command that is sent; an array that is marked `sarray` becomes a strict array. */
export type Encodable =
  string | number | boolean | null | undefined | Encodable[] | { [name: string]: Encodable }

export interface RtmpParser {
  handshakePayload: Buffer
  handshakeState: number
  handshakeBytes: number
  parserBuffer: Buffer
  parserState: number
  parserBytes: number
  parserBasicBytes: number
  parserPacket: RtmpPacket
  inPackets: Map<number, RtmpPacket>
  inChunkSize: number
  outChunkSize: number
  streams: number
  onOutputCallback: (bytes: Buffer) => void

  parserData(bytes: Buffer): string | null
  chunkRead(data: Buffer, from: number, length: number): string | null
  packetParse(): void
  chunkMessageHeaderRead(): number
  packetAlloc(): void
  packetHandler(): void
  sendACK(bytes: number): void
  sendWindowACK(bytes: number): void
  setPeerBandwidth(bytes: number, type: number): void
  setChunkSize(bytes: number): void
  /** Any user control event with one number of 32 bits. */
  sendStreamStatus(event: number, value: number): void
  /** Only the commands and arguments that its own table names are sent. */
  sendInvokeMessage(streamId: number, command: { cmd: string; [argument: string]: Encodable }): void
  sendStatusMessage(streamId: number, level: string, code: string, description: string): void
  respondCreateStream(transaction: number): void
}

/** `handshakeState` when both sides have shaken hands. */
export const HANDSHAKE_DONE = 3
/** `parserState` while the payload of a chunk is read. */
export const READING_PAYLOAD = 4

const Rtmp = require('node-media-server/src/protocol/rtmp.js') as { prototype: RtmpParser } // a CommonJS class without types
const logger = require('node-media-server/src/core/logger.js') as { log: () => void } // as above
// It prints on the console whatever its level.
logger.log = () => undefined

export function newPacket(fmt = 0, cid = 0): RtmpPacket {
  const header = { fmt, cid, timestamp: 0, length: 0, type: 0, stream_id: 0 }
  return { header, clock: 0, payload: Buffer.alloc(0), capacity: 0, bytes: 0 }
}

/** Does what the class's own constructor does, but for an FLV reader of 1 MiB that nothing here would use. */
function parts(this: RtmpParser): void {
  this.handshakePayload = Buffer.alloc(1536)
  this.handshakeState = 0
  this.handshakeBytes = 0
  this.parserBuffer = Buffer.alloc(18)
  this.parserState = 0
  this.parserBytes = 0
  this.parserBasicBytes = 0
  this.parserPacket = newPacket()
  this.inPackets = new Map()
  this.inChunkSize = 128
  this.outChunkSize = 0xffff
  this.streams = 0
  this.onOutputCallback = () => undefined
}
parts.prototype = Rtmp.prototype

/** node-media-server's RTMP class, to be extended; it has none of the limits that a stranger must meet. */
export const RtmpParts = parts as unknown as new () => RtmpParser // a function with a prototype is a constructor

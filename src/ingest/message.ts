import { KiB, MiB, type Bytes } from '../core/index.ts'

/** One RTMP message (Adobe RTMP 1.0, 6). The body is fresh and belongs to whoever takes the message. */
export interface Message {
  type: number
  /** Milliseconds, 32 bits, wraps. */
  timestamp: number
  streamId: number
  body: Buffer
}

export const MESSAGE = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowSize: 5,
  peerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  commandAmf3: 17,
  data: 18,
  command: 20,
} as const

/** What a connection may send: nothing but commands until it may publish. */
export type Allowed = 'commands' | 'media'

interface Cap {
  least: Bytes
  most: Bytes
  publishersOnly: boolean
}

const cap = (least: Bytes, most: Bytes): Cap => ({ least, most, publishersOnly: false })
const media = (least: Bytes, most: Bytes): Cap => ({ least, most, publishersOnly: true })

/** By type; whatever is not here is refused, shared objects and aggregates among it. */
const CAPS: (Cap | undefined)[] = []
CAPS[MESSAGE.setChunkSize] = cap(4, 4)
CAPS[MESSAGE.abort] = cap(4, 4)
CAPS[MESSAGE.acknowledgement] = cap(4, 4)
CAPS[MESSAGE.userControl] = cap(2, 64)
CAPS[MESSAGE.windowSize] = cap(4, 4)
CAPS[MESSAGE.peerBandwidth] = cap(5, 5)
CAPS[MESSAGE.command] = cap(1, 16 * KiB)
CAPS[MESSAGE.commandAmf3] = cap(2, 16 * KiB)
// Encoders send empty audio and video messages; they carry nothing and are passed over.
CAPS[MESSAGE.audio] = media(0, 1 * MiB)
CAPS[MESSAGE.video] = media(0, 8 * MiB)
CAPS[MESSAGE.data] = media(1, 64 * KiB)
CAPS[MESSAGE.dataAmf3] = media(2, 64 * KiB)

/** Why a message with this header is refused, before a byte of it is kept; undefined when it may come. */
export function headerFault(type: number, length: Bytes, allowed: Allowed): string | undefined {
  const found = CAPS[type]
  if (found === undefined) return `Message type ${type} is not taken.`
  if (found.publishersOnly && allowed !== 'media')
    return `Message type ${type} came before publishing was allowed.`
  if (length < found.least || length > found.most) return `A message of type ${type} has ${length} bytes.`
  return undefined
}

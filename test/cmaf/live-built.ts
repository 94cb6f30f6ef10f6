import type { FlvTag } from '../../src/cmaf/index.ts'

/** `avcC` of 320 x 180 that states 30 frames a second. */
export const SMALL = Buffer.from(
  '0164000dffe1001a6764000dacd941419f9f0110000003001000000303c0f142996001000468ef8fcbfdf8f800',
  'hex',
)
/** The same size, and no rate: profile, ids and counts, 20 x 12 blocks, cropping, no usability information. */
export const UNSTATED = avcConfig('1 1 011 010 0 000010100 0001100 1 1 1 1 1 1 00111 0 1')

function avcConfig(parameters: string): Buffer {
  const bits = parameters.replaceAll(' ', '').match(/.{1,8}/g) ?? []
  const sps = Buffer.from([0x67, 0x42, 0xc0, 0x0d, ...bits.map(byte => parseInt(byte.padEnd(8, '0'), 2))])
  return Buffer.concat([
    Buffer.from([1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, sps.length]),
    sps,
    Buffer.from('01000468ce3c80', 'hex'),
  ])
}

export const STEREO = Buffer.from('1190', 'hex')
export const MONO = Buffer.from('1208', 'hex')
export const AAC_FRAME_MS = 1024 / 48

export function videoHeader(config: Uint8Array = SMALL, timestamp = 0): FlvTag {
  return { type: 'video', timestamp, data: Buffer.concat([Buffer.from('1700000000', 'hex'), config]) }
}

export function audioHeader(config: Uint8Array = STEREO, timestamp = 0): FlvTag {
  return { type: 'audio', timestamp, data: Buffer.concat([Buffer.from('af00', 'hex'), config]) }
}

export interface Picture {
  keyframe?: boolean
  offset?: number
  bytes?: number
}

/** One NAL unit of a picture; no decoder would show it. */
export function videoFrame(
  timestamp: number,
  { keyframe = false, offset = 0, bytes = 200 }: Picture = {},
): FlvTag {
  const data = Buffer.alloc(5 + 4 + bytes, 0x5a)
  data[0] = keyframe ? 0x17 : 0x27
  data[1] = 1
  data.writeIntBE(offset, 2, 3)
  data.writeUInt32BE(bytes, 5)
  data[9] = keyframe ? 0x65 : 0x41
  return { type: 'video', timestamp: timestamp >>> 0, data }
}

export function audioFrame(timestamp: number, bytes = 100): FlvTag {
  const data = Buffer.alloc(2 + bytes, 0x5a)
  data[0] = 0xaf
  data[1] = 1
  return { type: 'audio', timestamp: timestamp >>> 0, data }
}

export interface Stretch {
  from: number
  /** Not included. */
  to: number
  fps?: number
  /** Frames from keyframe to keyframe; the first frame of the stretch is one. */
  gop?: number
  /** Added to the times that are sent. */
  shift?: number
}

/** Pictures of a constant rate, at times rounded to milliseconds. */
export function pictures({ from, to, fps = 30, gop = 60, shift = 0 }: Stretch): FlvTag[] {
  const count = Math.ceil(((to - from) * fps) / 1000 - 1e-9)
  return Array.from({ length: count }, (_, frame) =>
    videoFrame(Math.round(from + (frame * 1000) / fps) + shift, { keyframe: frame % gop === 0 }),
  )
}

export function sounds({ from, to, shift = 0 }: Pick<Stretch, 'from' | 'to' | 'shift'>): FlvTag[] {
  const count = Math.ceil((to - from) / AAC_FRAME_MS - 1e-9)
  return Array.from({ length: count }, (_, frame) =>
    audioFrame(Math.round(from + frame * AAC_FRAME_MS) + shift),
  )
}

/** Feeds in the order of their times, which do not wrap; the first of equals first. */
export function mixed(...feeds: readonly FlvTag[][]): FlvTag[] {
  return feeds.flat().sort((one, other) => one.timestamp - other.timestamp)
}

/** Both headers, then picture and sound. */
export function both(stretch: Stretch): FlvTag[] {
  return [videoHeader(), audioHeader(), ...mixed(pictures(stretch), sounds(stretch))]
}

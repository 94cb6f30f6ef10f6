/** What audio and video tags hold (Adobe FLV 10.1, E.4.2 and E.4.3; Enhanced RTMP v1, and v2 for its sound). */
import type { FlvTag } from '../flv-tag.ts'

export type VideoCoding = 'avc1' | 'hvc1' | 'av01'

export type MediaTag =
  | { kind: 'video-config'; coding: VideoCoding; config: Uint8Array }
  | { kind: 'audio-config'; config: Uint8Array }
  /** One access unit as ISO base media files hold it; the offset is composition minus decoding time in milliseconds. */
  | { kind: 'video'; coding: VideoCoding; flaggedKey: boolean; offset: number; data: Uint8Array }
  /** One AAC frame without a header. */
  | { kind: 'audio'; data: Uint8Array }
  /** Media in a coding that goes into no segment. */
  | { kind: 'unsupported'; track: 'video' | 'audio'; coding: string }
  /** Nothing to show: metadata, the end of a sequence, commands. */
  | { kind: 'nothing' }
  /** Too short, or contradicts itself. */
  | { kind: 'unreadable' }

const NOTHING: MediaTag = { kind: 'nothing' }
const UNREADABLE: MediaTag = { kind: 'unreadable' }

const CODINGS: readonly VideoCoding[] = ['avc1', 'hvc1', 'av01']
const VIDEO_IDS: Record<number, string> = {
  2: 'H.263',
  3: 'Screen video',
  4: 'VP6',
  5: 'VP6',
  6: 'Screen video 2',
}
const SOUND_IDS: Record<number, string> = {
  1: 'ADPCM',
  2: 'MP3',
  7: 'G.711',
  8: 'G.711',
  11: 'Speex',
  14: 'MP3',
}

const AVC = 7
const AAC = 10
const EXTENDED_VIDEO = 0x80
const EXTENDED_SOUND = 9
const KEYFRAME = 1
const COMMAND = 5

/** Packet types of Enhanced RTMP; AVC's and AAC's first two mean the same. */
const SEQUENCE_START = 0
const CODED = 1
const CODED_WITHOUT_OFFSET = 3
/** Several tracks in one message, and extensions in front of one: not read. */
const MULTITRACK = 6
const EXTENSION = 7
const SOUND_MULTITRACK = 5

/** A frame of eight channels has at most 6 KiB. */
const LARGEST_AUDIO_FRAME = 64 * 1024

export function readMediaTag(tag: FlvTag): MediaTag {
  switch (tag.type) {
    case 'video':
      return readVideo(tag.data)
    case 'audio':
      return readAudio(tag.data)
    case 'script':
      return NOTHING
  }
}

function readVideo(data: Uint8Array): MediaTag {
  const first = data[0]
  if (first === undefined) return NOTHING
  const frameType = (first >> 4) & 7
  if (frameType === COMMAND) return NOTHING
  const flaggedKey = frameType === KEYFRAME
  if ((first & EXTENDED_VIDEO) !== 0) return readExtendedVideo(data, first & 15, flaggedKey)
  if ((first & 15) !== AVC) {
    return {
      kind: 'unsupported',
      track: 'video',
      coding: VIDEO_IDS[first & 15] ?? `video coding ${first & 15}`,
    }
  }
  switch (data[1]) {
    case SEQUENCE_START:
      return { kind: 'video-config', coding: 'avc1', config: data.subarray(5) }
    case CODED:
      return picture(data, { coding: 'avc1', flaggedKey, from: 5, offset: signed24(data, 2) })
    case undefined:
      return UNREADABLE
    default:
      return NOTHING
  }
}

function readExtendedVideo(data: Uint8Array, packet: number, flaggedKey: boolean): MediaTag {
  if (packet === MULTITRACK || packet === EXTENSION) {
    return { kind: 'unsupported', track: 'video', coding: 'multitrack video' }
  }
  const name = fourCharacters(data)
  if (name === undefined) return UNREADABLE
  const coding = CODINGS.find(known => known === name)
  if (!coding) return { kind: 'unsupported', track: 'video', coding: name }
  if (packet === SEQUENCE_START) return { kind: 'video-config', coding, config: data.subarray(5) }
  if (packet === CODED && coding !== 'av01') {
    return picture(data, { coding, flaggedKey, from: 8, offset: signed24(data, 5) })
  }
  if (packet === CODED || packet === CODED_WITHOUT_OFFSET) {
    return picture(data, { coding, flaggedKey, from: 5, offset: 0 })
  }
  return NOTHING
}

interface Picture {
  coding: VideoCoding
  flaggedKey: boolean
  /** Where the access unit begins. */
  from: number
  offset: number
}

function picture(data: Uint8Array, { coding, flaggedKey, from, offset }: Picture): MediaTag {
  if (data.length <= from) return UNREADABLE
  return { kind: 'video', coding, flaggedKey, offset, data: data.subarray(from) }
}

function readAudio(data: Uint8Array): MediaTag {
  const first = data[0]
  if (first === undefined) return NOTHING
  const format = first >> 4
  if (format === EXTENDED_SOUND) return readExtendedAudio(data, first & 15)
  if (format !== AAC) {
    return { kind: 'unsupported', track: 'audio', coding: SOUND_IDS[format] ?? `sound format ${format}` }
  }
  if (data[1] === undefined) return UNREADABLE
  return sound(data[1], data.subarray(2))
}

function readExtendedAudio(data: Uint8Array, packet: number): MediaTag {
  if (packet === SOUND_MULTITRACK || packet === EXTENSION) {
    return { kind: 'unsupported', track: 'audio', coding: 'multitrack audio' }
  }
  const name = fourCharacters(data)
  if (name === undefined) return UNREADABLE
  if (name !== 'mp4a') return { kind: 'unsupported', track: 'audio', coding: name }
  return sound(packet, data.subarray(5))
}

function sound(packet: number, data: Uint8Array): MediaTag {
  if (packet === SEQUENCE_START) return { kind: 'audio-config', config: data }
  if (packet !== CODED) return NOTHING
  if (data.length === 0 || data.length > LARGEST_AUDIO_FRAME) return UNREADABLE
  return { kind: 'audio', data }
}

/** The name of the coding behind the first byte, safe to print. */
function fourCharacters(data: Uint8Array): string | undefined {
  if (data.length < 5) return undefined
  return String.fromCharCode(...data.subarray(1, 5)).replace(/[^ -~]/g, '?')
}

function signed24(data: Uint8Array, at: number): number {
  const high = ((data[at] ?? 0) << 24) | ((data[at + 1] ?? 0) << 16)
  return (high | ((data[at + 2] ?? 0) << 8)) >> 8
}

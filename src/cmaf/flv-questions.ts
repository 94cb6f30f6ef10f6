/** What a tag is, from its first bytes (Adobe FLV 10.1, E.4.2 and E.4.3; Enhanced RTMP v1 and v2). */
import type { FlvTag } from './flv-tag.ts'

const AVC = 7
const AAC = 10
/** SoundFormat of Enhanced RTMP: the codec's four characters follow. */
const EXTENDED_SOUND = 9
/** Enhanced RTMP: the low four bits are a packet type, the codec's four characters follow. */
const EXTENDED_VIDEO = 0x80
const SEQUENCE_START = 0
const CODED = 1
const CODED_WITHOUT_OFFSET = 3
const KEYFRAME = 1

/** AMF0: a string of ten characters. */
const METADATA = [2, 0, 10, ...[...'onMetaData'].map(letter => letter.charCodeAt(0))]

/** Of which track the tag is the decoder's configuration; undefined for every other tag. */
export function sequenceHeaderOf(tag: FlvTag): 'video' | 'audio' | undefined {
  const [first = 0, second] = tag.data
  if (tag.type === 'video') {
    const starts =
      (first & EXTENDED_VIDEO) !== 0 ? (first & 15) === SEQUENCE_START : isAvc(first) && second === 0
    return starts && tag.data.length > 1 ? 'video' : undefined
  }
  if (tag.type !== 'audio') return undefined
  const format = first >> 4
  const starts = format === EXTENDED_SOUND ? (first & 15) === SEQUENCE_START : format === AAC && second === 0
  return starts && tag.data.length > 1 ? 'audio' : undefined
}

/** Whether the tag is a picture that depends on none before it. */
export function isKeyframe(tag: FlvTag): boolean {
  const [first = 0, second] = tag.data
  if (tag.type !== 'video' || ((first >> 4) & 7) !== KEYFRAME) return false
  const packet = first & 15
  if ((first & EXTENDED_VIDEO) !== 0) return packet === CODED || packet === CODED_WITHOUT_OFFSET
  return isAvc(first) && second === 1
}

/** Whether the tag is `onMetaData`: what the encoder says of the stream. */
export function isMetadata(tag: FlvTag): boolean {
  return tag.type === 'script' && METADATA.every((byte, at) => tag.data[at] === byte)
}

function isAvc(first: number): boolean {
  return (first & 15) === AVC
}

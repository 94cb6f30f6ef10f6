import { describe, expect, test } from 'vitest'
import {
  FlvReader,
  LARGEST_TAG,
  encodeFlvHeader,
  encodeFlvTag,
  isKeyframe,
  isMetadata,
  sequenceHeaderOf,
  type FlvTag,
} from '../../src/cmaf/index.ts'
import { feedOf } from './live-feed.ts'
import { AAC, H264, picture, tone } from './made-movies.ts'

const TAGS: FlvTag[] = [
  { type: 'script', timestamp: 0, data: Buffer.from('\x02\x00\x0aonMetaData\x08', 'latin1') },
  { type: 'video', timestamp: 0x12345678, data: Uint8Array.of(0x17, 0, 0, 0, 0, 1) },
  { type: 'audio', timestamp: 0xffffffff, data: Uint8Array.of(0xaf, 1, 2, 3) },
  { type: 'audio', timestamp: 0x80000000, data: new Uint8Array(0) },
  { type: 'video', timestamp: 0, data: new Uint8Array(70_000).fill(7) },
]

const plain = (tags: readonly FlvTag[]): unknown[] =>
  tags.map(({ type, timestamp, data }) => ({ type, timestamp, data: Buffer.from(data).toString('hex') }))
const file = (tags: readonly FlvTag[]): Buffer =>
  Buffer.concat([encodeFlvHeader(), ...tags.flatMap(tag => encodeFlvTag(tag))])

function inPieces(bytes: Uint8Array, size: number): FlvTag[] {
  const reader = new FlvReader()
  const tags: FlvTag[] = []
  for (let at = 0; at < bytes.length; at += size) tags.push(...reader.push(bytes.slice(at, at + size)))
  return tags
}

describe('tags are framed as FLV', () => {
  test('byte for byte', () => {
    expect(Buffer.from(encodeFlvHeader()).toString('hex')).toBe('464c5601050000000900000000')
    const tag: FlvTag = { type: 'audio', timestamp: 0x12345678, data: Uint8Array.of(0xaf, 1) }
    const [head, data, trailer] = encodeFlvTag(tag).map(part => Buffer.from(part).toString('hex'))
    expect([head, data, trailer]).toEqual(['0800000234567812000000', 'af01', '0000000d'])
  })

  test('without copying their data', () => {
    for (const tag of TAGS) expect(encodeFlvTag(tag)[1]).toBe(tag.data)
  })

  test('but not above 8 MiB', () => {
    const data = new Uint8Array(LARGEST_TAG + 1)
    expect(() => encodeFlvTag({ type: 'video', timestamp: 0, data })).toThrow(
      expect.objectContaining({ code: 'bad-flv' }),
    )
  })
})

describe('a stream of FLV is cut into tags', () => {
  test.each([1, 2, 3, 7, 11, 13, 64, 1000, 65_536, 1_000_000])('that comes in pieces of %d bytes', size => {
    expect(plain(inPieces(file(TAGS), size))).toEqual(plain(TAGS))
  })

  test('whose data lies in the chunk when it came in one', () => {
    const bytes = new Uint8Array(file(TAGS))
    for (const { data } of new FlvReader().push(bytes)) expect(data.buffer).toBe(bytes.buffer)
  })

  test('of which those that are no picture, sound or script are passed over', () => {
    const other = Buffer.from([15, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 13])
    const bytes = Buffer.concat([file(TAGS.slice(0, 1)), other, ...TAGS.slice(1, 2).flatMap(encodeFlvTag)])
    expect(plain(new FlvReader().push(bytes))).toEqual(plain(TAGS.slice(0, 2)))
  })

  const header = Buffer.from(encodeFlvHeader())
  test.each<[string, Buffer]>([
    ['no FLV', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['another version', Buffer.from('464c5602050000000900000000', 'hex')],
    ['a header that states no length', Buffer.from('464c5601050000000000000000', 'hex')],
    ['a header of gigabytes', Buffer.from('464c560105ffffffff00000000', 'hex')],
    ['a tag above 8 MiB', Buffer.concat([header, Buffer.from('09800001000000000000000000', 'hex')])],
    ['an encrypted tag', Buffer.concat([header, Buffer.from('2900000100000000000000', 'hex')])],
    [
      'a tag that ends elsewhere',
      Buffer.concat([header, Buffer.from('090000010000000000000017000000ff', 'hex')]),
    ],
  ])('and is refused for good when it is %s', (_name, bytes) => {
    const reader = new FlvReader()
    const refused = expect.objectContaining({ name: 'SluiceError', code: 'bad-flv' }) as Error
    expect(() => reader.push(bytes)).toThrow(refused)
    expect(() => reader.push(file(TAGS))).toThrow(refused)
  })
})

describe('what a tag is', () => {
  test('is told of every tag that ffmpeg writes', async () => {
    const feed = await feedOf(...picture(2), ...tone(2), ...H264, ...AAC)
    expect(feed.filter(isMetadata).map(({ type }) => type)).toEqual(['script'])
    expect(feed.map(sequenceHeaderOf).filter(track => track !== undefined)).toEqual(['video', 'audio'])
    expect(feed.filter(isKeyframe)).toHaveLength(2)
  })

  test.each<[string, FlvTag['type'], string, 'video' | 'audio' | undefined, boolean]>([
    ['AVC sequence header', 'video', '1700000000aa', 'video', false],
    ['AVC keyframe', 'video', '1701000000aa', undefined, true],
    ['AVC other picture', 'video', '2701000000aa', undefined, false],
    ['AVC end of sequence', 'video', '1702000000', undefined, false],
    ['Sorenson keyframe', 'video', '1200', undefined, false],
    ['enhanced sequence start', 'video', '9068766331aa', 'video', false],
    ['enhanced keyframe', 'video', '9168766331000000aa', undefined, true],
    ['enhanced keyframe without offset', 'video', '9368766331aa', undefined, true],
    ['enhanced other picture', 'video', 'a368766331aa', undefined, false],
    ['enhanced metadata', 'video', '9468766331aa', undefined, false],
    ['AAC sequence header', 'audio', 'af001190', 'audio', false],
    ['AAC frame', 'audio', 'af01aa', undefined, false],
    ['MP3', 'audio', '2f00aa', undefined, false],
    ['enhanced AAC sequence start', 'audio', '906d7034611190', 'audio', false],
    ['an empty picture', 'video', '', undefined, false],
    ['an empty sound', 'audio', '', undefined, false],
    ['half a picture', 'video', '17', undefined, false],
    ['a script', 'script', '1700000000aa', undefined, false],
  ])('%s', (_name, type, hex, header, keyframe) => {
    const tag: FlvTag = { type, timestamp: 0, data: Buffer.from(hex, 'hex') }
    expect(sequenceHeaderOf(tag)).toBe(header)
    expect(isKeyframe(tag)).toBe(keyframe)
    expect(isMetadata(tag)).toBe(false)
  })
})

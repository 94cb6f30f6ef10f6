import fc from 'fast-check'
import { expect, test } from 'vitest'
import { playlistLines, playlistValue } from '../../src/hls/index.ts'

const again = (text: string): string => {
  const { value, lineEnd, end } = playlistValue(text)
  // As a sandbox hands it back.
  return playlistLines(JSON.parse(JSON.stringify(value)) as typeof value, lineEnd).join('\n') + end
}

const LIVE = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=0.6
#EXT-X-PART-INF:PART-TARGET=0.2
#EXT-X-MEDIA-SEQUENCE:1760000000
#EXT-X-MAP:URI="e1-init.mp4"
#EXTINF:2.000,
e1-1.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXT-X-PART:DURATION=0.2,URI="e1-2.0.m4s",INDEPENDENT=YES
#EXTINF:2.000,
e1-2.m4s
#EXT-X-PART:DURATION=0.2,URI="e1-3.0.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="e1-3.1.m4s"
#EXT-X-RENDITION-REPORT:URI="../audio/playlist.m3u8",LAST-MSN=1760000002,LAST-PART=0
`

test('a low-latency playlist is a value of header, entries and tail', () => {
  const { value } = playlistValue(LIVE)
  expect(again(LIVE)).toBe(LIVE)
  expect(value.kind).toBe('media')
  expect(value.header.map(({ name }) => name)).toEqual([
    ...['EXTM3U', 'EXT-X-VERSION', 'EXT-X-TARGETDURATION', 'EXT-X-SERVER-CONTROL', 'EXT-X-PART-INF'],
    'EXT-X-MEDIA-SEQUENCE',
  ])
  expect(value.entries[1]).toEqual({
    tags: [
      { name: 'EXT-X-PROGRAM-DATE-TIME', value: '2026-01-01T00:00:00.000Z' },
      { name: 'EXT-X-PART', attributes: { DURATION: '0.2', URI: 'e1-2.0.m4s', INDEPENDENT: 'YES' } },
      { name: 'EXTINF', value: '2.000,' },
    ],
    uri: 'e1-2.m4s',
  })
  expect(value.tail.map(({ name }) => name)).toEqual([
    ...['EXT-X-PART', 'EXT-X-PRELOAD-HINT', 'EXT-X-RENDITION-REPORT'],
  ])
})

test('what a function changes is rendered anew, and everything else as it was written', () => {
  const text =
    '#EXTM3U\r\n# a comment\r\n\r\n#EXT-X-STREAM-INF: BANDWIDTH=1 ,CODECS="a,b"\r\n low.m3u8 \r\n#EXT-X-STREAM-INF:BANDWIDTH=2,X-N="1"\nhigh.m3u8'
  const { value, lineEnd } = playlistValue(text)
  expect(value.kind).toBe('multivariant')
  const [first, second] = value.entries
  if (first?.tags[0] === undefined || second?.tags[0]?.attributes === undefined)
    throw new Error('two entries')
  second.tags[0].attributes['BANDWIDTH'] = '3'
  second.uri = 'higher.m3u8'
  expect(playlistLines(value, lineEnd).join('\n')).toBe(
    '#EXTM3U\r\n# a comment\r\n\r\n#EXT-X-STREAM-INF: BANDWIDTH=1 ,CODECS="a,b"\r\n low.m3u8 \r\n#EXT-X-STREAM-INF:BANDWIDTH=3,X-N="1"\r\nhigher.m3u8\r',
  )
})

test('any text comes out as it went in', () => {
  const name = fc.constantFrom(
    'EXTM3U',
    'EXTINF',
    'EXT-X-MAP',
    'EXT-X-MEDIA',
    'EXT-X-STREAM-INF',
    'EXT-X-ENDLIST',
    'EXT-X-Ü',
  )
  const attribute = fc.tuple(
    fc.constantFrom('URI', 'BANDWIDTH', 'NAME', 'X-A', 'A B', '', '__proto__'),
    fc.constantFrom('"a,b=c"', '""', '1', '1x2', 'YES', '"', 'ü', ' 1 ', ''),
  )
  const line = fc.oneof(
    fc
      .tuple(name, fc.array(attribute, { maxLength: 4 }))
      .map(([tag, list]) => `#${tag}:${list.map(([key, value]) => `${key}=${value}`).join(',')}`),
    name.map(tag => `#${tag}`),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('', ' ', '# comment', 'a.m4s', ' b.m4s ', '#EXT', '#EXT:', '#EXTINF:4,'),
  )
  const text = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r\r\n')), { maxLength: 12 })
  fc.assert(
    fc.property(text, fc.boolean(), (lines, uniform) => {
      const whole = lines.map(([each, end]) => each + (uniform ? '\n' : end)).join('')
      expect(again(whole)).toBe(whole)
    }),
    { numRuns: 3000 },
  )
})

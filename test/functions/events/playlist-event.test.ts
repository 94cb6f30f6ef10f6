import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isUnusable, readStretch, type Json } from '../../../src/functions/index.ts'
import { playlistLines, playlistValue } from '../../../src/hls/index.ts'

const TEXT =
  '#EXTM3U\r\n#EXT-X-VERSION:7\r\n# note\r\n#EXTINF:4, a \r\n a.m4s\r\n\n#EXTINF:4,\nb.m4s\r\n#EXT-X-ENDLIST'
const { value, lineEnd } = playlistValue(TEXT)
const stretch = { playlist: value, first: 0, last: true, state: null }
const asSent = (json: unknown): Json => JSON.parse(JSON.stringify(json)) as Json

test('a stretch that is given back as it was is the same text', () => {
  const read = readStretch(asSent(value), stretch)
  if (isUnusable(read)) throw new Error(read.message)
  expect(playlistLines(read.playlist, lineEnd).join('\n')).toBe(TEXT)
  expect(readStretch(asSent({ playlist: value, state: { n: 1 } }), stretch)).toMatchObject({
    state: { n: 1 },
  })
})

test.each<[string, object]>([
  ['a list', []],
  ['no first line', { ...value, header: [] }],
  ['a URI with a line break', { ...value, entries: [{ tags: [], uri: 'a\nb' }] }],
  ['a URI that is a tag', { ...value, entries: [{ tags: [], uri: '#EXT-X-KEY' }] }],
  ['an attribute with a quote', { ...value, tail: [{ name: 'EXT-X-MAP', attributes: { URI: 'a",X="b' } }] }],
  ['a tag with a line break', { ...value, tail: [{ name: 'EXTINF', value: '4\r\nhttps://other.example/' }] }],
  ['a comment that is a URI', { ...value, tail: [{ text: 'https://other.example/' }] }],
])('%s is refused', (_what, given) => {
  expect(readStretch(asSent(given), stretch)).toMatchObject({ reason: 'function-result' })
})

test('whatever is given is refused, or as many lines as it says, none of which is another', () => {
  const hostile = fc.constantFrom(
    'a\r\nb',
    '\n',
    '\r',
    '\0',
    '"',
    '#EXTINF',
    'EXTM3U',
    'a.m4s',
    '',
    ' ',
    'x',
    '\ud800',
  )
  const field = fc.dictionary(
    fc.oneof(fc.constantFrom('URI', 'X-A'), hostile),
    fc.oneof(hostile, fc.integer()),
    { maxKeys: 3 },
  )
  const tag = fc.record(
    { name: hostile, value: hostile, text: hostile, attributes: field },
    { requiredKeys: [] },
  )
  const tags = fc.array(fc.oneof(tag, hostile), { maxLength: 3 })
  const entries = fc.array(fc.record({ uri: hostile, text: hostile, tags }, { requiredKeys: [] }), {
    maxLength: 3,
  })
  fc.assert(
    fc.property(fc.record({ header: tags, entries, tail: tags }, { requiredKeys: [] }), given => {
      const header = [{ name: 'EXTM3U' }, ...(given.header ?? [])]
      const read = readStretch(asSent({ ...given, header }), stretch)
      if (isUnusable(read)) return
      const lines = playlistLines(read.playlist, '')
      const { header: head, entries: all, tail } = read.playlist
      expect(lines).toHaveLength(
        head.length + tail.length + all.reduce((sum, each) => sum + each.tags.length + 1, 0),
      )
      for (const line of lines) expect(line.replace(/\r*$/, '')).not.toMatch(/[\0\r\n]/)
    }),
    { numRuns: 3000 },
  )
})

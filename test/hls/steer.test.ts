import { expect, test } from 'vitest'
import { steerPlaylist } from '../../src/hls/index.ts'

const TAG = '#EXT-X-CONTENT-STEERING:SERVER-URI="https://router.cdn.example/.sluice/steering?d=E1"'
const REST = '#EXT-X-VERSION:7\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nvideo.m3u8?a={$a}\n'

test.each([
  ['lines that end with LF', '\n'],
  ['lines that end with CRLF', '\r\n'],
])('a multivariant playlist of %s gets the tag first, and keeps each of its own', (_, end) => {
  const text = `#EXTM3U\n${REST}`.replaceAll('\n', end)
  expect(steerPlaylist(text, TAG)).toBe(`#EXTM3U\n${TAG}\n${REST}`.replaceAll('\n', end))
})

test.each([
  ['a media playlist', '#EXTM3U\n#EXTINF:4,\ns1.m4s\n'],
  ['one that is steered already', `#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI="/own"\n${REST}`],
  ['what is none', `<html>\n${REST}`],
  ['nothing', ''],
])('%s stays as it is', (_, text) => {
  expect(steerPlaylist(text, TAG)).toBeUndefined()
})

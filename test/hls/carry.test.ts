import { describe, expect, test } from 'vitest'
import { carryQuery } from '../../src/hls/carry.ts'

const THREE = ['Policy', 'Signature', 'Key-Pair-Id']
const Q = 'Policy={$Policy}&Signature={$Signature}&Key-Pair-Id={$Key-Pair-Id}'
const DEFINED =
  '#EXT-X-DEFINE:QUERYPARAM="Policy"\n#EXT-X-DEFINE:QUERYPARAM="Signature"\n#EXT-X-DEFINE:QUERYPARAM="Key-Pair-Id"\n'

test('a multivariant playlist hands the parameters of its URL on to everything that it names', () => {
  const text = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="x,URI=y"
#EXT-X-SESSION-DATA:DATA-ID="com.example.lyrics",URI="lyrics.json"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key-1",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="/keys/one"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English, URI=",URI="audio/en.m3u8",DEFAULT=YES
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Deutsch",URI="../subs/de.m3u8?v=2#top"
#EXT-X-STREAM-INF:BANDWIDTH=1000000,CODECS="avc1.64001f,mp4a.40.2",AUDIO="a"
video/720p.m3u8

#EXT-X-STREAM-INF:BANDWIDTH=2000000
/members/talk/1080p.m3u8?v=3
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,URI="video/iframes.m3u8"
#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json",PATHWAY-ID="A"
`
  expect(carryQuery(text, [...THREE, 'Hash-Algorithm'])).toBe(`#EXTM3U
${DEFINED}#EXT-X-DEFINE:QUERYPARAM="Hash-Algorithm"
#EXT-X-VERSION:11
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="x,URI=y"
#EXT-X-SESSION-DATA:DATA-ID="com.example.lyrics",URI="lyrics.json?${Q}&Hash-Algorithm={$Hash-Algorithm}"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key-1",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="/keys/one?${Q}&Hash-Algorithm={$Hash-Algorithm}"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English, URI=",URI="audio/en.m3u8?${Q}&Hash-Algorithm={$Hash-Algorithm}",DEFAULT=YES
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Deutsch",URI="../subs/de.m3u8?v=2&${Q}&Hash-Algorithm={$Hash-Algorithm}#top"
#EXT-X-STREAM-INF:BANDWIDTH=1000000,CODECS="avc1.64001f,mp4a.40.2",AUDIO="a"
video/720p.m3u8?${Q}&Hash-Algorithm={$Hash-Algorithm}

#EXT-X-STREAM-INF:BANDWIDTH=2000000
/members/talk/1080p.m3u8?v=3&${Q}&Hash-Algorithm={$Hash-Algorithm}
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,URI="video/iframes.m3u8?${Q}&Hash-Algorithm={$Hash-Algorithm}"
#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json?${Q}&Hash-Algorithm={$Hash-Algorithm}",PATHWAY-ID="A"
`)
})

test('a media playlist carries maps, keys, parts, hints and reports, and keeps its line ends', () => {
  const text = [
    '#EXTM3U',
    '#EXT-X-TARGETDURATION:2',
    '#EXT-X-MAP:URI="init.mp4",BYTERANGE="600@0"',
    '#EXT-X-KEY:METHOD=AES-128,URI="key.bin",IV=0x1',
    '#EXT-X-KEY:METHOD=NONE',
    '#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",START-DATE="2026-01-01T00:00:00Z",X-ASSET-URI="ads/1.m3u8"',
    '#EXT-X-PART:DURATION=0.2,URI="p1.mp4",INDEPENDENT=YES',
    '#EXTINF:2, a title with URI="quotes"',
    'seg 1.m4s ',
    '# a remark with URI="in.it"',
    '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p2.mp4"',
    '#EXT-X-RENDITION-REPORT:URI="../audio/playlist.m3u8",LAST-MSN=4',
    '',
  ].join('\r\n')
  expect(carryQuery(text, THREE)).toBe(
    [
      '#EXTM3U',
      '#EXT-X-VERSION:11',
      ...DEFINED.trimEnd().split('\n'),
      '#EXT-X-TARGETDURATION:2',
      `#EXT-X-MAP:URI="init.mp4?${Q}",BYTERANGE="600@0"`,
      `#EXT-X-KEY:METHOD=AES-128,URI="key.bin?${Q}",IV=0x1`,
      '#EXT-X-KEY:METHOD=NONE',
      `#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",START-DATE="2026-01-01T00:00:00Z",X-ASSET-URI="ads/1.m3u8?${Q}"`,
      `#EXT-X-PART:DURATION=0.2,URI="p1.mp4?${Q}",INDEPENDENT=YES`,
      '#EXTINF:2, a title with URI="quotes"',
      `seg 1.m4s?${Q} `,
      '# a remark with URI="in.it"',
      `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p2.mp4?${Q}"`,
      `#EXT-X-RENDITION-REPORT:URI="../audio/playlist.m3u8?${Q}",LAST-MSN=4`,
      '',
    ].join('\r\n'),
  )
})

describe('a URI', () => {
  test.each([
    ['https://other.example/a.ts'],
    ['HTTP://other.example/a.ts'],
    ['//other.example/a.ts'],
    ['/\\other.example/a.ts'],
    ['\\\\other.example/a.ts'],
    ['/\t/other.example/a.ts'],
    ['ht\ttps://other.example/a.ts'],
    ['\u0001//other.example/a.ts'],
    ['\u00a0//other.example/a.ts'],
    ['\ufeffhttps://other.example/a.ts'],
    ['/\u3000/other.example/a.ts'],
    ['https:other.example'],
    ['data:text/plain,a'],
    ['skd://key'],
    [''],
    ['blob:1'],
    ['{$base}/a.ts'],
    ['/{$rest}'],
    ['a.ts?Policy=x&Signature=y'],
    ['a.ts?b=c&Key-Pair-Id=K'],
  ])('%j is left alone on a line and in an attribute', uri => {
    const text = (uri: string): string =>
      `#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-MAP:URI="${uri}"\n#EXTINF:1,\n${uri}\n#EXTINF:1,\nz.ts`
    expect(carryQuery(text(uri), THREE)).toBe(
      text(uri)
        .replace('#EXTM3U\n', `#EXTM3U\n${DEFINED}`)
        .replace(/z\.ts$/, `z.ts?${Q}`),
    )
    expect(carryQuery(`#EXTM3U\n${uri}\n`, THREE)).toBeUndefined()
  })

  test.each([
    ['a.ts', `a.ts?${Q}`],
    ['a.ts#t=1', `a.ts?${Q}#t=1`],
    ['a.ts#?', `a.ts?${Q}#?`],
    ['a.ts?', `a.ts?${Q}`],
    ['a.ts?b', `a.ts?b&${Q}`],
    ['a.ts?b&', `a.ts?b&${Q}`],
    ['/a/b:c.ts', `/a/b:c.ts?${Q}`],
    ['./b:c.ts', `./b:c.ts?${Q}`],
    ['?part=1', `?part=1&${Q}`],
    ['../../ä.ts', `../../ä.ts?${Q}`],
    ["$&$1$'.ts", `$&$1$'.ts?${Q}`],
  ])('%j becomes %j', (uri, carried) => {
    expect(carryQuery(`#EXTM3U\n#EXT-X-MAP:URI="${uri}"\n${uri}`, THREE)).toBe(
      `#EXTM3U\n#EXT-X-VERSION:11\n${DEFINED}#EXT-X-MAP:URI="${carried}"\n${carried}`,
    )
  })
})

describe('a text', () => {
  test.each([
    ['that is empty', ''],
    ['that is no playlist', '<html>\n'],
    ['with a byte order mark', '\ufeff#EXTM3U\na.ts\n'],
    ['with a longer first word', '#EXTM3U8\na.ts\n'],
    ['that names nothing', '#EXTM3U\n#EXT-X-ENDLIST\n'],
    ['that has the query itself', '#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM="Policy"\na.ts?Policy={$Policy}\nb.ts'],
    ['with a variable of this name', '#EXTM3U\n#EXT-X-DEFINE:NAME="Signature",VALUE="x"\na.ts'],
    ['with more URIs than are carried', `#EXTM3U\n${'a\n'.repeat(20_001)}`],
  ])('%s is not carried on', (_what, text) => {
    expect(carryQuery(text, THREE)).toBeUndefined()
  })

  test('with variables of its own keeps them, and a higher version', () => {
    const text = '#EXTM3U\n#EXT-X-DEFINE:NAME="x",VALUE="Policy"\n#EXT-X-VERSION:12\n{$x}.ts\na.ts\n'
    expect(carryQuery(text, ['Policy'])).toBe(
      '#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM="Policy"\n#EXT-X-DEFINE:NAME="x",VALUE="Policy"\n#EXT-X-VERSION:12\n{$x}.ts\na.ts?Policy={$Policy}\n',
    )
  })
})

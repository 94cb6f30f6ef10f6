import HLS from 'hls-parser'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { renderMultivariant, renderVod } from '../../src/hls/index.ts'

// The oracle: everything we write passes the library's strict reading.
beforeEach(() => HLS.setOptions({ strictMode: true }))
afterEach(() => HLS.setOptions({ strictMode: false }))

describe('a multivariant playlist', () => {
  it('names the video with its audio group', () => {
    const text = renderMultivariant({
      variants: [
        {
          uri: 'video-0a1b2c3d4e/playlist.m3u8',
          bandwidth: 2_345_678.2,
          averageBandwidth: 1_900_000,
          codecs: ['avc1.64001f', 'mp4a.40.2'],
          resolution: { width: 1280, height: 720 },
          frameRate: 30_000 / 1001,
          audioGroup: 'audio',
        },
      ],
      audio: [
        {
          group: 'audio',
          name: 'English',
          language: 'en',
          default: true,
          channels: 2,
          uri: 'audio-1/playlist.m3u8',
        },
        {
          group: 'audio',
          name: 'Français',
          language: 'fr',
          default: false,
          channels: 6,
          uri: 'audio-2/playlist.m3u8',
        },
      ],
    })
    expect(text).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="en",CHANNELS="2",URI="audio-1/playlist.m3u8"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Francais",DEFAULT=NO,AUTOSELECT=YES,LANGUAGE="fr",CHANNELS="6",URI="audio-2/playlist.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=2345679,AVERAGE-BANDWIDTH=1900000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"',
        'video-0a1b2c3d4e/playlist.m3u8',
        '',
      ].join('\n'),
    )
    expect(HLS.parse(text)).toMatchObject({ isMasterPlaylist: true, variants: [{ frameRate: 29.97 }] })
  })

  it('names video without audio, and nothing that is not known', () => {
    const text = renderMultivariant({
      variants: [{ uri: 'v/playlist.m3u8', bandwidth: 1, codecs: ['avc1.42c01e'] }],
      audio: [],
    })
    expect(text).toBe(
      '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.42c01e"\nv/playlist.m3u8\n',
    )
    expect(HLS.parse(text)).toMatchObject({ isMasterPlaylist: true })
  })

  it('names audio alone as a variant of its own', () => {
    const text = renderMultivariant({
      variants: [
        {
          uri: 'audio-1/playlist.m3u8',
          bandwidth: 130_000,
          averageBandwidth: 128_000,
          codecs: ['mp4a.40.2'],
        },
      ],
      audio: [],
    })
    expect(text).toBe(
      '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:BANDWIDTH=130000,AVERAGE-BANDWIDTH=128000,CODECS="mp4a.40.2"\naudio-1/playlist.m3u8\n',
    )
    expect(HLS.parse(text)).toMatchObject({ isMasterPlaylist: true })
  })

  it.each([
    ["Director's cut", 'Directors cut'],
    ['two\nlines", URI="x', 'twolines, URI=x'],
    ['Norsk bokmål', 'Norsk bokmal'],
    ['日本語', 'Audio'],
    ['', 'Audio'],
  ])('writes the name %j as %j, which no parser trips over', (name, written) => {
    const text = renderMultivariant({
      variants: [{ uri: 'v', bandwidth: 1, codecs: ['avc1.42c01e'], audioGroup: 'a' }],
      audio: [{ group: 'a', name, language: 'x"y', default: true, uri: 'a' }],
    })
    expect(text.split('\n')[3]).toBe(
      `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="${written}",DEFAULT=YES,AUTOSELECT=YES,URI="a"`,
    )
    expect(HLS.parse(text)).toMatchObject({ variants: [{ audio: [{ name: written, uri: 'a' }] }] })
  })

  it('refuses to name nothing', () => {
    expect(() => renderMultivariant({ variants: [], audio: [] })).toThrow(
      expect.objectContaining({ code: 'bad-playlist' }),
    )
  })
})

describe('a media playlist', () => {
  it('lists every segment, says that it is complete and how long a segment can be', () => {
    const text = renderVod({
      init: 'init.mp4',
      segments: [
        { uri: '0.m4s', duration: 4 },
        { uri: '1.m4s', duration: 4.004 },
        { uri: '2.m4s', duration: 5.499_999_9 },
        { uri: '3.m4s', duration: 1 / 3 },
      ],
    })
    expect(text).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-TARGETDURATION:6',
        '#EXT-X-PLAYLIST-TYPE:VOD',
        '#EXT-X-MAP:URI="init.mp4"',
        '#EXTINF:4,',
        '0.m4s',
        '#EXTINF:4.004,',
        '1.m4s',
        '#EXTINF:5.5,',
        '2.m4s',
        '#EXTINF:0.333333,',
        '3.m4s',
        '#EXT-X-ENDLIST',
        '',
      ].join('\n'),
    )
    expect(HLS.parse(text)).toMatchObject({ endlist: true, targetDuration: 6, playlistType: 'VOD' })
  })

  it('writes very short durations without an exponent', () => {
    const text = renderVod({ init: 'i', segments: [{ uri: 's', duration: 1e-9 }] })
    expect(text).toContain('#EXTINF:0.00001,\n')
    expect(text).toContain('#EXT-X-TARGETDURATION:1\n')
  })

  it.each(['../x', '/x', 'a"b', 'a\nb', 'http://x/', ''])('refuses the URI %j', uri => {
    expect(() => renderVod({ init: uri, segments: [{ uri: 's', duration: 1 }] })).toThrow(
      expect.objectContaining({ code: 'bad-playlist' }),
    )
  })

  it('writes a day of segments: a cost in squares would not end in time', () => {
    const segments = Array.from({ length: 21_600 }, (_, i) => ({ uri: `${i}.m4s`, duration: 4 }))
    const lines = renderVod({ init: 'init.mp4', segments }).split('\n')
    expect(lines).toHaveLength(6 + 2 * 21_600 + 2)
    expect(lines.at(-3)).toBe('21599.m4s')
  })
})

import { describe, expect, it, vi } from 'vitest'
import { readPlaylist, renderMultivariant, renderVod } from '../../src/hls/index.ts'

describe('reading playlists', () => {
  it('gives back what was rendered', () => {
    const multivariant = {
      variants: [
        {
          uri: 'v/playlist.m3u8',
          bandwidth: 2000,
          averageBandwidth: 1500,
          codecs: ['avc1.64001f', 'mp4a.40.2'],
          resolution: { width: 640, height: 360 },
          frameRate: 25,
          audioGroup: 'audio',
        },
      ],
      audio: [
        {
          group: 'audio',
          name: 'German',
          language: 'de',
          default: true,
          channels: 2,
          uri: 'a/playlist.m3u8',
        },
      ],
    }
    expect(readPlaylist(renderMultivariant(multivariant))).toEqual({
      kind: 'multivariant',
      playlist: multivariant,
    })
    const vod = { init: 'init.mp4', segments: [{ uri: '0.m4s', duration: 4.004 }] }
    expect(readPlaylist(renderVod(vod))).toEqual({ kind: 'media', endlist: true, ...vod })
  })

  it('reads a playlist of transport streams', () => {
    expect(readPlaylist('#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXTINF:4,\r\n0.ts\r\n')).toEqual({
      kind: 'media',
      endlist: false,
      segments: [{ uri: '0.ts', duration: 4 }],
      init: undefined,
    })
  })

  it.each([
    ['', 'it does not begin with #EXTM3U'],
    ['<html>', 'it does not begin with #EXTM3U'],
    ['#EXTM3U8\n', 'it does not begin with #EXTM3U'],
    ['#EXTM3U\n', 'it names neither a segment nor a variant'],
    [`#EXTM3U\n#EXTINF:4,caf\u00e9\n0.ts\n`, 'it is not a valid playlist'],
    [`#EXTM3U\n${'#\n'.repeat(20_000)}`, 'it has more than 20000 lines'],
    [`#EXTM3U\n${'x'.repeat(1_100_000)}`, 'it is larger than 1048576 bytes'],
    [
      `#EXTM3U\n${'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b"\n'.repeat(201)}`,
      'it names more than 200 renditions',
    ],
  ])('refuses %#: %j', (text, why) => {
    expect(readPlaylist(text)).toEqual({ kind: 'refused', why })
  })

  it('prints nothing, whatever it meets', () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue()
    readPlaylist('#EXTM3U\n#EXT-X-KEY:METHOD=AES-128\n#EXTINF:x,\n0.ts\n#EXTINF:1,\n')
    expect(printed).not.toHaveBeenCalled()
    printed.mockRestore()
  })
})

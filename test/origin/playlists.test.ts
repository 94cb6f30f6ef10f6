import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import type { Served } from '../../src/origin/pointer.ts'
import { multivariantOf } from '../../src/origin/playlists.ts'

const PICTURE: Served['renditions'][number] = {
  rendition: {
    ...{ name: 'video-1', kind: 'video', codec: 'avc1.64001f', durationSeconds: 60, width: 640, height: 360 },
    bandwidth: { average: 1_000_000, peak: 2_000_000 },
  },
  ...{ track: 0, frameRate: 25 },
}

function sound(name: string, bandwidth: { average: number; peak: number }, language?: string) {
  const rendition: Served['renditions'][number]['rendition'] = {
    ...{ name, kind: 'audio', codec: 'mp4a.40.2', durationSeconds: 60, bandwidth },
    ...(language === undefined ? {} : { language }),
  }
  return { rendition, track: 1, channels: 2 }
}

function served(...renditions: Served['renditions']): Served {
  const common = { version: 1, publishedAt: systemClock.now(), durationSeconds: 60 }
  return { ...common, media: 'media', index: 'index', renditions }
}

const HEAD = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS']

test('a picture states the bandwidth of itself and its heaviest sound (RFC 8216, 4.3.4.2)', () => {
  const light = sound('audio-1', { average: 64_000, peak: 90_000 }, 'deu')
  const heavy = sound('audio-2', { average: 128_000, peak: 130_000 })
  expect(
    multivariantOf(served(PICTURE, light, heavy))
      .trim()
      .split('\n'),
  ).toEqual([
    ...HEAD,
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="German",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="deu",CHANNELS="2",URI="audio-1/playlist.m3u8"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio 2",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",URI="audio-2/playlist.m3u8"',
    '#EXT-X-STREAM-INF:BANDWIDTH=2130000,AVERAGE-BANDWIDTH=1128000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000,AUDIO="audio"',
    'video-1/playlist.m3u8',
  ])
})

test('sound alone is a variant of its own', () => {
  expect(
    multivariantOf(served(sound('audio-1', { average: 1, peak: 2 })))
      .trim()
      .split('\n'),
  ).toEqual([
    ...HEAD,
    '#EXT-X-STREAM-INF:BANDWIDTH=2,AVERAGE-BANDWIDTH=1,CODECS="mp4a.40.2"',
    'audio-1/playlist.m3u8',
  ])
})

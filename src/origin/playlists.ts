import type { Segment } from '../cmaf/index.ts'
import { renderMultivariant, renderVod, type AudioRendition, type Variant } from '../hls/index.ts'
import type { Served } from './pointer.ts'

type Stored = Served['renditions'][number]

const GROUP = 'audio'

/** The entry playlist of an asset: each picture with all of its sound, or the sound alone. */
export function multivariantOf(served: Served): string {
  const videos = served.renditions.filter(({ rendition }) => rendition.kind === 'video')
  const audios = served.renditions.filter(({ rendition }) => rendition.kind === 'audio')
  if (videos.length === 0)
    return renderMultivariant({ variants: audios.map(audio => variantOf(audio, [])), audio: [] })
  return renderMultivariant({
    variants: videos.map(video => variantOf(video, audios)),
    audio: audios.map(audioOf),
  })
}

function variantOf(stored: Stored, audios: Stored[]): Variant {
  const { rendition, frameRate } = stored
  const heaviest = (measure: 'average' | 'peak') =>
    audios.reduce((most, audio) => Math.max(most, audio.rendition.bandwidth[measure]), 0)
  const { width, height } = rendition
  return {
    uri: `${rendition.name}/playlist.m3u8`,
    bandwidth: rendition.bandwidth.peak + heaviest('peak'),
    averageBandwidth: rendition.bandwidth.average + heaviest('average'),
    codecs: [rendition.codec, ...audios.map(audio => audio.rendition.codec)],
    ...(width === undefined || height === undefined ? {} : { resolution: { width, height } }),
    ...(frameRate === undefined ? {} : { frameRate }),
    ...(audios.length === 0 ? {} : { audioGroup: GROUP }),
  }
}

function audioOf(stored: Stored, position: number): AudioRendition {
  const { rendition, channels } = stored
  const { language } = rendition
  return {
    group: GROUP,
    name: nameOf(language) ?? `Audio ${position + 1}`,
    ...(language === undefined ? {} : { language }),
    default: position === 0,
    ...(channels === undefined ? {} : { channels }),
    uri: `${rendition.name}/playlist.m3u8`,
  }
}

const LANGUAGES = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' })

function nameOf(language: string | undefined): string | undefined {
  try {
    return language === undefined ? undefined : LANGUAGES.of(language)
  } catch {
    // Not a well-formed tag; files may say anything.
    return undefined
  }
}

/** The media playlist of a rendition. */
export function mediaPlaylistOf(segments: Segment[]): string {
  return renderVod({
    init: 'init.mp4',
    segments: segments.map(({ number, duration }) => ({ uri: `${number}.m4s`, duration })),
  })
}

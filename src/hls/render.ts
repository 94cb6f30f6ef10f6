import { SluiceError } from '../core/index.ts'
import { attributeText, plainUri } from './attribute-text.ts'
import { stringifyMultivariant, stringifyVod } from './parser.ts'
import type { AudioRendition, MultivariantPlaylist, Variant, VodPlaylist } from './playlist.ts'

/** The text of a multivariant playlist. Throws SluiceError `bad-playlist` when it names nothing or something unfit. */
export function renderMultivariant(playlist: MultivariantPlaylist): string {
  if (playlist.variants.length === 0)
    throw new SluiceError('bad-playlist', 'a multivariant playlist needs a variant')
  return stringifyMultivariant({
    variants: playlist.variants.map(fitVariant),
    audio: playlist.audio.map(fitAudio),
  })
}

/** The text of a complete media playlist. Throws SluiceError `bad-playlist` when it has no segment. */
export function renderVod(playlist: VodPlaylist): string {
  if (playlist.segments.length === 0)
    throw new SluiceError('bad-playlist', 'a media playlist needs a segment')
  const segments = playlist.segments.map(({ uri, duration }) => ({
    uri: plainUri(uri),
    duration: micro(duration),
  }))
  return stringifyVod({ init: plainUri(playlist.init), segments }, targetDuration(segments))
}

/** RFC 8216 4.3.3.1: no EXTINF, rounded to the nearest integer, exceeds it. */
function targetDuration(segments: { duration: number }[]): number {
  return segments.reduce((longest, { duration }) => Math.max(longest, Math.round(duration)), 1)
}

/** Microseconds are finer than any timescale needs and keep exponents out of the text. */
function micro(duration: number): number {
  return Math.max(0.000_01, Math.round(duration * 1e6) / 1e6)
}

function fitVariant(variant: Variant): Variant {
  const { averageBandwidth, audioGroup } = variant
  return {
    ...variant,
    uri: plainUri(variant.uri),
    bandwidth: wholeBits(variant.bandwidth),
    ...(averageBandwidth === undefined ? {} : { averageBandwidth: wholeBits(averageBandwidth) }),
    codecs: [...new Set(variant.codecs.map(attributeText))],
    ...(audioGroup === undefined ? {} : { audioGroup: attributeText(audioGroup) }),
  }
}

function fitAudio(audio: AudioRendition): AudioRendition {
  const { language } = audio
  const fitted: AudioRendition = {
    ...audio,
    group: attributeText(audio.group),
    name: attributeText(audio.name) || 'Audio',
    uri: plainUri(audio.uri),
  }
  if (language === undefined || !/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(language)) delete fitted.language
  return fitted
}

/** Zero would be left out of the text, and BANDWIDTH is required. */
function wholeBits(bits: number): number {
  return Math.max(1, Math.ceil(bits))
}

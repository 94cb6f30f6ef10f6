import HLS from 'hls-parser'
import type { AudioRendition, MultivariantPlaylist, Variant, VodPlaylist } from './playlist.ts'

// The one door to hls-parser. Its options are global to the module. Silent: it prints a line for every flaw that it
// meets, which a hostile playlist turns into a flood.
HLS.setOptions({ silent: true })

/** Version 7: EXT-X-MAP without EXT-X-I-FRAMES-ONLY needs 6 (RFC 8216 7), fragmented MP4 players expect 7. */
const VERSION = 7

/** The text of a multivariant playlist whose values have been checked. */
export function stringifyMultivariant(playlist: MultivariantPlaylist): string {
  const { types } = HLS
  const rendition = (audio: AudioRendition) =>
    new types.Rendition({
      type: 'AUDIO',
      groupId: audio.group,
      name: audio.name,
      isDefault: audio.default,
      autoselect: true,
      forced: undefined as unknown as boolean, // its type demands a value; FORCED is not allowed for audio (4.3.4.1)
      ...(audio.language === undefined ? {} : { language: audio.language }),
      ...(audio.channels === undefined ? {} : { channels: String(audio.channels) }),
      uri: audio.uri,
    })
  const variants = playlist.variants.map(
    variant =>
      new types.Variant({
        uri: variant.uri,
        bandwidth: variant.bandwidth,
        averageBandwidth: variant.averageBandwidth,
        codecs: variant.codecs.join(','),
        resolution: variant.resolution,
        frameRate: variant.frameRate,
        audio: playlist.audio.filter(audio => audio.group === variant.audioGroup).map(rendition),
      }),
  )
  const master = new types.MasterPlaylist({ version: VERSION, independentSegments: true, variants })
  return `${HLS.stringify(master)}\n`
}

/** The text of a media playlist whose values have been checked; `targetDuration` in whole seconds. */
export function stringifyVod(playlist: VodPlaylist, targetDuration: number): string {
  const { types } = HLS
  const map = new types.MediaInitializationSection({ uri: playlist.init })
  // No date, title or gap on any segment: for those the library compares each line with all before it.
  const segments = playlist.segments.map(({ uri, duration }) => new types.Segment({ uri, duration, map }))
  const media = new types.MediaPlaylist({
    version: VERSION,
    independentSegments: true,
    targetDuration,
    playlistType: 'VOD',
    segments,
    endlist: true,
  })
  return `${HLS.stringify(media)}\n`
}

export type Parsed =
  | { kind: 'multivariant'; playlist: MultivariantPlaylist }
  | {
      kind: 'media'
      endlist: boolean
      segments: { uri: string; duration: number }[]
      init: string | undefined
    }

/** Parses text that was capped; throws whatever the library throws. */
export function parseText(text: string): Parsed {
  const parsed = HLS.parse(text)
  if (!('variants' in parsed)) {
    const { endlist, segments } = parsed
    return {
      kind: 'media',
      endlist,
      segments: segments.map(({ uri, duration }) => ({ uri, duration })),
      // Typed as always there, but absent in playlists of transport streams.
      init: (segments[0]?.map as { uri: string } | undefined)?.uri,
    }
  }
  const audio = new Map<string, AudioRendition>()
  const variants = parsed.variants.map((variant): Variant => {
    for (const rendition of variant.audio) {
      audio.set(`${rendition.groupId}\n${rendition.name}`, {
        group: rendition.groupId,
        name: rendition.name,
        ...(rendition.language === undefined ? {} : { language: rendition.language }),
        default: rendition.isDefault,
        ...(rendition.channels === undefined ? {} : { channels: parseInt(rendition.channels, 10) }),
        uri: rendition.uri ?? '',
      })
    }
    const group = variant.audio[0]?.groupId
    return {
      uri: variant.uri,
      bandwidth: variant.bandwidth,
      ...(variant.averageBandwidth === undefined ? {} : { averageBandwidth: variant.averageBandwidth }),
      codecs: variant.codecs?.split(',').map(codec => codec.trim()) ?? [],
      ...(variant.resolution === undefined ? {} : { resolution: variant.resolution }),
      ...(variant.frameRate === undefined ? {} : { frameRate: variant.frameRate }),
      ...(group === undefined ? {} : { audioGroup: group }),
    }
  })
  return { kind: 'multivariant', playlist: { variants, audio: [...audio.values()] } }
}

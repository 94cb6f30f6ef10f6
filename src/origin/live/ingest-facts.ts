import type { LiveFacts } from '../../cmaf/index.ts'
import type { IngestFacts } from '../../client/index.ts'
import type { HandOverRequest } from './hand-over-request.ts'

/** What control is told of an encoder. */
export function ingestFacts(
  facts: LiveFacts,
  { address, encoder }: Pick<HandOverRequest, 'address' | 'encoder'>,
): IngestFacts {
  const { video, audio } = facts
  return {
    address,
    encoder,
    bitrate: whole(facts.bitrate),
    video: video && {
      codec: video.codec,
      width: whole(video.width),
      height: whole(video.height),
      bitrate: whole(video.bitrate),
      framesPerSecond: hundredths(video.framesPerSecond),
      keyframeInterval: video.keyframeInterval === null ? null : hundredths(video.keyframeInterval),
    },
    audio: audio && {
      codec: audio.codec,
      sampleRate: whole(audio.sampleRate),
      channels: whole(audio.channels),
      bitrate: whole(audio.bitrate),
    },
    gaps: whole(facts.gaps),
  }
}

/** A measurement over nothing is no number, which JSON cannot say. */
function whole(value: number): number {
  return Number.isFinite(value) ? Math.max(0, Math.round(value)) : 0
}

function hundredths(value: number): number {
  return whole(value * 100) / 100
}

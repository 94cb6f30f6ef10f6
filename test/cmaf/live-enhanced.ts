import type { ByteSource, FlvTag, VideoTrack } from '../../src/cmaf/index.ts'
import { compositionOffsetOf, keyframeFrom } from '../../src/cmaf/index.ts'
import { movieIn } from './made-movies.ts'

/** Sequence start, coded frames, end of sequence, coded frames whose offset is 0 (Enhanced RTMP v1). */
const PACKETS = { start: 0, coded: 1, end: 2, codedX: 3 } as const

/** A file's picture as an encoder sends it by Enhanced RTMP, with the metadata and end that players skip. */
export async function enhancedFeed(source: ByteSource): Promise<FlvTag[]> {
  const movie = await movieIn(source)
  const track = movie.tracks.find((one): one is VideoTrack => one.kind === 'video')
  if (!track) throw new Error('the file has no picture')
  const { samples, timescale, sampleEntry } = track
  const ms = (ticks: number): number => Math.round((ticks * 1000) / timescale)
  const feed: FlvTag[] = [
    {
      type: 'video',
      timestamp: 0,
      data: extended(sampleEntry, PACKETS.start, { keyframe: true, body: track.config }),
    },
    {
      type: 'video',
      timestamp: 0,
      data: extended(sampleEntry, 4, { keyframe: true, body: Buffer.from([2, 0, 0]) }),
    },
  ]
  for (let sample = 0; sample < samples.count; sample++) {
    const keyframe = keyframeFrom(samples, sample) === sample
    const data = await source.read(samples.offsets[sample] ?? 0, samples.sizes[sample] ?? 0)
    const offset = ms(compositionOffsetOf(samples, sample))
    const withOffset = sampleEntry !== 'av01' && offset !== 0
    const head = Buffer.alloc(withOffset ? 3 : 0)
    if (withOffset) head.writeIntBE(offset, 0, 3)
    feed.push({
      type: 'video',
      timestamp: ms(samples.decodeTimes[sample] ?? 0),
      data: extended(sampleEntry, withOffset || sampleEntry === 'av01' ? PACKETS.coded : PACKETS.codedX, {
        keyframe,
        body: Buffer.concat([head, data]),
      }),
    })
  }
  const end = feed.at(-1)?.timestamp ?? 0
  feed.push({
    type: 'video',
    timestamp: end,
    data: extended(sampleEntry, PACKETS.end, { keyframe: true, body: new Uint8Array() }),
  })
  return feed
}

function extended(
  coding: string,
  packet: number,
  { keyframe, body }: { keyframe: boolean; body: Uint8Array },
): Uint8Array {
  return Buffer.concat([Buffer.from([0x80 | ((keyframe ? 1 : 2) << 4) | packet]), Buffer.from(coding), body])
}

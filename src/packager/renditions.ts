import { createHash } from 'node:crypto'
import {
  bitRates,
  cutSegments,
  frameRate,
  readMovie,
  type ByteSource,
  type MediaTrack,
  type Movie,
  type Segment,
} from '../cmaf/index.ts'
import type { Rendition } from '../client/index.ts'
import type { Seconds } from '../core/index.ts'
import { judgeMovie, type Chosen } from './conforming.ts'

/** Stands in every rendition's name: raise it when the bytes made from the same file change. */
export const PACKAGER_FORMAT = 1
/** Length that segments aim at; pictures are cut at the first keyframe after it. */
export const TARGET_SEGMENT: Seconds = 4

/** A rendition as it is stored: what people see of it and where it lies in its movie. */
export interface StoredRendition {
  rendition: Rendition
  /** Position among the movie's tracks in the index. */
  track: number
  frameRate?: number
  channels?: number
}

const SAMPLED_PLACES = 16
const SAMPLED_BYTES = 4096

/** Describes each track of a movie that holds nothing but what is served. */
export async function describeRenditions(
  movie: Movie,
  index: Uint8Array,
  source: ByteSource,
): Promise<StoredRendition[]> {
  const digest = await contentDigest(index, source)
  return cutSegments(movie, { targetSeconds: TARGET_SEGMENT }).map(({ track, segments }) => {
    const position = movie.tracks.indexOf(track)
    const hash = createHash('sha256').update(`${digest} track ${position}`).digest('hex').slice(0, 10)
    return describe(track, segments, position, `${track.kind}-${hash}`)
  })
}

function describe(track: MediaTrack, segments: Segment[], position: number, name: string): StoredRendition {
  const duration = segments.reduce((sum, segment) => sum + segment.duration, 0)
  const rendition: Rendition = {
    name,
    kind: track.kind,
    codec: track.codec,
    bandwidth: bitRates(segments),
    durationSeconds: Math.round(duration * 1000) / 1000,
    ...(track.language === 'und' ? {} : { language: track.language }),
  }
  if (track.kind === 'audio') return { rendition, track: position, channels: track.channels }
  const rate = Math.round(frameRate(track) * 1000) / 1000
  return {
    rendition: { ...rendition, ...displayed(track) },
    track: position,
    ...(rate > 0 ? { frameRate: rate } : {}),
  }
}

/** Size as viewers see it: turned, and with pixels made square. */
function displayed(track: Extract<MediaTrack, { kind: 'video' }>): { width: number; height: number } {
  const width = Math.round(track.displayWidth) || track.width
  const height = Math.round(track.displayHeight) || track.height
  return track.rotation === 90 || track.rotation === 270
    ? { width: height, height: width }
    : { width, height }
}

/**
 * Tells contents apart. The index holds the size and place of every sample, which is as good as the content itself but
 * for sound of constant size; a few places of the file are read against that.
 */
async function contentDigest(index: Uint8Array, source: ByteSource): Promise<string> {
  const hash = createHash('sha256').update(`sluice packager ${PACKAGER_FORMAT}\n`).update(index)
  for (let place = 0; place < SAMPLED_PLACES; place++) {
    const start = Math.floor((source.size * place) / SAMPLED_PLACES)
    hash.update(await source.read(start, Math.min(SAMPLED_BYTES, source.size - start)))
  }
  return hash.digest('hex')
}

/** The movie of a stored version read anew, for an index that another program version wrote; undefined when it cannot be. */
export async function reindex(source: ByteSource): Promise<Movie | undefined> {
  const read = await readMovie(source)
  if (read.kind === 'refused') return undefined
  const verdict = judgeMovie(read.movie)
  return verdict.kind === 'conforming' ? servedMovie(read.movie, verdict.chosen) : undefined
}

/** A movie without what is not served: pictures first. */
export function servedMovie(movie: Movie, chosen: Chosen): Movie {
  return { ...movie, tracks: [chosen.video, chosen.audio].filter(track => track !== undefined) }
}

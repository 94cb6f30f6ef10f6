import { childBoxes, optionalBox, requiredBox } from './child-boxes.ts'
import { findMoov } from './find-moov.ts'
import { Limits } from './limits.ts'
import type { Movie, Track } from './movie.ts'
import { readTrack } from './read-track.ts'
import { Refused, refuse, type MovieRefusal } from './refusal.ts'
import type { ByteSource } from './source.ts'
import { presentationEnd } from './timeline.ts'
import type { Window } from './window.ts'

/** `why` is a sentence for the one who published the file. */
export type MovieResult =
  { kind: 'movie'; movie: Movie } | { kind: 'refused'; reason: MovieRefusal; why: string }

const MOST_TRACKS = 64

/**
 * Reads the header of an MP4 or QuickTime file that nobody vouches for. Time and memory are bounded by the size of the
 * header (at most 256 MiB) and by 8 million samples. Rejects only when the source does.
 */
export async function readMovie(source: ByteSource): Promise<MovieResult> {
  try {
    return { kind: 'movie', movie: parseMoov(await findMoov(source), source) }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { kind: 'refused', reason: error.reason, why: error.message }
  }
}

function parseMoov(moov: Window, source: ByteSource): Movie {
  const boxes = childBoxes(moov)
  if (optionalBox(boxes, 'cmov')) {
    refuse(
      'compressed-header',
      'The movie header is compressed, an old QuickTime feature that is not supported.',
    )
  }
  if (optionalBox(boxes, 'mvex')) {
    refuse('fragmented', 'The file is a fragmented MP4; only a plain MP4 or MOV can be cut as it is.')
  }
  const traks = boxes.filter(box => box.type === 'trak')
  if (traks.length > MOST_TRACKS) refuse('too-large', `The movie has more than ${MOST_TRACKS} tracks.`)
  const mvhd = requiredBox(boxes, 'mvhd', 'movie')
  const movieTimescale = mvhd.u32(mvhd.u8(0) === 1 ? 20 : 12)
  if (movieTimescale === 0) refuse('malformed', 'The movie has a timescale of 0.')
  const context = { movieTimescale, limits: new Limits(source.size) }
  const tracks = traks.map(({ body }) => readTrack(body, context))
  if (!tracks.some(hasPictureOrSound)) refuse('no-tracks', 'The file holds neither picture nor sound.')
  return { tracks, durationSeconds: Math.max(0, ...tracks.map(presentationEnd)) }
}

function hasPictureOrSound(track: Track): boolean {
  return track.kind !== 'other' || (track.why === 'codec' && ['vide', 'soun'].includes(track.handler))
}

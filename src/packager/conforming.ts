import {
  hasLeadingPictures,
  keyframeFrom,
  longestKeyframeGapSeconds,
  timelineOf,
  type AudioTrack,
  type MediaTrack,
  type Movie,
  type Track,
  type VideoTrack,
} from '../cmaf/index.ts'
import type { Seconds } from '../core/index.ts'

/** What stands between a movie and serving it as it is; `about` is what a conversion would have to redo. */
export interface Fault {
  about: 'video' | 'audio' | 'timing' | 'container'
  why: string
}

/** The tracks that are served: at most one picture and one sound. */
export interface Chosen {
  video?: VideoTrack
  audio?: AudioTrack
  /** What was left out, for the log. */
  notes: string[]
}

export type Verdict = { kind: 'conforming'; chosen: Chosen } | { kind: 'not'; faults: Fault[] }

const LONGEST_KEYFRAME_GAP: Seconds = 12

/** Whether a movie is served as it is (SEAMS 31), and if not, everything that is in the way. */
export function judgeMovie(movie: Movie): Verdict {
  const { chosen, faults } = choose(movie.tracks)
  if (chosen.video) faults.push(...videoFaults(chosen.video))
  if (chosen.audio) faults.push(...audioFaults(chosen.audio))
  return faults.length === 0 ? { kind: 'conforming', chosen } : { kind: 'not', faults }
}

function choose(tracks: Track[]): { chosen: Chosen; faults: Fault[] } {
  const faults: Fault[] = []
  const notes: string[] = []
  const video = first(tracks.filter(track => track.kind === 'video'))
  const audio = first(tracks.filter(track => track.kind === 'audio'))
  const foreign = (handler: string) =>
    tracks.find(track => track.kind === 'other' && track.handler === handler && track.why === 'codec')
  if (!video && foreign('vide')) faults.push({ about: 'video', why: 'its picture is not H.264' })
  if (!audio && foreign('soun')) faults.push({ about: 'audio', why: 'its sound is not AAC' })
  if (!video && !audio && faults.length === 0)
    faults.push({ about: 'container', why: 'it holds no picture and no sound that can be read' })
  for (const track of tracks) {
    if (track !== video && track !== audio)
      notes.push(`track ${track.id} (${track.kind === 'other' ? track.handler : track.kind}) is left out`)
  }
  return { chosen: { ...(video ? { video } : {}), ...(audio ? { audio } : {}), notes }, faults }
}

/** The first that players would choose, else the first. */
function first<T extends Track>(tracks: T[]): T | undefined {
  return tracks.find(track => track.enabled) ?? tracks[0]
}

function videoFaults(track: VideoTrack): Fault[] {
  const faults: Fault[] = []
  const video = (why: string) => faults.push({ about: 'video', why })
  const { h264 } = track
  if (!h264) video(`its picture is ${track.codec}, not H.264`)
  else {
    if (h264.bitDepth !== 8) video(`its picture has ${h264.bitDepth} bits a sample instead of 8`)
    if (h264.chromaFormat !== '4:2:0') video(`its picture is ${h264.chromaFormat} instead of 4:2:0`)
    if (h264.scan !== 'progressive') video('its picture is interlaced')
    if (track.sampleEntry !== 'avc1')
      faults.push({ about: 'container', why: 'its decoder settings are not in the header' })
  }
  if (track.rotation === 'other') video('its picture is to be mirrored or skewed')
  const gap = longestKeyframeGapSeconds(track)
  if (gap > LONGEST_KEYFRAME_GAP)
    video(`its keyframes are up to ${Math.round(gap)} s apart, more than ${LONGEST_KEYFRAME_GAP}`)
  if (keyframeFrom(track.samples, 0) !== 0) video('it does not begin with a keyframe')
  if (hasLeadingPictures(track))
    video('pictures that follow its keyframes are shown before them (open groups of pictures)')
  return [...faults, ...timingFaults(track)]
}

function audioFaults(track: AudioTrack): Fault[] {
  const faults: Fault[] = []
  if (track.codec !== 'mp4a.40.2')
    faults.push({ about: 'audio', why: `its sound is ${track.codec}, not AAC-LC` })
  return [...faults, ...timingFaults(track)]
}

/** What an edit list asks for beyond a trim on a keyframe and a shift. */
function timingFaults(track: MediaTrack): Fault[] {
  const timeline = timelineOf(track)
  return timeline.kind === 'plain' ? [] : [{ about: 'timing', why: timeline.why }]
}

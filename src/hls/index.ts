export { carryQuery } from './carry.ts'
export { parseDirectives, renderDirectives, type DirectivesResult } from './directives.ts'
export { parseLiveMark, renderLiveMark, type LiveMark } from './live-mark.ts'
export { LiveWindow, type ClosedSegment, type WindowOptions } from './live-window.ts'
export type {
  Directives,
  LivePartLine,
  LivePlaylist,
  LiveSegment,
  PlaylistPosition,
  RenditionReport,
} from './live.ts'
export type { AudioRendition, MultivariantPlaylist, Variant, VodPlaylist, VodSegment } from './playlist.ts'
export {
  comparePositions,
  formatPosition,
  judgeReach,
  parsePosition,
  positionOf,
  type Reach,
} from './position.ts'
export { readPlaylist, type ReadLimits, type ReadResult } from './read.ts'
export { renderLive } from './render-live.ts'
export { renderMultivariant, renderVod } from './render.ts'
export type { PlaylistTag } from './playlist-line.ts'
export {
  playlistLines,
  PlaylistReader,
  playlistValue,
  type PlaylistEntry,
  type PlaylistValue,
} from './playlist-value.ts'
export { steerPlaylist } from './steer.ts'

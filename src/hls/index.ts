export type { AudioRendition, MultivariantPlaylist, Variant, VodPlaylist, VodSegment } from './playlist.ts'
export { readPlaylist, type ReadLimits, type ReadResult } from './read.ts'
export { renderMultivariant, renderVod } from './render.ts'
export type {
  Directives,
  LivePartLine,
  LivePlaylist,
  LiveSegment,
  PlaylistPosition,
  RenditionReport,
} from './live.ts'

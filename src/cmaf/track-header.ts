import type { VideoDescription } from './movie.ts'
import type { Window } from './window.ts'

export interface TrackHeader extends Pick<
  VideoDescription,
  'displayWidth' | 'displayHeight' | 'matrix' | 'rotation'
> {
  id: number
  enabled: boolean
}

const ONE = 0x10000

/** Reads `tkhd` (ISO/IEC 14496-12, 8.3.2). */
export function readTrackHeader(tkhd: Window): TrackHeader {
  const wide = tkhd.u8(0) === 1
  const matrixAt = wide ? 52 : 40
  const matrix = Array.from({ length: 9 }, (_, index) => tkhd.i32(matrixAt + index * 4))
  return {
    id: tkhd.u32(wide ? 20 : 12),
    enabled: (tkhd.u8(3) & 1) === 1,
    matrix,
    rotation: rotationOf(matrix),
    displayWidth: tkhd.u32(matrixAt + 36) / ONE,
    displayHeight: tkhd.u32(matrixAt + 40) / ONE,
  }
}

/** Where a turned picture lands does not matter: players put it in the middle. */
function rotationOf(matrix: readonly number[]): VideoDescription['rotation'] {
  const [a, b, , c, d] = matrix.map(value => value / ONE)
  switch (`${a} ${b} ${c} ${d}`) {
    case '1 0 0 1':
      return 0
    case '0 1 -1 0':
      return 90
    case '-1 0 0 -1':
      return 180
    case '0 -1 1 0':
      return 270
    default:
      return 'other'
  }
}

import type { Box } from './child-boxes.ts'
import { refuse } from './refusal.ts'

/** Sample entries of encrypted tracks, ISO's and Apple's, and the box that tells how (ISO/IEC 14496-12, 8.12). */
const SIGNS = new Set(['encv', 'enca', 'drmi', 'drms', 'sinf'])

/** Looks among the sample entries of a track, or among the boxes inside one. */
export function refuseEncrypted(boxes: readonly Box[]): void {
  if (boxes.some(box => SIGNS.has(box.type))) {
    refuse('encrypted', 'The file is encrypted; publish it without copy protection.')
  }
}

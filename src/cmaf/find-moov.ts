import { MiB, formatBytes, type Bytes } from '../core/index.ts'
import { refuse } from './refusal.ts'
import type { ByteSource } from './source.ts'
import { Window, printable } from './window.ts'

/** What stands at the top of MP4 and QuickTime files; a file that begins with anything else is neither. */
const TOP_LEVEL = new Set([
  'ftyp',
  'styp',
  'moov',
  'moof',
  'mdat',
  'sidx',
  'free',
  'skip',
  'wide',
  'pnot',
  'uuid',
  'meta',
  'pdin',
  'mfra',
  'udta',
])
const MOST_TOP_LEVEL_BOXES = 1024
/** A day of film has a header of about 60 MiB. */
const LARGEST_MOOV: Bytes = 256 * MiB

/** Finds the movie's header and reads it whole; of everything else only the first 16 bytes are read. */
export async function findMoov(source: ByteSource): Promise<Window> {
  if (source.size === 0) refuse('empty', 'The file is empty.')
  let at: Bytes = 0
  for (let count = 0; source.size - at >= 8; count++) {
    if (count === MOST_TOP_LEVEL_BOXES) {
      refuse(
        'malformed',
        `There is no movie header among the first ${MOST_TOP_LEVEL_BOXES} boxes of the file.`,
      )
    }
    const header = new Window(await readWhole(source, at, Math.min(16, source.size - at)), 'header')
    const box = topLevelBox(header, at, source.size)
    if (box.type === 'moof') {
      refuse('fragmented', 'The file is a fragmented MP4; only a plain MP4 or MOV can be cut as it is.')
    }
    if (box.type === 'moov') {
      const length = box.end - at - box.headerLength
      if (length > LARGEST_MOOV) {
        refuse(
          'too-large',
          `The movie header has ${formatBytes(length)}; the limit is ${formatBytes(LARGEST_MOOV)}.`,
        )
      }
      return new Window(await readWhole(source, at + box.headerLength, length), 'moov')
    }
    at = box.end
  }
  if (at === 0) refuse('not-mp4', 'The file is not an MP4 or MOV.')
  return refuse(
    'truncated',
    'The file has no movie header (moov): it was cut short, or its recording never ended.',
  )
}

function topLevelBox(
  header: Window,
  at: Bytes,
  fileSize: Bytes,
): { type: string; headerLength: number; end: Bytes } {
  const type = header.fourcc(4)
  const known = TOP_LEVEL.has(type)
  if (at === 0 && !known) refuse('not-mp4', 'The file is not an MP4 or MOV.')
  let size = header.u32(0)
  let headerLength = 8
  if (size === 1) {
    if (header.length < 16) refuse('truncated', 'The file ends in the middle of a box header.')
    size = header.u64(8)
    headerLength = 16
  }
  // ISO/IEC 14496-12, 4.2: size 0 means up to the end of the file.
  else if (size === 0) size = fileSize - at
  if (size < headerLength) refuse('malformed', `The box "${printable(type)}" is smaller than its own header.`)
  if (size > fileSize - at) {
    if (known) refuse('truncated', `The file was cut short: its box "${type}" reaches beyond the end.`)
    refuse('malformed', `The box "${printable(type)}" reaches beyond the end of the file.`)
  }
  return { type, headerLength, end: at + size }
}

async function readWhole(source: ByteSource, start: Bytes, length: Bytes): Promise<Uint8Array> {
  const bytes = await source.read(start, length)
  if (bytes.length < length) refuse('truncated', 'The file is shorter than its stated size.')
  return bytes
}

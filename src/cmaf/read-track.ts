import { readAudioEntry } from './audio-entry.ts'
import { childBoxes, optionalBox, requiredBox, type Box } from './child-boxes.ts'
import { readEditList } from './edit-list.ts'
import { refuseEncrypted } from './encrypted.ts'
import { entryCount } from './entry-count.ts'
import type { Limits } from './limits.ts'
import type { OtherTrack, Track } from './movie.ts'
import { refuse } from './refusal.ts'
import { readSampleTables } from './sample-tables.ts'
import { readTrackHeader, type TrackHeader } from './track-header.ts'
import { readVideoEntry } from './video-entry.ts'
import { printable, type Window } from './window.ts'

export interface TrackContext {
  movieTimescale: number
  limits: Limits
}

/** Reads one `trak`. Of tracks that are neither picture nor sound only the handler is read, so nothing in them can refuse the movie. */
export function readTrack(trak: Window, context: TrackContext): Track {
  const boxes = childBoxes(trak)
  const header = readTrackHeader(requiredBox(boxes, 'tkhd', 'track'))
  const media = childBoxes(requiredBox(boxes, 'mdia', 'track'))
  const handler = printable(requiredBox(media, 'hdlr', 'track').fourcc(8))
  if (handler !== 'vide' && handler !== 'soun') return other(header, handler, '', 'handler')
  const owner = handler === 'vide' ? 'picture track' : 'sound track'
  const information = childBoxes(requiredBox(media, 'minf', owner))
  const tables = childBoxes(requiredBox(information, 'stbl', owner))
  const stsd = requiredBox(tables, 'stsd', owner)
  const entries = readSampleEntries(stsd)
  const named = entries[0]?.type ?? ''
  if (sampleCount(tables, owner) === 0) return other(header, handler, named, 'no-samples')

  const described = entries.map(entry => ({ entry, coding: readCoding(handler, entry, stsd.u8(0)) }))
  if (described.every(({ coding }) => !coding)) return other(header, handler, named, 'codec')
  const { timescale, language } = readMediaHeader(requiredBox(media, 'mdhd', owner), owner)
  const { samples, sampleEntry } = readSampleTables(tables, { owner, timescale, limits: context.limits })
  const used =
    described[sampleEntry - 1] ?? refuse('malformed', `The ${owner} uses a sample entry that is not there.`)
  refuseExternalData(information, used.entry.body.u16(6))
  if (!used.coding) return other(header, handler, printable(used.entry.type), 'codec')

  context.limits.checkDuration(samples.decodeTimes[samples.count] ?? 0, timescale)
  const edits = readEditList(editListOf(boxes), timescale, context.movieTimescale)
  const { id, enabled, ...picture } = header
  const common = { id, enabled, timescale, language, edits, samples }
  return used.coding.sampleEntry === 'mp4a'
    ? { kind: 'audio', ...used.coding, ...common }
    : { kind: 'video', ...used.coding, ...picture, ...common }
}

function readCoding(handler: 'vide' | 'soun', entry: Box, stsdVersion: number) {
  return handler === 'vide' ? readVideoEntry(entry) : readAudioEntry(entry, stsdVersion)
}

function other(
  header: TrackHeader,
  handler: string,
  sampleEntry: string,
  why: OtherTrack['why'],
): OtherTrack {
  return {
    kind: 'other',
    id: header.id,
    enabled: header.enabled,
    handler,
    sampleEntry: printable(sampleEntry),
    why,
  }
}

function readSampleEntries(stsd: Window): Box[] {
  const entries = childBoxes(stsd, 8)
  const stated = entryCount(stsd, 8)
  if (entries.length === 0 || entries.length !== stated) {
    refuse('malformed', 'The "stsd" box does not hold the sample entries that it claims.')
  }
  refuseEncrypted(entries)
  return entries
}

function sampleCount(tables: readonly Box[], owner: string): number {
  return requiredBox(tables, 'stsz', owner).u32(8)
}

function readMediaHeader(mdhd: Window, owner: string): { timescale: number; language: string } {
  const wide = mdhd.u8(0) === 1
  const timescale = mdhd.u32(wide ? 20 : 12)
  if (timescale === 0) refuse('malformed', `The ${owner} has a timescale of 0.`)
  return { timescale, language: languageOf(mdhd.u16(wide ? 32 : 20)) }
}

/** Three letters of five bits each (ISO/IEC 14496-12, 8.4.2); QuickTime's old codes lie below 0x400. */
function languageOf(packed: number): string {
  const letters = [packed >> 10, (packed >> 5) & 31, packed & 31]
  const isCode = packed >= 0x400 && letters.every(letter => letter >= 1 && letter <= 26)
  return isCode ? String.fromCharCode(...letters.map(letter => letter + 0x60)) : 'und'
}

function editListOf(track: readonly Box[]): Window | undefined {
  const edts = optionalBox(track, 'edts')
  return edts && optionalBox(childBoxes(edts), 'elst')
}

/**
 * Flag 1 of a data reference says that the samples are in this file (ISO/IEC 14496-12, 8.7.2). Some writers forget it
 * and name no other place either.
 */
function refuseExternalData(information: readonly Box[], reference: number): void {
  const dinf = optionalBox(information, 'dinf')
  const dref = dinf && optionalBox(childBoxes(dinf), 'dref')
  const entry = dref && childBoxes(dref, 8)[reference - 1]?.body
  if (entry && (entry.u8(3) & 1) === 0 && entry.length > 5) {
    refuse(
      'external-data',
      'The picture or sound lies in another file, which a reference movie only points to.',
    )
  }
}

import { ascii, box, concat, fullBox, u16, u32, u32List, u64, zeros } from '../../src/cmaf/boxes.ts'

/** The body of `avcC` that x264 writes for 160x90, High profile, level 1.1, 8 bit 4:2:0, progressive. */
export const AVC_CONFIG = new Uint8Array(
  Buffer.from(
    '0164000bffe100196764000bacd9428df93011000003000100000300320f14299601000468ef8fcbfdf8f800',
    'hex',
  ),
)
/** AAC-LC, 48 kHz, two channels. */
export const AAC_CONFIG = Uint8Array.of(0x11, 0x90)

const ONE = 0x10000
export const MATRIX = [ONE, 0, 0, 0, ONE, 0, 0, 0, 0x40000000]

/** Replaces boxes of the movie below by their names; null leaves a box out. */
export type Changes = Partial<Record<TableName, Uint8Array | null>>
type TableName =
  | (
      | 'stsd'
      | 'stts'
      | 'ctts'
      | 'stss'
      | 'stsz'
      | 'stsc'
      | 'stco'
      | 'tkhd'
      | 'mdhd'
      | 'hdlr'
      | 'minf'
      | 'dinf'
    )
  | ('stbl' | 'mdia' | 'edts' | 'trak' | 'mvhd' | 'mvex' | 'ftyp' | 'more' | 'cmov')

export const SAMPLES = 100
export const SAMPLE_SIZE = 50

export function videoEntry(...children: Uint8Array[]): Uint8Array {
  return entry('avc1', ...children)
}

export function entry(type: string, ...children: Uint8Array[]): Uint8Array {
  return box(
    type,
    ...[
      zeros(6),
      u16(1),
      zeros(16),
      u16(160, 90),
      u32(72 * ONE, 72 * ONE, 0),
      u16(1),
      zeros(32),
      u16(24, 0xffff),
    ],
    ...children,
  )
}

export function table(type: string, ...words: number[]): Uint8Array {
  return fullBox(type, 0, 0, u32List(words))
}

/** The `moov` of four seconds of H.264 at 25 Hz in one chunk with a keyframe a second, or what `changes` make of it. */
export function builtMoov(firstByte: number, changes: Changes = {}): Uint8Array {
  const take = (name: TableName, made: () => Uint8Array): Uint8Array => {
    const change = changes[name]
    return change === null ? zeros(0) : (change ?? made())
  }
  const stbl = (): Uint8Array =>
    box(
      'stbl',
      take('stsd', () => fullBox('stsd', 0, 0, u32(1), videoEntry(box('avcC', AVC_CONFIG)))),
      take('stts', () => table('stts', 1, SAMPLES, 512)),
      take('ctts', () => zeros(0)),
      take('stss', () => table('stss', 4, 1, 26, 51, 76)),
      take('stsz', () => table('stsz', SAMPLE_SIZE, SAMPLES)),
      take('stsc', () => table('stsc', 1, 1, SAMPLES, 1)),
      take('stco', () => table('stco', 1, firstByte)),
    )
  const minf = (): Uint8Array =>
    box(
      'minf',
      fullBox('vmhd', 0, 1, zeros(8)),
      take('dinf', () => box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1)))),
      take('stbl', stbl),
    )
  const mdia = (): Uint8Array =>
    box(
      'mdia',
      take('mdhd', () => fullBox('mdhd', 0, 0, u32(0, 0, 12800, SAMPLES * 512), u16(0x55c4, 0))),
      take('hdlr', () => fullBox('hdlr', 0, 0, u32(0), ascii('vide'), zeros(12), ascii('\0'))),
      take('minf', minf),
    )
  const trak = (): Uint8Array =>
    box(
      'trak',
      take('tkhd', () =>
        fullBox('tkhd', 0, 3, u32(0, 0, 1, 0, 4000), zeros(16), u32List(MATRIX), u32(160 * ONE, 90 * ONE)),
      ),
      take('edts', () => zeros(0)),
      take('mdia', mdia),
    )
  return box(
    'moov',
    take('cmov', () => zeros(0)),
    take('mvhd', () =>
      fullBox(
        'mvhd',
        0,
        0,
        u32(0, 0, 1000, 4000, ONE),
        u16(0x0100),
        zeros(10),
        u32List(MATRIX),
        zeros(24),
        u32(2),
      ),
    ),
    take('trak', trak),
    take('more', () => zeros(0)),
    take('mvex', () => zeros(0)),
  )
}

const FTYP = box('ftyp', ascii('isom'), u32(512), ascii('isomavc1'))
export const MDAT_AT = FTYP.length + 8

/** A whole file: `ftyp`, `mdat`, `moov`. Its samples hold counting bytes; nothing decodes them. */
export function builtMovie(changes: Changes = {}): Uint8Array {
  const content = Uint8Array.from({ length: SAMPLES * SAMPLE_SIZE }, (_, index) => index % 251)
  return concat([changes.ftyp ?? FTYP, box('mdat', content), builtMoov(MDAT_AT, changes)])
}

export function editList(...edits: [duration: number, mediaTime: number, rate?: number][]): Uint8Array {
  const words = edits.flatMap(([duration, mediaTime, rate = ONE]) => [duration, mediaTime, rate])
  return box('edts', table('elst', edits.length, ...words))
}

/** A box whose header states another size than it has. */
export function stating(size: number, made: Uint8Array): Uint8Array {
  const lying = made.slice()
  new DataView(lying.buffer).setUint32(0, size)
  return lying
}

/** A box with a 64-bit size that states something else than it has. */
export function statingWide(size: number, made: Uint8Array): Uint8Array {
  return concat([u32(1), made.subarray(4, 8), u64(size), made.subarray(8)])
}

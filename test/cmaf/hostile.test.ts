import { describe, expect, test } from 'vitest'
import { bytesSource, readMovie, type ByteSource, type MovieRefusal } from '../../src/cmaf/index.ts'
import { ascii, box, concat, fullBox, u16, u32, u64, zeros } from '../../src/cmaf/boxes.ts'
import {
  AVC_CONFIG,
  MDAT_AT,
  SAMPLES,
  builtMoov,
  builtMovie,
  entry,
  stating,
  statingWide,
  table,
  videoEntry,
  type Changes,
} from './built-movie.ts'

/** As many boxes as are looked at before a file is given up. */
const MOST_READS = 1_024

/** The reason, found without being led in circles; a loop that reads nothing runs into the time limit of its test. */
async function refusalOf(source: ByteSource): Promise<MovieRefusal | 'none'> {
  let [reads, bytes] = [0, 0]
  const result = await readMovie({
    size: source.size,
    async read(start, length) {
      const read = await source.read(start, length)
      reads++
      bytes += read.length
      return read
    },
  })
  expect(reads).toBeLessThanOrEqual(MOST_READS)
  // No byte twice, but for the head of the box that is given up at.
  expect(bytes).toBeLessThanOrEqual(source.size + 16)
  if (result.kind === 'movie') return 'none'
  expect(result.why).toMatch(/^[A-Z].*\.$/)
  return result.reason
}

const FTYP = box('ftyp', ascii('isom'), u32(512), ascii('isom'))
const avcC = box('avcC', AVC_CONFIG)
const stsd = (...entries: Uint8Array[]): Uint8Array => fullBox('stsd', 0, 0, u32(entries.length), ...entries)
const dinf = (...references: Uint8Array[]): Uint8Array =>
  box('dinf', fullBox('dref', 0, 0, u32(references.length), ...references))

test('the movie that the cases below damage is read', async () => {
  expect(await refusalOf(bytesSource(builtMovie()))).toBe('none')
})

describe('a box of the header that lies is refused', () => {
  const cases: [string, Changes, MovieRefusal][] = [
    ['no stsd', { stsd: null }, 'malformed'],
    ['no stts', { stts: null }, 'malformed'],
    ['no stsc', { stsc: null }, 'malformed'],
    ['no stsz', { stsz: null }, 'malformed'],
    ['no stco', { stco: null }, 'malformed'],
    ['no stbl', { stbl: null }, 'malformed'],
    ['no minf', { minf: null }, 'malformed'],
    ['no mdia', { mdia: null }, 'malformed'],
    ['no mdhd', { mdhd: null }, 'malformed'],
    ['no hdlr', { hdlr: null }, 'malformed'],
    ['no tkhd', { tkhd: null }, 'malformed'],
    ['no mvhd', { mvhd: null }, 'malformed'],
    ['no track', { trak: null }, 'no-tracks'],
    ['a track timescale of 0', { mdhd: fullBox('mdhd', 0, 0, u32(0, 0, 0, 0), u32(0)) }, 'malformed'],
    ['a movie timescale of 0', { mvhd: fullBox('mvhd', 0, 0, zeros(96)) }, 'malformed'],
    [
      '100 bytes of stts that claim 4 billion entries',
      { stts: fullBox('stts', 0, 0, u32(2 ** 32 - 1), zeros(84)) },
      'malformed',
    ],
    ['one stts entry that claims 4 billion samples', { stts: table('stts', 1, 2 ** 32 - 1, 1) }, 'malformed'],
    ['stts with fewer samples than there are', { stts: table('stts', 1, SAMPLES - 1, 512) }, 'malformed'],
    ['stts that goes back in time', { stts: table('stts', 2, 50, 512, 50, -512) }, 'malformed'],
    ['stts that lasts for years', { stts: table('stts', 1, SAMPLES, 2 ** 31 - 1) }, 'too-large'],
    ['an empty stts', { stts: box('stts') }, 'malformed'],
    ['ctts with fewer samples than there are', { ctts: table('ctts', 1, 5, 512) }, 'malformed'],
    ['ctts with more samples than there are', { ctts: table('ctts', 2, SAMPLES, 512, 1, 0) }, 'malformed'],
    ['ctts with an offset of a day', { ctts: table('ctts', 1, SAMPLES, 86_400 * 12_800) }, 'malformed'],
    ['stss beyond the samples', { stss: table('stss', 1, SAMPLES + 1) }, 'malformed'],
    ['stss with sample 0', { stss: table('stss', 1, 0) }, 'malformed'],
    ['stss out of order', { stss: table('stss', 3, 1, 51, 26) }, 'malformed'],
    ['stss that claims more than it holds', { stss: table('stss', 90, 1) }, 'malformed'],
    ['stsz that claims more than it holds', { stsz: table('stsz', 0, SAMPLES, 5) }, 'malformed'],
    ['stsz of one size that claims 4 billion samples', { stsz: table('stsz', 1, 2 ** 32 - 1) }, 'too-large'],
    ['stsz with more bytes than the file', { stsz: table('stsz', 10_000, SAMPLES) }, 'truncated'],
    ['stsc that begins at chunk 2', { stsc: table('stsc', 1, 2, SAMPLES, 1) }, 'malformed'],
    ['stsc beyond the chunks', { stsc: table('stsc', 2, 1, SAMPLES, 1, 3, 1, 1) }, 'malformed'],
    ['stsc out of order', { stsc: table('stsc', 3, 1, 1, 1, 1, 1, 1, 1, 1, 1) }, 'malformed'],
    ['stsc with chunks of 0 samples', { stsc: table('stsc', 1, 1, 0, 1) }, 'malformed'],
    ['stsc with chunks of 4 billion samples', { stsc: table('stsc', 1, 1, 2 ** 32 - 1, 1) }, 'malformed'],
    ['stsc with too few samples', { stsc: table('stsc', 1, 1, 5, 1) }, 'malformed'],
    ['stsc that names no sample entry', { stsc: table('stsc', 1, 1, SAMPLES, 7) }, 'malformed'],
    ['stco that claims more than it holds', { stco: table('stco', 2 ** 30, 1) }, 'malformed'],
    ['stco past the end', { stco: table('stco', 1, 2 ** 31) }, 'truncated'],
    ['samples half past the end', { stco: table('stco', 1, MDAT_AT + 3000) }, 'truncated'],
    ['co64 past 2^53', { stco: fullBox('co64', 0, 0, u32(1), u64(2 ** 62)) }, 'truncated'],
    [
      'two stts',
      { stts: concat([table('stts', 1, SAMPLES, 512), table('stts', 1, SAMPLES, 1)]) },
      'malformed',
    ],
    ['an inner box of size 0', { stts: stating(0, table('stts', 1, SAMPLES, 512)) }, 'malformed'],
    ['an inner box of size 7', { stts: stating(7, table('stts', 1, SAMPLES, 512)) }, 'malformed'],
    [
      'an inner box that overlaps the next',
      { stts: stating(40, table('stts', 1, SAMPLES, 512)) },
      'malformed',
    ],
    ['an inner box of 4 GB', { mdia: stating(2 ** 32 - 1, box('mdia', zeros(40))) }, 'malformed'],
    [
      'an inner box with a wide size below its header',
      { stts: statingWide(15, table('stts', 1, SAMPLES, 512)) },
      'malformed',
    ],
    [
      'an inner box with an endless wide size',
      { stts: statingWide(2 ** 63, table('stts', 1, SAMPLES, 512)) },
      'malformed',
    ],
    [
      'a million boxes of eight bytes',
      { more: new Uint8Array(8e6).map((_, at) => (at % 8 < 3 ? 0 : at % 8 === 3 ? 8 : 65)) },
      'malformed',
    ],
    ['a thousand tracks', { more: concat(Array.from({ length: 1000 }, () => box('trak'))) }, 'too-large'],
    ['no sample entry', { stsd: stsd() }, 'malformed'],
    [
      'fewer sample entries than claimed',
      { stsd: fullBox('stsd', 0, 0, u32(2), videoEntry(avcC)) },
      'malformed',
    ],
    ['no avcC', { stsd: stsd(videoEntry()) }, 'malformed'],
    ['an empty avcC', { stsd: stsd(videoEntry(box('avcC'))) }, 'malformed'],
    [
      'an avcC without a parameter set',
      { stsd: stsd(videoEntry(box('avcC', AVC_CONFIG.slice(0, 5), zeros(2)))) },
      'malformed',
    ],
    [
      'an avcC that is cut short',
      { stsd: stsd(videoEntry(box('avcC', AVC_CONFIG.slice(0, 14)))) },
      'malformed',
    ],
    [
      'an avcC of zeros',
      { stsd: stsd(videoEntry(box('avcC', Uint8Array.of(1, 100, 0, 11, 255, 1, 0, 40), zeros(40)))) },
      'malformed',
    ],
    ['pictures without a size', { stsd: stsd(box('avc1', zeros(78), avcC)) }, 'malformed'],
    [
      'coding that changes in the middle',
      {
        stsd: stsd(videoEntry(avcC), videoEntry(avcC)),
        stsc: table('stsc', 2, 1, 50, 1, 2, 50, 2),
        stco: table('stco', 2, MDAT_AT, MDAT_AT + 2500),
      },
      'several-sample-entries',
    ],
    ['an encrypted sample entry', { stsd: stsd(entry('encv', avcC)) }, 'encrypted'],
    [
      'a plain sample entry with a protection scheme',
      { stsd: stsd(videoEntry(avcC, box('sinf'))) },
      'encrypted',
    ],
    [
      'samples in another file',
      { dinf: dinf(fullBox('url ', 0, 0, ascii('http://127.0.0.1/film.mp4\0'))) },
      'external-data',
    ],
    ['a fragmented movie', { mvex: box('mvex', fullBox('trex', 0, 0, zeros(20))) }, 'fragmented'],
    ['a compressed header', { cmov: box('cmov', zeros(8)) }, 'compressed-header'],
    ['only a track of text', { hdlr: fullBox('hdlr', 0, 0, u32(0), ascii('text'), zeros(13)) }, 'no-tracks'],
    [
      'a track without samples',
      {
        stsz: table('stsz', 0, 0),
        stts: table('stts', 0),
        stsc: table('stsc', 0),
        stco: table('stco', 0),
        stss: null,
      },
      'no-tracks',
    ],
  ]
  test.each(cases)('%s', async (_name, changes, reason) => {
    expect(await refusalOf(bytesSource(builtMovie(changes)))).toBe(reason)
  })
})

describe('a file whose outside lies is refused', () => {
  const mdat = box('mdat', zeros(5000))
  const cases: [string, Uint8Array, MovieRefusal][] = [
    ['nothing', zeros(0), 'empty'],
    ['three bytes', zeros(3), 'not-mp4'],
    ['text', ascii('Once upon a time there was no movie here.'), 'not-mp4'],
    ['zeros', zeros(4096), 'not-mp4'],
    ['a Matroska header', Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 1, 0, 0, 0, 0, 0, 0, 0x23), 'not-mp4'],
    ['ftyp alone', FTYP, 'truncated'],
    ['no moov', concat([FTYP, mdat]), 'truncated'],
    ['mdat of size 0 and then moov', concat([FTYP, stating(0, mdat), builtMoov(MDAT_AT)]), 'truncated'],
    ['mdat that reaches beyond the end', concat([FTYP, stating(6000, mdat)]), 'truncated'],
    ['mdat with an endless wide size', concat([FTYP, statingWide(2 ** 63, mdat)]), 'truncated'],
    ['a box of size 1 without its wide size', concat([FTYP, u32(1), ascii('mdat')]), 'truncated'],
    ['a box of size 4', concat([FTYP, stating(4, mdat)]), 'malformed'],
    ['a wide box smaller than its header', concat([FTYP, statingWide(8, mdat)]), 'malformed'],
    [
      'an unknown box that reaches beyond the end',
      concat([FTYP, u32(6000), ascii('abcd'), zeros(100)]),
      'malformed',
    ],
    ['moov cut in the middle', builtMovie().slice(0, -100), 'truncated'],
    ['moov without content', concat([FTYP, box('moov')]), 'malformed'],
    ['moov of zeros', concat([FTYP, box('moov', zeros(1000))]), 'malformed'],
    ['a fragment', concat([FTYP, box('moof', zeros(100))]), 'fragmented'],
    ['ten thousand boxes', concat(Array.from({ length: 10_000 }, () => box('free'))), 'malformed'],
  ]
  test.each(cases)('%s', async (_name, bytes, reason) => {
    expect(await refusalOf(bytesSource(bytes))).toBe(reason)
  })

  test('boxes nested 60,000 deep', async () => {
    const depth = 60_000
    const nested = new DataView(new ArrayBuffer(depth * 8))
    const kinds = ['moov', 'trak', 'mdia', 'minf', 'stbl']
    for (let level = 0; level < depth; level++) {
      nested.setUint32(level * 8, (depth - level) * 8)
      const kind = kinds[Math.min(level, kinds.length - 1)] ?? 'stbl'
      for (let at = 0; at < 4; at++) nested.setUint8(level * 8 + 4 + at, kind.charCodeAt(at))
    }
    expect(await refusalOf(bytesSource(new Uint8Array(nested.buffer)))).toBe('malformed')
  })

  test('a header of a gigabyte is refused without being read', async () => {
    const start = concat([FTYP, u32(2 ** 30), ascii('moov'), zeros(64)])
    const source: ByteSource = {
      size: 2 ** 31,
      read(from, length) {
        expect(length).toBeLessThanOrEqual(16)
        return Promise.resolve(start.subarray(from, from + length))
      },
    }
    expect(await refusalOf(source)).toBe('too-large')
  })

  test('a source that gives less than its size says', async () => {
    const whole = builtMovie()
    const source: ByteSource = {
      size: whole.length,
      read: (from, length) => Promise.resolve(whole.subarray(from, from + length - 1)),
    }
    expect(await refusalOf(source)).toBe('truncated')
  })
})

test('what the source throws passes through', async () => {
  const source: ByteSource = { size: 100, read: () => Promise.reject(new Error('disk on fire')) }
  await expect(readMovie(source)).rejects.toThrow('disk on fire')
})

describe('what looks odd and is legal is read', () => {
  const cases: [string, Changes][] = [
    ['no stss: every picture is a keyframe', { stss: null }],
    ['no dinf', { dinf: null }],
    ['a data reference that forgot its flag and names nothing', { dinf: dinf(fullBox('url ', 0, 0)) }],
    ['two sample entries of which one is used', { stsd: stsd(videoEntry(avcC), videoEntry(avcC)) }],
    ['a zero word at the end of the sample entry', { stsd: stsd(videoEntry(avcC, u32(0))) }],
    ['co64', { stco: fullBox('co64', 0, 0, u32(1), u64(MDAT_AT)) }],
    ['a wide inner box', { stts: statingWide(16 + 16, table('stts', 1, SAMPLES, 512)) }],
    ['a track header of version 1', { tkhd: fullBox('tkhd', 1, 3, zeros(16), u32(1), zeros(68 + 4)) }],
    ['old QuickTime language', { mdhd: fullBox('mdhd', 0, 0, u32(0, 0, 12800, 0), u16(4, 0)) }],
  ]
  test.each(cases)('%s', async (_name, changes) => {
    expect(await refusalOf(bytesSource(builtMovie(changes)))).toBe('none')
  })
})

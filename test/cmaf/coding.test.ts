import { describe, expect, test } from 'vitest'
import { readAudioSpecificConfig } from '../../src/cmaf/aac.ts'
import { readAudioEntry } from '../../src/cmaf/audio-entry.ts'
import { box, concat, fullBox, u16, u32, u8, zeros } from '../../src/cmaf/boxes.ts'
import { childBoxes } from '../../src/cmaf/child-boxes.ts'
import { Window } from '../../src/cmaf/window.ts'
import { AAC_CONFIG } from './built-movie.ts'

describe('an AudioSpecificConfig says what is heard', () => {
  const cases: [
    string,
    string,
    { objectType: number; sampleRate: number; samplesPerFrame: number; channels: number | undefined },
  ][] = [
    [
      'AAC-LC, 48 kHz, stereo',
      '1190',
      { objectType: 2, sampleRate: 48_000, samplesPerFrame: 1024, channels: 2 },
    ],
    [
      'AAC-LC, 44.1 kHz, mono',
      '1208',
      { objectType: 2, sampleRate: 44_100, samplesPerFrame: 1024, channels: 1 },
    ],
    ['AAC-LC, 5.1', '11b0', { objectType: 2, sampleRate: 48_000, samplesPerFrame: 1024, channels: 6 }],
    ['AAC-LC, 7.1', '11b8', { objectType: 2, sampleRate: 48_000, samplesPerFrame: 1024, channels: 8 }],
    [
      'AAC-LC, channels in the stream',
      '1180',
      { objectType: 2, sampleRate: 48_000, samplesPerFrame: 1024, channels: undefined },
    ],
    [
      'AAC-LC behind which SBR is denied',
      '121056e500',
      { objectType: 2, sampleRate: 44_100, samplesPerFrame: 1024, channels: 2 },
    ],
    [
      'HE-AAC that older decoders play as AAC-LC',
      '131056e598',
      { objectType: 2, sampleRate: 48_000, samplesPerFrame: 2048, channels: 2 },
    ],
    [
      'HE-AAC, core 24 kHz',
      '2b118800',
      { objectType: 5, sampleRate: 48_000, samplesPerFrame: 2048, channels: 2 },
    ],
    [
      'HE-AAC v2, core 24 kHz, mono',
      'eb098800',
      { objectType: 29, sampleRate: 48_000, samplesPerFrame: 2048, channels: 2 },
    ],
    [
      'a rate of its own',
      '17803e8090',
      { objectType: 2, sampleRate: 32_001, samplesPerFrame: 1024, channels: 2 },
    ],
    [
      'AAC-LC with frames of 960',
      '1194',
      { objectType: 2, sampleRate: 48_000, samplesPerFrame: 960, channels: 2 },
    ],
    ['xHE-AAC', 'f94640', { objectType: 42, sampleRate: 48_000, samplesPerFrame: 1024, channels: 2 }],
  ]
  test.each(cases)('%s', (_name, hex, expected) => {
    expect(readAudioSpecificConfig(Buffer.from(hex, 'hex'))).toEqual(expected)
  })

  test.each(['', '11', '1f', '16f0', '17800000'])('and is refused when it cannot be (%s)', hex => {
    expect(() => readAudioSpecificConfig(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ reason: 'malformed' }),
    )
  })
})

describe('a sound’s sample entry is read', () => {
  const descriptor = (tag: number, ...parts: Uint8Array[]): Uint8Array => {
    const body = concat(parts)
    return concat([u8(tag, body.length), body])
  }
  const esds = (objectType: number, ...specific: Uint8Array[]): Uint8Array =>
    fullBox(
      ...(['esds', 0, 0] as const),
      descriptor(
        3,
        u16(1),
        u8(0),
        descriptor(4, u8(objectType, 0x15), zeros(11), ...specific),
        descriptor(6, u8(2)),
      ),
    )
  const aac = esds(0x40, descriptor(5, AAC_CONFIG))
  const fields = (version: number): Uint8Array =>
    concat([zeros(6), u16(1), u16(version), zeros(6), u16(2, 16), zeros(4), u32(0)])
  const read = (stsdVersion: number, entry: Uint8Array): unknown => {
    const [found] = childBoxes(new Window(entry, 'stsd'))
    return found && readAudioEntry(found, stsdVersion)?.codec
  }
  const cases: [string, number, Uint8Array, string | undefined][] = [
    ['as ISO lays it out', 0, box('mp4a', fields(0), aac), 'mp4a.40.2'],
    [
      'as QuickTime does, version 1',
      0,
      box('mp4a', fields(1), zeros(16), box('wave', box('frma'), aac, u32(0))),
      'mp4a.40.2',
    ],
    ['as QuickTime does, version 2', 0, box('mp4a', fields(2), zeros(36), aac), 'mp4a.40.2'],
    ['as ISO does, version 1', 1, box('mp4a', fields(1), aac), 'mp4a.40.2'],
    [
      'with a length of four bytes',
      0,
      box(
        'mp4a',
        fields(0),
        fullBox(
          'esds',
          0,
          0,
          u8(3, 0x80, 0x80, 0x80, 24),
          u16(1),
          u8(0),
          descriptor(4, u8(0x40, 0x15), zeros(11), descriptor(5, AAC_CONFIG)),
          u8(6, 1, 2),
        ),
      ),
      'mp4a.40.2',
    ],
    ['and MP3 in it is told apart', 0, box('mp4a', fields(0), esds(0x6b)), undefined],
    ['and another coding is told apart', 0, box('ac-3', fields(0)), undefined],
    ['and one without a descriptor is told apart', 0, box('mp4a', fields(0)), undefined],
  ]
  test.each(cases)('%s', (_name, stsdVersion, entry, codec) => {
    expect(read(stsdVersion, entry)).toBe(codec)
  })

  const refused: [string, Uint8Array, string][] = [
    ['no configuration', box('mp4a', fields(0), esds(0x40)), 'malformed'],
    [
      'a descriptor past its end',
      box('mp4a', fields(0), fullBox('esds', 0, 0, u8(3, 0xff, 0xff, 0xff, 0x7f))),
      'malformed',
    ],
    ['no descriptor of a stream', box('mp4a', fields(0), fullBox('esds', 0, 0, u8(9, 0))), 'malformed'],
    ['encryption', box('mp4a', fields(0), aac, box('sinf')), 'encrypted'],
  ]
  test.each(refused)('and refused with %s', (_name, entry, reason) => {
    expect(() => read(0, entry)).toThrow(expect.objectContaining({ reason }))
  })
})

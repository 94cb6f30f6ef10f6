import { expect, test } from 'vitest'
import { fragmentHeader, fragmentHeaderLength, writeInit, type FragmentSample } from '../../src/cmaf/index.ts'
import { audioTrack, videoTrack } from './movie-values.ts'

const key: FragmentSample = { size: 0x111, duration: 40, compositionOffset: 0, keyframe: true }
const other: FragmentSample = { ...key, keyframe: false }

function hex(bytes: Uint8Array): string[] {
  return (
    Buffer.from(bytes)
      .toString('hex')
      .match(/.{1,8}/g) ?? []
  )
}

const text = (fourcc: string): string => Buffer.from(fourcc).toString('hex')

test('a fragment says once what is the same for all samples', () => {
  const samples = [key, other, other]
  const header = fragmentHeader({ sequence: 7, decodeTime: 2 ** 32 + 5, samples })
  expect(header).toHaveLength(fragmentHeaderLength(samples))
  expect(hex(header)).toEqual([
    ...['00000070', text('moof')],
    ...['00000010', text('mfhd'), '00000000', '00000007'],
    ...['00000058', text('traf')],
    ...['00000018', text('tfhd'), '00020028', '00000001', '00000028', '01010000'],
    ...['00000014', text('tfdt'), '01000000', '00000001', '00000005'],
    ...[
      '00000024',
      text('trun'),
      '01000205',
      '00000003',
      '00000078',
      '02000000',
      '00000111',
      '00000111',
      '00000111',
    ],
    ...['0000033b', text('mdat')],
  ])
})

test('a fragment says for each sample what differs, composition offsets with their sign', () => {
  const samples = [key, { ...other, duration: 80 }, { ...key, compositionOffset: -40 }]
  const header = fragmentHeader({ sequence: 1, decodeTime: 0, samples })
  expect(header).toHaveLength(fragmentHeaderLength(samples))
  expect(hex(header).slice(-17)).toEqual([
    ...['01000f01', '00000003', '00000090'],
    ...['00000028', '00000111', '02000000', '00000000'],
    ...['00000050', '00000111', '01010000', '00000000'],
    ...['00000028', '00000111', '02000000', 'ffffffd8'],
    ...['0000033b', text('mdat')],
  ])
})

test('sound needs a size for each packet and nothing else', () => {
  const samples = [key, key]
  expect(hex(fragmentHeader({ sequence: 1, decodeTime: 0, samples })).slice(-8)).toEqual([
    ...[text('trun'), '01000201', '00000002', '00000070', '00000111', '00000111'],
    ...['0000022a', text('mdat')],
  ])
})

test('the data offset is where the samples begin', () => {
  for (const samples of [[key], [key, other], [other, key, other], [key, { ...key, duration: 1 }]]) {
    const header = fragmentHeader({ sequence: 1, decodeTime: 0, samples })
    const trun = Buffer.from(header).indexOf('trun')
    expect(Buffer.from(header).readUInt32BE(trun + 12)).toBe(header.length)
  }
})

test('the edit list stands in the init segment only where there is reordering', () => {
  const video = videoTrack({ frames: 1 })
  expect(Buffer.from(writeInit(video, { mediaTime: 0 })).includes('elst')).toBe(false)
  const written = Buffer.from(writeInit(video, { mediaTime: 80 }))
  expect(hex(written.subarray(written.indexOf('elst') + 4)).slice(0, 5)).toEqual([
    ...['00000000', '00000001', '00000000', '00000050', '00010000'],
  ])
})

test('an init segment carries type, language and configuration', () => {
  const written = Buffer.from(writeInit({ ...audioTrack({ packets: 1 }), language: 'deu' }, { mediaTime: 0 }))
  expect(written.toString('latin1', 4, 28)).toBe('ftypcmfc\0\0\0\0cmfciso6mp41')
  const mdhd = written.indexOf('mdhd')
  expect(written.readUInt32BE(mdhd + 16)).toBe(48_000)
  expect(written.readUInt16BE(mdhd + 24)).toBe(0x10b5)
  expect(written.includes(Buffer.from('0580808002' + '1190', 'hex'))).toBe(true)
})

import { describe, expect, it } from 'vitest'
import type { Fault } from '../../src/packager/conforming.ts'
import type { ProbedFile, ProbedStream } from '../../src/packager/ffprobe.ts'
import { planConversion, type Plan } from '../../src/packager/plan.ts'

const video = (parts: Partial<ProbedStream> = {}): ProbedStream => ({
  ...{
    index: 0,
    kind: 'video',
    codec: 'h264',
    profile: 'High',
    pixelFormat: 'yuv420p',
    width: 1280,
    height: 720,
  },
  ...{ fieldOrder: 'progressive', highDynamicRange: false, coverArt: false, default: true },
  ...parts,
})
const audio = (parts: Partial<ProbedStream> = {}): ProbedStream => ({
  ...{ index: 1, kind: 'audio', codec: 'aac', profile: 'LC', channels: 2 },
  ...{ highDynamicRange: false, coverArt: false, default: true },
  ...parts,
})
const other = (index: number, codec: string): ProbedStream => ({
  ...{ index, kind: 'other', codec, highDynamicRange: false, coverArt: false, default: false },
})
const file = (...streams: ProbedStream[]): ProbedFile => ({ format: 'matroska,webm', duration: 60, streams })

interface Row {
  name: string
  file: ProbedFile
  faults?: Fault[]
  plan: Plan
}

const copyBoth = { video: { how: 'copy', stream: 0 }, audio: { how: 'copy', stream: 1 } } as const
const ROWS: Row[] = [
  {
    name: 'H.264 and AAC in Matroska are copied',
    file: file(video(), audio({ language: 'ger' })),
    plan: {
      kind: 'remux',
      video: { how: 'copy', stream: 0 },
      audio: { how: 'copy', stream: 1, language: 'ger' },
      why: ['it is not an MP4 but matroska'],
      notes: [],
    },
  },
  {
    name: 'what our reader says is the reason, and a fault of the container alone needs a copy only',
    file: file(video(), audio()),
    faults: [{ about: 'container', why: 'it is fragmented' }],
    plan: { kind: 'remux', ...copyBoth, why: ['it is fragmented'], notes: [] },
  },
  {
    name: 'VP9 and Opus are encoded',
    file: file(video({ codec: 'vp9' }), audio({ codec: 'opus', profile: 'unknown', channels: 6 })),
    plan: {
      kind: 'encode',
      video: { how: 'encode', stream: 0, deinterlace: 'no' },
      audio: { how: 'encode', stream: 1, channels: 6 },
      why: ['its picture is vp9, not H.264', 'its sound is opus, not AAC-LC'],
      notes: [],
    },
  },
  {
    name: 'a picture that will do is copied beside sound that will not',
    file: file(video(), audio({ codec: 'pcm_s16le' })),
    plan: {
      kind: 'encode',
      video: { how: 'copy', stream: 0 },
      audio: { how: 'encode', stream: 1, channels: 2 },
      why: ['its sound is pcm_s16le, not AAC-LC'],
      notes: [],
    },
  },
  {
    name: 'HE-AAC is encoded',
    file: file(audio({ index: 0, profile: 'HE-AAC' })),
    plan: {
      kind: 'encode',
      video: { how: 'none' },
      audio: { how: 'encode', stream: 0, channels: 2 },
      why: ['its sound is HE-AAC, not AAC-LC'],
      notes: [],
    },
  },
  {
    name: 'ten bits are encoded',
    file: file(video({ pixelFormat: 'yuv420p10le' })),
    plan: {
      kind: 'encode',
      video: { how: 'encode', stream: 0, deinterlace: 'no' },
      audio: { how: 'none' },
      why: ['its picture is yuv420p10le instead of 8-bit 4:2:0'],
      notes: [],
    },
  },
  {
    name: 'the full range of 8-bit values is copied',
    file: file(video({ pixelFormat: 'yuvj420p' })),
    plan: {
      kind: 'remux',
      video: { how: 'copy', stream: 0 },
      audio: { how: 'none' },
      why: ['it is not an MP4 but matroska'],
      notes: [],
    },
  },
  {
    name: 'interlaced pictures are deinterlaced',
    file: file(video({ fieldOrder: 'tt' })),
    plan: {
      kind: 'encode',
      video: { how: 'encode', stream: 0, deinterlace: 'all' },
      audio: { how: 'none' },
      why: ['its picture is interlaced'],
      notes: [],
    },
  },
  {
    name: 'frames that only may be interlaced are deinterlaced where they say so',
    file: file(video()),
    faults: [{ about: 'video', why: 'its picture is interlaced' }],
    plan: {
      kind: 'encode',
      video: { how: 'encode', stream: 0, deinterlace: 'flagged' },
      audio: { how: 'none' },
      why: ['its picture is interlaced'],
      notes: [],
    },
  },
  {
    name: 'an edit list has picture and sound encoded, since decoding is what applies it',
    file: file(video(), audio()),
    faults: [{ about: 'timing', why: 'it begins between two keyframes' }],
    plan: {
      kind: 'encode',
      video: { how: 'encode', stream: 0, deinterlace: 'no' },
      audio: { how: 'encode', stream: 1, channels: 2 },
      why: ['it begins between two keyframes'],
      notes: [],
    },
  },
  {
    name: 'of several sounds the default one is taken; cover art and subtitles are left out, and it is said',
    file: file(
      ...[video(), audio({ default: false }), audio({ index: 2, codec: 'ac3' })],
      ...[other(3, 'subrip'), video({ index: 4, codec: 'mjpeg', coverArt: true })],
    ),
    plan: {
      kind: 'encode',
      video: { how: 'copy', stream: 0 },
      audio: { how: 'encode', stream: 2, channels: 2 },
      why: ['its sound is ac3, not AAC-LC'],
      notes: [
        'stream 1 (audio aac) is left out',
        'stream 3 (subrip) is left out',
        'stream 4 (cover art) is left out',
      ],
    },
  },
  {
    name: 'cover art alone is no film',
    file: file(video({ coverArt: true })),
    plan: {
      kind: 'refused',
      code: 'not-media',
      why: 'the file holds neither a picture nor sound that could be played',
    },
  },
  {
    name: 'nothing is refused',
    file: file(other(0, 'subrip')),
    plan: {
      kind: 'refused',
      code: 'not-media',
      why: 'the file holds neither a picture nor sound that could be played',
    },
  },
]

describe('the plan for a file that is not served as it is', () => {
  it.each(ROWS)('$name', ({ file, faults = [], plan }) => {
    expect(planConversion(file, faults)).toEqual(plan)
  })
})

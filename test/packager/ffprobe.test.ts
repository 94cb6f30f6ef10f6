import { expect, it } from 'vitest'
import { readReport } from '../../src/packager/ffprobe.ts'

it('reads what it needs and leaves out what is not known', () => {
  const report = {
    program_version: { version: '5.1.9-0+deb12u1' },
    streams: [
      {
        ...{ index: 0, codec_name: 'hevc', codec_type: 'video', profile: 'Main 10', pix_fmt: 'yuv420p10le' },
        ...{ width: 3840, height: 2160, field_order: 'progressive', color_transfer: 'smpte2084' },
        ...{ disposition: { default: 1, attached_pic: 0 }, tags: { language: 'und' } },
      },
      {
        ...{ index: 1, codec_name: 'aac', codec_type: 'audio', profile: 'LC', channels: 2 },
        ...{ disposition: { default: 0 }, tags: { language: 'deu', title: "Director's cut" } },
      },
      { index: 2, codec_type: 'subtitle', codec_name: 'subrip', tags: { language: '../../etc' } },
    ],
    format: { format_name: 'mov,mp4,m4a,3gp,3g2,mj2', duration: '60.040000' },
  }
  expect(readReport(JSON.stringify(report))).toEqual({
    kind: 'probed',
    file: {
      format: 'mov,mp4,m4a,3gp,3g2,mj2',
      duration: 60.04,
      version: [5, 1],
      streams: [
        {
          ...{ index: 0, kind: 'video', codec: 'hevc', profile: 'Main 10', pixelFormat: 'yuv420p10le' },
          ...{ width: 3840, height: 2160, fieldOrder: 'progressive' },
          ...{ highDynamicRange: true, coverArt: false, default: true },
        },
        {
          ...{ index: 1, kind: 'audio', codec: 'aac', profile: 'LC', channels: 2, language: 'deu' },
          ...{ highDynamicRange: false, coverArt: false, default: false },
        },
        {
          index: 2,
          kind: 'other',
          codec: 'subrip',
          highDynamicRange: false,
          coverArt: false,
          default: false,
        },
      ],
    },
  })
})

it.each(['', 'x', '[', 'null'])('takes %j for no answer or an empty one', text => {
  const read = readReport(text)
  expect(read.kind === 'unreadable' || read.file.streams.length === 0).toBe(true)
})

it.each([
  ['N-109468-gd39b34123d', undefined],
  ['n7.1', [7, 1]],
  ['4.4.2-0ubuntu0.22.04.1', [4, 4]],
])('reads the version %j', (version, expected) => {
  const read = readReport(JSON.stringify({ program_version: { version }, streams: [], format: {} }))
  expect(read).toMatchObject({ kind: 'probed' })
  expect(read.kind === 'probed' ? read.file.version : 'none').toEqual(expected)
})

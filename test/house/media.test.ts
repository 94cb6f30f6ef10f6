import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './tree.ts'

const SAMPLE = path.join(ROOT, 'media/sample.mp4')

function probe(...args: string[]): unknown {
  return JSON.parse(
    execFileSync('ffprobe', ['-v', 'error', '-of', 'json', ...args, SAMPLE], { encoding: 'utf8' }),
  )
}

/** Types of the boxes at the top of the file, in order. */
function topBoxes(file: Buffer): string[] {
  const types: string[] = []
  for (let at = 0; at < file.length; at += file.readUInt32BE(at)) {
    types.push(file.toString('latin1', at + 4, at + 8))
    if (file.readUInt32BE(at) < 8) throw new Error('a box without a size')
  }
  return types
}

test('the sample is small, long enough, and a conforming MP4 whose index stands first', () => {
  const file = readFileSync(SAMPLE)
  expect(file.length).toBeLessThan(3_000_000)
  const types = topBoxes(file)
  expect(types.indexOf('moov')).toBeLessThan(types.indexOf('mdat'))
  const entries = 'stream=codec_name,profile,pix_fmt,width,height,r_frame_rate,field_order:format=duration'
  const { streams, format } = probe('-show_entries', entries) as {
    streams: object[]
    format: { duration: string }
  } // ffprobe's form
  expect(Number(format.duration)).toBeGreaterThanOrEqual(60)
  expect(streams).toEqual([
    {
      ...{ codec_name: 'h264', profile: 'High', width: 960, height: 540 },
      ...{ pix_fmt: 'yuv420p', field_order: 'progressive', r_frame_rate: '25/1' },
    },
    { codec_name: 'aac', profile: 'LC', r_frame_rate: '0/0' },
  ])
})

test('the sample has a keyframe every two seconds', () => {
  const entries = ['-select_streams', 'v', '-skip_frame', 'nokey', '-show_entries', 'frame=pts_time']
  const { frames } = probe(...entries) as { frames: { pts_time: string }[] } // ffprobe's form
  expect(frames.map(frame => Number(frame.pts_time))).toEqual(Array.from({ length: 32 }, (_, i) => 2 * i))
})

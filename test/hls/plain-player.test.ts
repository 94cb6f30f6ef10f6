import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { LiveWindow, renderLive } from '../../src/hls/index.ts'

const run = promisify(execFile)
const ffmpeg = (...args: string[]) => run('ffmpeg', ['-nostdin', '-v', 'warning', '-y', ...args])

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-hls-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A window over real segments of two seconds, the last of them still open; ffmpeg made the media. */
async function windowOverMedia(): Promise<LiveWindow> {
  await ffmpeg(
    ...[
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=160x90:r=25:d=8',
      '-c:v',
      'libx264',
      '-g',
      '50',
      '-pix_fmt',
      'yuv420p',
    ],
    ...['-f', 'hls', '-hls_time', '2', '-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', 'e1-init.mp4'],
    ...['-hls_segment_filename', path.join(folder, '%d.m4s'), path.join(folder, 'made.m3u8')],
  )
  const window = new LiveWindow({
    firstSequence: 1_790_000_000,
    firstDiscontinuity: 1_790_000_000,
    targetDuration: 2,
  })
  window.openEpoch({ epoch: 'e1', init: 'e1-init.mp4', partTarget: 0.2 })
  const made = (await readdir(folder)).filter(name => /^\d+\.m4s$/.test(name)).sort()
  expect(made).toHaveLength(4)
  for (const [i, name] of made.entries()) {
    window.openSegment(instant(Date.UTC(2026, 10, 22, 12) + i * 2000))
    for (let part = 0; part < 10; part++) window.addPart({ duration: 0.2, independent: part === 0 })
    if (i === 3) continue
    await rename(path.join(folder, name), path.join(folder, window.closeSegment()?.uri ?? ''))
  }
  return window
}

describe('a player that knows nothing of parts', () => {
  it('plays the whole segments of a low-latency playlist without a warning', async () => {
    const window = await windowOverMedia()
    const file = path.join(folder, 'playlist.m3u8')
    await writeFile(file, renderLive(window.playlist([]), 'none'))
    const live = await ffmpeg('-live_start_index', '0', '-i', file, '-frames:v', '140', '-f', 'framemd5', '-')
    expect(live.stderr).toBe('')
    expect(live.stdout.match(/^0,/gm)).toHaveLength(140)
  }, 30_000)
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFile, writeFile } from 'node:fs/promises'
import { assemble, cutOf, decodeSound, SOUND_RATE, type Sound } from './decoded.ts'
import { AAC, H264, ffmpeg, ffprobe, fileSource, movieIn, temporaryFolder } from './made-movies.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
  // Each second a white picture for one frame and a tone that begins with it.
  await ffmpeg(
    ...[
      '-f',
      'lavfi',
      '-i',
      "color=black:s=160x90:r=25:d=10,drawbox=c=white:t=fill:enable='lt(mod(t,1),0.03)'",
    ],
    ...['-f', 'lavfi', '-i', 'aevalsrc=if(lt(mod(t\\,1)\\,0.1)\\,0.8*sin(2*PI*1000*t)):s=48000:d=10'],
    ...[...H264, ...AAC, folder.path('clapper.mp4')],
  )
})
afterAll(() => folder.remove())

/** Moves the start of the sound as if another encoder had primed it: `media_time` of the second edit list. */
async function withPriming(ticks: number, to: string): Promise<void> {
  const file = Buffer.from(await readFile(folder.path('clapper.mp4')))
  const second = file.indexOf('elst', file.indexOf('elst') + 4)
  expect(file.readInt32BE(second + 16)).toBe(1024)
  file.writeInt32BE(ticks, second + 16)
  await writeFile(to, file)
}

const cases: [string, (to: string) => Promise<unknown>][] = [
  ['as ffmpeg encodes', to => ffmpeg('-i', folder.path('clapper.mp4'), '-c', 'copy', to)],
  ['with one packet of sound more trimmed', to => withPriming(2048, to)],
  ['with a trim in the middle of a packet', to => withPriming(1424, to)],
  ['with the priming of Apple’s encoder', to => withPriming(2112, to)],
  ['cut at a keyframe', to => ffmpeg('-ss', '2', '-i', folder.path('clapper.mp4'), '-c', 'copy', to)],
  [
    'with sound that begins later',
    to =>
      ffmpeg(
        ...['-i', folder.path('clapper.mp4'), '-itsoffset', '0.35', '-i', folder.path('clapper.mp4')],
        ...['-map', '0:v', '-map', '1:a', '-c', 'copy', to],
      ),
  ],
  [
    'with pictures that begin later',
    to =>
      ffmpeg(
        ...['-itsoffset', '0.35', '-i', folder.path('clapper.mp4'), '-i', folder.path('clapper.mp4')],
        ...['-map', '0:v', '-map', '1:a', '-c', 'copy', to],
      ),
  ],
]

describe.each(cases)('a movie %s', (name, make) => {
  test('is as far from being in sync after the cut as before it', async () => {
    const path = folder.path(`${name.replace(/\W/g, '-')}.mp4`)
    await make(path)
    const source = await fileSource(path)
    const movie = await movieIn(source)
    await assemble(cutOf(movie, 'video'), source, `${path}.video.mp4`)
    await assemble(cutOf(movie, 'audio'), source, `${path}.audio.mp4`)
    await source.close()
    const flashes = await flashesOf(`${path}.video.mp4`)
    const clicks = clicksOf(await decodeSound(`${path}.audio.mp4`))
    expect(flashes.length).toBeGreaterThan(6)
    expectClose(flashes, await flashesOf(path), 0.001)
    expectClose(clicks, clicksOf(await decodeSound(path)), 0.002)
  })
})

test('of an untouched movie each flash comes with its tone', async () => {
  const flashes = await flashesOf(folder.path('as-ffmpeg-encodes.mp4.video.mp4'))
  const clicks = clicksOf(await decodeSound(folder.path('as-ffmpeg-encodes.mp4.audio.mp4')))
  expectClose(clicks, flashes, 0.01)
})

/** Seconds at which white pictures are shown. */
async function flashesOf(path: string): Promise<number[]> {
  const graph = `movie=${path},signalstats`
  const shown = ['-show_entries', 'frame=pts_time:frame_tags=lavfi.signalstats.YAVG']
  const lines = await ffprobe('-f', 'lavfi', '-i', graph, ...shown)
  const frames = lines.split('\n').map(line => line.split(',').map(Number))
  return frames.filter(([, brightness = 0]) => brightness > 128).map(([at = 0]) => at)
}

/** Seconds at which tones begin after silence, the first half second left out where a decoder still settles. */
function clicksOf({ start, samples }: Sound): number[] {
  const clicks: number[] = []
  let loudAt = 0
  for (const [index, sample] of samples.entries()) {
    if (Math.abs(sample) < 4000) continue
    if (index - loudAt > SOUND_RATE / 2) clicks.push(start + index / SOUND_RATE)
    loudAt = index
  }
  return clicks
}

/** Both lists are the same but for events at the very start. */
function expectClose(actual: readonly number[], wanted: readonly number[], seconds: number): void {
  const late = (at: number): boolean => at > 0.7
  const [ours, theirs] = [actual.filter(late), wanted.filter(late)]
  expect(ours.length).toBeGreaterThan(6)
  expect(ours).toHaveLength(theirs.length)
  ours.forEach((at, index) => expect(Math.abs(at - (theirs[index] ?? 0))).toBeLessThanOrEqual(seconds))
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs ffmpeg to its end and answers what it wrote to stdout; throws what it said on stderr. */
export async function ffmpeg(...args: string[]): Promise<Buffer> {
  const { stdout } = await run('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args], {
    encoding: 'buffer',
    maxBuffer: 256 * 1024 * 1024,
  })
  return stdout
}

/** What ffmpeg complained about while it decoded everything of an input. */
export async function complaints(input: string): Promise<string> {
  const { stderr } = await run('ffmpeg', [
    '-hide_banner',
    '-nostdin',
    '-v',
    'warning',
    '-i',
    input,
    '-f',
    'null',
    '-',
  ])
  return stderr
}

/** The hash of every picture, in the order in which they are shown. */
export async function frameHashes(input: string): Promise<string[]> {
  const text = await ffmpeg('-i', input, '-map', '0:V:0', '-fps_mode', 'passthrough', '-f', 'framemd5', '-')
  return text
    .toString()
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(',').at(-1)?.trim() ?? '')
}

/** How like each picture of one input is to the one of the same number of the other, 0 to 1. */
export async function similarity(reference: string, input: string, prepare = 'null'): Promise<number[]> {
  const size = await pictureSize(input)
  const text = await ffmpeg(
    ...['-i', reference, '-i', input, '-filter_complex'],
    `[0:V:0]${prepare},scale=${size}:flags=bicubic,format=yuv420p,settb=1/25,setpts=N[a];[1:V:0]format=yuv420p,settb=1/25,setpts=N[b];[a][b]ssim=stats_file=-`,
    ...['-fps_mode', 'passthrough', '-f', 'null', '/dev/null'],
  )
  return [...text.toString().matchAll(/All:([\d.]+)/g)].map(([, value]) => Number(value))
}

/** `320:240` as shown, turned where the file says so. */
export async function pictureSize(input: string): Promise<string> {
  const text = await ffmpeg('-i', input, '-map', '0:V:0', '-frames:v', '1', '-f', 'framemd5', '-')
  return /#dimensions 0: (\d+x\d+)/.exec(text.toString())?.[1]?.replace('x', ':') ?? ''
}

export interface Moments {
  /** Seconds at which the middle of the picture turns white. */
  flashes: number[]
  /** Seconds at which the sound begins after silence. */
  beeps: number[]
}

const RATE = 8000

/** Where the flashes and beeps of a test film lie on its timeline. */
export async function moments(input: string): Promise<Moments> {
  const luma = await ffmpeg(
    ...[
      '-i',
      input,
      '-map',
      '0:V:0',
      '-vf',
      'format=yuv420p,crop=iw/4:ih/4,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-',
    ],
    ...['-fps_mode', 'passthrough', '-f', 'null', '/dev/null'],
  )
  const flashes: number[] = []
  let white = false
  for (const [, time, level] of luma
    .toString()
    .matchAll(/pts_time:([\d.]+)\s+lavfi\.signalstats\.YAVG=([\d.]+)/g)) {
    const now = Number(level) > 215
    if (now && !white) flashes.push(Number(time))
    white = now
  }
  const pcm = await ffmpeg(
    ...[
      '-i',
      input,
      '-map',
      '0:a:0',
      '-af',
      'aresample=async=1:first_pts=0',
      '-ac',
      '1',
      '-ar',
      String(RATE),
    ],
    ...['-f', 's16le', '-'],
  )
  return { flashes, beeps: onsets(pcm) }
}

function onsets(pcm: Buffer): number[] {
  const found: number[] = []
  let quietSince = -RATE
  for (let at = 0; at + 1 < pcm.length; at += 2) {
    const sample = at / 2
    if (Math.abs(pcm.readInt16LE(at)) < 3000) continue
    if (sample - quietSince > RATE / 4) found.push(sample / RATE)
    quietSince = sample
  }
  return found
}

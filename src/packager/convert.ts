import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readMovie, type ByteSource, type Movie } from '../cmaf/index.ts'
import type { Seconds } from '../core/index.ts'
import { judgeMovie, type Chosen, type Fault } from './conforming.ts'
import { ffmpegArguments } from './ffmpeg-command.ts'
import { runFfmpeg } from './ffmpeg-run.ts'
import type { ProbedFile } from './ffprobe.ts'
import { freeBytes } from './local-copy.ts'
import { withLocalFile } from './local-source.ts'
import { planConversion, type Conversion } from './plan.ts'
import type { Tools } from './tools.ts'

export interface ConvertOptions {
  file: ProbedFile
  faults: Fault[]
  /** Local paths. */
  input: string
  output: string
  tools: Tools
  signal?: AbortSignal
  records?: string | undefined
  /** Told before each run. */
  onPlan?: (plan: Conversion) => void
  /** 0 to 1 of the run that goes on. */
  onProgress?: (stage: 'remuxing' | 'encoding', fraction: number) => void
}

export type Converted =
  | { kind: 'converted'; movie: Movie; chosen: Chosen; plan: Conversion }
  | { kind: 'refused'; code: string; why: string }

/**
 * Makes a conforming MP4 of a file. What is only known once it lies in an MP4 (keyframes far apart, odd edit lists) is
 * found by reading the result with the same eyes that judge uploads; a copy that fails is then encoded.
 */
export async function convert(options: ConvertOptions): Promise<Converted> {
  let faults = options.faults
  for (;;) {
    const plan = planConversion(options.file, faults)
    if (plan.kind === 'refused') return plan
    options.onPlan?.(plan)
    const tried = await tryConversion(plan, options)
    switch (tried.kind) {
      case 'converted':
      case 'refused':
        return tried
      case 'not-conforming':
        if (plan.kind === 'encode' && faults.some(({ about }) => about === 'timing')) {
          return refused(
            'not-convertible',
            `the file could not be converted: ${tried.faults[0]?.why ?? 'unknown reason'}`,
          )
        }
        // The next round encodes both, which leaves nothing of the source's structure.
        faults = [
          ...faults,
          ...tried.faults,
          { about: 'timing', why: tried.faults[0]?.why ?? 'its copy does not conform' },
        ]
    }
  }
}

type Tried = Converted | { kind: 'not-conforming'; faults: Fault[] }

async function tryConversion(plan: Conversion, options: ConvertOptions): Promise<Tried> {
  const { file, input, output, tools } = options
  if (!(await hasRoom(input, output))) return noRoom(output)
  const stage = plan.kind === 'remux' ? 'remuxing' : 'encoding'
  const outcome = await runFfmpeg({
    tools,
    args: ffmpegArguments({ conversion: plan, input, output, version: file.version }),
    records: options.records,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onProgress: written => options.onProgress?.(stage, Math.min(1, written / (file.duration ?? Infinity))),
  })
  switch (outcome.kind) {
    case 'no-room':
      return noRoom(output)
    case 'failed':
      if (isCutShort(outcome.stderr)) return cutShort()
      // Some streams cannot be copied into an MP4, above all those without times.
      if (plan.video.how === 'copy' || plan.audio.how === 'copy') {
        return {
          kind: 'not-conforming',
          faults: [{ about: 'timing', why: `it cannot be copied into an MP4 (${outcome.said})` }],
        }
      }
      return refused('not-convertible', `the file could not be converted: ${outcome.said}`)
    case 'done':
      return withLocalFile(output, result => inspect(plan, file, result, outcome.stderr))
  }
}

async function inspect(
  plan: Conversion,
  file: ProbedFile,
  result: ByteSource,
  stderr: string[],
): Promise<Tried> {
  const read = await readMovie(result)
  if (read.kind === 'refused') {
    if (read.reason === 'empty' || read.reason === 'no-tracks' || read.reason === 'truncated') {
      return refused('not-media', 'the file holds no picture and no sound that could be decoded')
    }
    return { kind: 'not-conforming', faults: [{ about: 'timing', why: read.why }] }
  }
  if (isCutShort(stderr) || isShort(read.movie.durationSeconds, file)) return cutShort()
  const verdict = judgeMovie(read.movie)
  if (verdict.kind === 'not') return { kind: 'not-conforming', faults: verdict.faults }
  return { kind: 'converted', movie: read.movie, chosen: verdict.chosen, plan }
}

/** What ffmpeg's readers say when a file ends in the middle of something. */
function isCutShort(stderr: string[]): boolean {
  return stderr.some(line => /File ended prematurely|moov atom not found|partial file/i.test(line))
}

/** The container promised clearly more than there was. Other kinds of streams may be what is longer, so then it is silent. */
function isShort(duration: Seconds, file: ProbedFile): boolean {
  if (file.duration === undefined || file.streams.some(stream => stream.kind === 'other')) return false
  return duration < file.duration * 0.95 - 1
}

/** A result is about as large as its source; better to say so now than after an hour. */
async function hasRoom(input: string, output: string): Promise<boolean> {
  const { size } = await stat(input)
  return (await freeBytes(dirname(output))) > size
}

function noRoom(output: string): Converted {
  return refused(
    'storage-full',
    `there is no room left to convert the file in ${dirname(output)}: free some space and publish again`,
  )
}

function cutShort(): Converted {
  return refused(
    'cut-short',
    'the file is cut short: it ends before what it says of its length, export or copy it again',
  )
}

function refused(code: string, why: string): { kind: 'refused'; code: string; why: string } {
  return { kind: 'refused', code, why }
}

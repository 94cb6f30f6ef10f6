import { SluiceError, type Seconds } from '../core/index.ts'
import { superviseChild, type ChildOutcome } from './supervised-child.ts'
import { ffmpegMissing, type Tools } from './tools.ts'

export interface FfmpegOptions {
  tools: Tools
  /** From ffmpeg-command.ts. */
  args: string[]
  signal?: AbortSignal
  records?: string | undefined
  /** Seconds of output that are written. */
  onProgress?: (written: Seconds) => void
}

export type FfmpegOutcome =
  | { kind: 'done'; stderr: string[] }
  /** The disk that it wrote to is full. */
  | { kind: 'no-room' }
  /** It could not read, decode or write the file; the last thing it said. */
  | { kind: 'failed'; said: string; stderr: string[] }

const COMMON = [
  '-hide_banner',
  '-nostdin',
  '-nostats',
  '-y',
  '-loglevel',
  'level+warning',
  '-progress',
  'pipe:3',
]

/**
 * Runs ffmpeg to its end. Throws SluiceError `ffmpeg-missing`, and `ffmpeg-killed` when something else ended it,
 * which may pass by itself; rejects with the signal's reason when aborted.
 */
export async function runFfmpeg(options: FfmpegOptions): Promise<FfmpegOutcome> {
  const { tools, args, onProgress } = options
  const outcome = await superviseChild({
    program: tools.ffmpeg,
    args: [...COMMON, ...args],
    setpriv: tools.setpriv,
    records: options.records,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(onProgress === undefined ? {} : { onReport: progressReader(onProgress) }),
  })
  return judge(outcome)
}

function judge(outcome: ChildOutcome): FfmpegOutcome {
  switch (outcome.kind) {
    case 'not-found':
      throw ffmpegMissing()
    case 'timed-out':
    case 'killed':
      throw new SluiceError('ffmpeg-killed', 'ffmpeg was ended from outside, perhaps for want of memory')
    case 'exited':
      if (outcome.stderr.some(line => line.includes('No space left on device'))) return { kind: 'no-room' }
      if (outcome.code === 0) return { kind: 'done', stderr: outcome.stderr }
      return { kind: 'failed', said: lastError(outcome.stderr), stderr: outcome.stderr }
  }
}

/** The last error that names a reason, without ffmpeg's own addresses and our paths. */
export function lastError(stderr: string[]): string {
  const errors = stderr.filter(line => /\[(error|fatal)\]/.test(line))
  const line = (errors.length > 0 ? errors : stderr).at(-1) ?? 'it gave no reason'
  return line
    .replace(/\[[^\]]*\]\s*/g, '')
    .replace(/file:\S+:?\s*/g, '')
    .trim()
    .slice(0, 200)
}

/** `-progress` writes `key=value` lines; only the time that is written counts. */
export function progressReader(onProgress: (written: Seconds) => void): (chunk: Buffer) => void {
  let rest = ''
  return chunk => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = (lines.pop() ?? '').slice(-200)
    for (const line of lines) {
      const microseconds = /^out_time_us=(\d+)$/.exec(line)?.[1]
      if (microseconds !== undefined) onProgress(Number(microseconds) / 1e6)
    }
  }
}

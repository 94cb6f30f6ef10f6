import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

/** The hash of each packet of the first picture and sound track, in order: a copy without loss has the same. */
export interface Packets {
  video: string[]
  audio: string[]
}

export interface EncoderEnd {
  /** Null when a signal ended it. */
  code: number | null
  /** What it complained of. */
  said: string
}

/** A real ffmpeg that publishes. */
export interface Encoder {
  ended: Promise<EncoderEnd>
  running(): boolean
  /** Whatever it has handed to the connection until now. */
  sent(): Packets
  /** As somebody who presses "Stop Streaming". */
  stop(): void
  /** Pulls the plug. */
  kill(): void
}

const QUIET = ['-hide_banner', '-nostdin', '-v', 'warning']
const COPY = ['-map', '0:v:0', '-map', '0:a:0', '-c', 'copy']
/** A connection cannot go back to its header and write the duration there, of which ffmpeg would complain. */
const FLV = ['-f', 'flv', '-flvflags', 'no_duration_filesize']

/** ffmpeg sends a film at its own pace and as it is; `to` is the URL, or options of the connection and then the URL. */
export function publishFilm(film: string, ...to: string[]): Encoder {
  const args = [...QUIET, '-re', '-i', film, ...COPY, ...FLV, ...to, ...COPY, '-f', 'framemd5', '-']
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let hashes = ''
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (hashes += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-8000)))
  const ended = new Promise<EncoderEnd>(resolve => child.once('close', code => resolve({ code, said })))
  return {
    ended,
    running: () => child.exitCode === null && child.signalCode === null,
    sent: () => packetsOf(hashes),
    stop: () => void child.kill('SIGINT'),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** Reads a playlist from its beginning until it ends, live or not, or a file, and gives every packet as it came. */
export async function packets(input: string): Promise<Packets> {
  const from = input.includes('.m3u8') ? ['-live_start_index', '0'] : []
  const args = [...QUIET, ...from, '-i', input, ...COPY, '-f', 'framemd5', '-']
  const { stdout } = await promisify(execFile)('ffmpeg', args, { maxBuffer: 1 << 26 })
  return packetsOf(stdout)
}

function packetsOf(framemd5: string): Packets {
  const lines = framemd5.split('\n').filter(line => /^[01],/.test(line))
  // Stream, decoding time, presentation time, duration, size, hash; behind it what the demuxer said besides.
  const track = (index: string): string[] =>
    lines.filter(line => line.startsWith(index)).map(line => line.split(',')[5]?.trim() ?? '')
  return { video: track('0'), audio: track('1') }
}

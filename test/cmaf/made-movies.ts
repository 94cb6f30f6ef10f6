import { execFile } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readMovie, type ByteSource, type Movie } from '../../src/cmaf/index.ts'

const run = promisify(execFile)

/** Runs ffmpeg and returns what it printed; warnings go to `stderr`, which is empty when there are none. */
export async function ffmpeg(...args: string[]): Promise<{ stdout: Buffer; stderr: string }> {
  const { stdout, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'warning', '-y', ...args], {
    encoding: 'buffer',
    maxBuffer: 256 * 1024 * 1024,
  })
  return { stdout, stderr: stderr.toString() }
}

export async function ffprobe(...args: string[]): Promise<string> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'csv=p=0', ...args])
  return stdout.trim()
}

export async function temporaryFolder(): Promise<{
  path: (name: string) => string
  remove: () => Promise<void>
}> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-cmaf-'))
  return { path: name => join(folder, name), remove: () => rm(folder, { recursive: true, force: true }) }
}

export interface FileSource extends ByteSource {
  /** Every read so far. */
  reads: { start: number; length: number }[]
  close(): Promise<void>
}

export async function fileSource(path: string): Promise<FileSource> {
  const file = await open(path)
  const { size } = await file.stat()
  const reads: FileSource['reads'] = []
  return {
    size,
    reads,
    close: () => file.close(),
    async read(start, length) {
      reads.push({ start, length })
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start)
      return buffer.subarray(0, bytesRead)
    },
  }
}

/** The movie in a source; fails the test when it is refused. */
export async function movieIn(source: ByteSource): Promise<Movie> {
  const result = await readMovie(source)
  if (result.kind === 'refused') throw new Error(`refused as ${result.reason}: ${result.why}`)
  return result.movie
}

/** A small moving picture of `seconds`, and a tone. */
export function picture(seconds: number, size = '160x90', rate = '25'): string[] {
  return ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate}:d=${seconds}`]
}

export function tone(seconds: number): string[] {
  return ['-f', 'lavfi', '-i', `sine=440:r=48000:d=${seconds}`]
}

/** H.264 with a keyframe each second and B-frames between. */
export const H264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '25', '-bf', '2', '-pix_fmt', 'yuv420p']
export const AAC = ['-c:a', 'aac', '-b:a', '64k', '-ac', '2']

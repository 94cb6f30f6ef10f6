import { access, constants } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { SluiceError } from '../core/index.ts'

/** Where the programs are that packaging may need. */
export interface Tools {
  ffmpeg: string
  ffprobe: string
  /** Ends ffmpeg when this process dies, however it dies (Linux, util-linux). */
  setpriv: string | undefined
}

/**
 * Finds ffmpeg and ffprobe: beside `ffmpeg` when a path is given, else on PATH. Throws SluiceError `ffmpeg-missing`.
 */
export async function findTools(ffmpeg = 'ffmpeg'): Promise<Tools> {
  const found = await findProgram(ffmpeg)
  const besides = found === undefined ? undefined : await findProgram(join(dirname(found), 'ffprobe'))
  const ffprobe = besides ?? (await findProgram('ffprobe'))
  if (found === undefined || ffprobe === undefined) throw ffmpegMissing()
  return {
    ffmpeg: found,
    ffprobe,
    setpriv: process.platform === 'linux' ? await findProgram('setpriv') : undefined,
  }
}

export function ffmpegMissing(cause?: unknown): SluiceError {
  return new SluiceError(
    'ffmpeg-missing',
    'this file needs ffmpeg, which is not installed: get it with `sudo apt-get install ffmpeg` on Debian and Ubuntu or `brew install ffmpeg` on macOS, and publish again',
    { side: 'operator', kind: 'unavailable', cause },
  )
}

/** The path of a program, looked up as a shell would; undefined when it cannot be run. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = name.includes('/')
    ? ['']
    : (process.env['PATH'] ?? '').split(delimiter).filter(part => part !== '')
  for (const folder of folders) {
    const path = join(folder, name)
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs) return path
  }
  return undefined
}

import { close, fstat, open, read } from 'node:fs'
import { codeOf, type Bytes } from '../../core/index.ts'
import { isAbsence } from './layout.ts'

/** `fs.read` takes no more at once, with a byte of room to tell a longer file. */
export const LARGEST_FILE: Bytes = 0x7fff_fffe

export type WholeFile =
  | { kind: 'read'; file: Buffer }
  /** Above `LARGEST_FILE`: nobody wrote that. */
  | { kind: 'too-long' }
  | { kind: 'absent' }
  | { kind: 'failed'; error: unknown }

/**
 * A file that is not written any more, read at one go. `likely` is its size as somebody remembers it: when that is
 * right, one question of the file system less. Of Node's interfaces the one with callbacks, which costs a hit least.
 */
export function readWhole(path: string, likely?: Bytes): Promise<WholeFile> {
  return new Promise(resolve => {
    open(path, 'r', (error, fd) => {
      if (error) return resolve(failure(error))
      const end = (outcome: WholeFile): void => {
        close(fd, () => {}) // nothing was written: there is nothing to learn from it
        resolve(outcome)
      }
      if (likely === undefined || likely > LARGEST_FILE) measured(fd, end)
      else {
        exactly(fd, likely, outcome => {
          if (outcome.kind === 'read' && outcome.file.length !== likely) measured(fd, end)
          else end(outcome)
        })
      }
    })
  })
}

function measured(fd: number, end: (outcome: WholeFile) => void): void {
  fstat(fd, (error, stats) => {
    if (error) return end(failure(error))
    if (!stats.isFile()) return end({ kind: 'absent' })
    if (stats.size > LARGEST_FILE) return end({ kind: 'too-long' })
    exactly(fd, stats.size, end)
  })
}

/** One byte of room more than there should be tells a file that is longer. */
function exactly(fd: number, size: Bytes, end: (outcome: WholeFile) => void): void {
  let room: Buffer
  try {
    room = Buffer.allocUnsafeSlow(size + 1)
  } catch (error) {
    // There is no memory for it; who called has long returned, and nobody else would hear of it.
    return end({ kind: 'failed', error })
  }
  let filled = 0
  const more = (): void => {
    read(fd, room, filled, room.length - filled, filled, (error, count) => {
      if (error) return end(failure(error))
      filled += count
      if (count > 0 && filled < size) return more()
      end({ kind: 'read', file: room.subarray(0, filled) })
    })
  }
  more()
}

function failure(error: NodeJS.ErrnoException): WholeFile {
  const absent = isAbsence(error) || codeOf(error) === 'EISDIR'
  return absent ? { kind: 'absent' } : { kind: 'failed', error }
}

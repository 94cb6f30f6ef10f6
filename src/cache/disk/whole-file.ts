import { close, fstat, open, read } from 'node:fs'
import { codeOf, type Bytes } from '../../core/index.ts'

export type WholeFile =
  { kind: 'read'; file: Buffer } | { kind: 'absent' } | { kind: 'failed'; error: NodeJS.ErrnoException }

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
      if (likely === undefined) measured(fd, end)
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
    exactly(fd, stats.size, end)
  })
}

/** One byte of room more than there should be tells a file that is longer. */
function exactly(fd: number, size: Bytes, end: (outcome: WholeFile) => void): void {
  const room = Buffer.allocUnsafeSlow(size + 1)
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
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR'
    ? { kind: 'absent' }
    : { kind: 'failed', error }
}

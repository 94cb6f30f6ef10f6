import { SluiceError } from '../../../src/core/index.ts'
import { realDisk, type LedgerDisk } from '../../../src/telemetry/index.ts'

export interface FailingDisk extends LedgerDisk {
  /** Operations that change something, so far. */
  readonly done: number
}

/** A system copies at least words at once, and looks between pages only whether the process is to end. */
const wholeWords = (length: number): number => Math.floor(length / 8) * 8

function failure(code: string): SluiceError {
  return new SluiceError(code, 'The disk of a test fails.', { side: 'operator' })
}

/**
 * The real disk, up to an operation from which on nothing is done any more: what a process leaves behind that is killed there. Of
 * a write that is the last, a part is done.
 */
export function dyingDisk(after: number, part = 0.5): FailingDisk {
  let done = 0
  const isDead = (): boolean => ++done > after
  return wrapped(
    {
      write(file, bytes, at) {
        if (!isDead()) return realDisk.write(file, bytes, at)
        if (done === after + 1) realDisk.write(file, bytes.subarray(0, wholeWords(bytes.length * part)), at)
        throw failure('EIO')
      },
      change(change) {
        if (isDead()) throw failure('EIO')
        change()
      },
    },
    () => done,
  )
}

export interface FullDisk extends FailingDisk {
  full: boolean
}

/** The real disk, where no file can grow while it is full; half of what did not fit is there all the same. */
export function fullDisk(): FullDisk {
  const names = new Map<number, string>()
  const disk = {
    full: false,
    ...wrapped(
      {
        write(file, bytes, at) {
          const room = realDisk.size(names.get(file) ?? '') ?? 0
          if (!disk.full || at + bytes.length <= room) return realDisk.write(file, bytes, at)
          realDisk.write(file, bytes.subarray(0, bytes.length >> 1), at)
          throw failure('ENOSPC')
        },
        change: change => change(),
      },
      () => 0,
    ),
    open(file: string) {
      if (disk.full && realDisk.size(file) === undefined) throw failure('ENOSPC')
      const handle = realDisk.open(file)
      names.set(handle, file)
      return handle
    },
  }
  return disk
}

interface Ways {
  write: LedgerDisk['write']
  change: (change: () => void) => void
}

function wrapped({ write, change }: Ways, done: () => number): FailingDisk {
  return {
    ...realDisk,
    get done() {
      return done()
    },
    write,
    truncate: (file, length) => change(() => realDisk.truncate(file, length)),
    // eslint-disable-next-line @typescript-eslint/require-await -- a sync that is asked for too late fails as others do
    sync: async () => change(() => {}),
    makeFolder: folder => change(() => realDisk.makeFolder(folder)),
    syncFolder: () => change(() => {}),
    move: (from, to) => change(() => realDisk.move(from, to)),
    remove: file => change(() => realDisk.remove(file)),
  }
}

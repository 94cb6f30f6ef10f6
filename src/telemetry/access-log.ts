import { createWriteStream, statSync, type WriteStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { KiB, MiB, type Clock, type Instant } from '../core/index.ts'

const KEEP_DAYS = 7
/** Lines wait in memory at most so long, and at most so many bytes; past that they are dropped and counted. */
const FLUSH_MS = 250
const MOST_WAITING = 4 * MiB
/** Bytes of one day, all who write there together; a flood of requests must not fill the disk. Lines past it are dropped and counted. */
export const MOST_A_DAY = 2 * 1024 ** 3

export interface AccessLog {
  /** One whole line with its end, in ASCII. Never hand in a query, cookie or token. */
  append(line: string): void
  readonly dropped: number
  close(): Promise<void>
}

export interface AccessLogOptions {
  folder: string
  clock: Clock
  /** Bytes. */
  mostADay?: number
}

/** Lines become bytes at once: text that waits is what the collector of garbage copies again and again. */
const PAGE = 64 * KiB

/** One JSON line per request in `<folder>/access-YYYY-MM-DD.log` (UTC), kept for a week. */
export async function openAccessLog(options: AccessLogOptions): Promise<AccessLog> {
  const { folder, clock, mostADay = MOST_A_DAY } = options
  await mkdir(folder, { recursive: true })
  let page = Buffer.allocUnsafeSlow(PAGE)
  let filled = 0
  let lines = 0
  let dropped = 0
  let day = ''
  let file: WriteStream | undefined
  let written = 0

  function flush(): void {
    if (filled === 0) return
    const today = dayOf(clock.now())
    if (today !== day) {
      file?.end()
      day = today
      const name = path.join(folder, `access-${day}.log`)
      written = statSync(name, { throwIfNoEntry: false })?.size ?? 0
      file = createWriteStream(name, { flags: 'a', mode: 0o640 })
      // A full disk must not stop delivery: lines count as dropped below until the file can be opened again.
      file.on('error', () => (day = ''))
      void removeOld(folder, clock.now())
    }
    if (file && !file.errored && file.writableLength < MOST_WAITING && written + filled <= mostADay) {
      const these = lines
      file.write(page.subarray(0, filled), error => {
        if (error) dropped += these
      })
      written += filled
      page = Buffer.allocUnsafeSlow(PAGE)
    } else dropped += lines
    filled = 0
    lines = 0
  }

  const timer = setInterval(flush, FLUSH_MS)
  timer.unref()
  return {
    append(line) {
      if (line.length > PAGE - filled) flush()
      if (line.length > PAGE) {
        dropped++
        return
      }
      filled += page.write(line, filled, 'latin1')
      lines++
    },
    get dropped() {
      return dropped
    },
    async close() {
      clearInterval(timer)
      flush()
      const last = file
      if (last && !last.errored) await new Promise<void>(resolve => last.end(resolve))
    },
  }
}

function dayOf(at: Instant): string {
  return new Date(at).toISOString().slice(0, 10)
}

async function removeOld(folder: string, now: Instant): Promise<void> {
  const oldest = new Date(now - KEEP_DAYS * 86_400_000).toISOString().slice(0, 10)
  for (const name of await readdir(folder).catch(() => [])) {
    const match = /^access-(\d{4}-\d{2}-\d{2})\.log$/.exec(name)
    if (match?.[1] !== undefined && match[1] < oldest) await rm(path.join(folder, name), { force: true })
  }
}

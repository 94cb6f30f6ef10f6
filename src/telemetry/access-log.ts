import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Clock, Instant } from '../core/index.ts'

const KEEP_DAYS = 7
/** Lines wait in memory at most so long, and at most so many bytes; past that they are dropped and counted. */
const FLUSH_MS = 250
const MOST_WAITING = 4 * 1024 * 1024

export interface AccessLog {
  /** Undefined fields are left out. Never hand in a query, cookie or token. */
  write(line: Record<string, unknown>): void
  readonly dropped: number
  close(): Promise<void>
}

/** One JSON line per request in `<folder>/access-YYYY-MM-DD.log` (UTC), kept for a week. */
export async function openAccessLog(options: { folder: string; clock: Clock }): Promise<AccessLog> {
  const { folder, clock } = options
  await mkdir(folder, { recursive: true })
  let waiting: string[] = []
  let waitingBytes = 0
  let dropped = 0
  let day = ''
  let file: WriteStream | undefined

  function flush(): void {
    if (waiting.length === 0) return
    const today = dayOf(clock.now())
    if (today !== day) {
      file?.end()
      day = today
      file = createWriteStream(path.join(folder, `access-${day}.log`), { flags: 'a', mode: 0o640 })
      file.on('error', () => {}) // a full disk must not stop delivery; the lines count as dropped below
      void removeOld(folder, clock.now())
    }
    if (file && !file.errored && file.writableLength < MOST_WAITING) file.write(waiting.join(''))
    else dropped += waiting.length
    waiting = []
    waitingBytes = 0
  }

  const timer = setInterval(flush, FLUSH_MS)
  timer.unref()
  return {
    write(line) {
      const text = `${JSON.stringify(line)}\n`
      if (waitingBytes + text.length > MOST_WAITING) {
        dropped++
        return
      }
      waiting.push(text)
      waitingBytes += text.length
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

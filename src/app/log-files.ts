import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, MiB, type Bytes, type Clock, type Instant, type Milliseconds } from '../core/index.ts'
import { humanLine } from './log-lines.ts'

export interface LogFilesOptions {
  folder: string
  clock: Clock
  /** Shows one line to the person at the terminal. */
  show: (line: string) => void
  /** A file of this size is rotated before its day is over. */
  rotateAt?: Bytes
  keepFor?: Milliseconds
}

const DAY: Milliseconds = 86_400_000
const LONGEST_LINE = 64 * 1024
/** What may wait for the disk; lines beyond it are counted and left out, so that a slow disk slows no role. */
const MOST_WAITING: Bytes = 4 * MiB
/** At most this many lines of a role are shown to a person in each span. */
const SHOWN_PER_SPAN = 5
const SPAN: Milliseconds = 10_000
const STREAMS_END_WITHIN: Milliseconds = 2000

/** Keeps what the roles write: DATA/logs/<role>.log, a new file each day or at 50 MiB, seven days long (SEAMS 35). */
export class LogFiles {
  #options: LogFilesOptions
  #files = new Map<string, RoleLog>()
  #reading: Promise<void>[] = []

  constructor(options: LogFilesOptions) {
    this.#options = options
  }

  /** Reads a role's stream to its end. */
  take(role: string, stream: Readable, name: 'stdout' | 'stderr'): void {
    const log = this.#files.get(role) ?? new RoleLog(role, this.#options)
    this.#files.set(role, log)
    const reading = readLines(stream, line => log.line(line, name)).finally(() => {
      this.#reading = this.#reading.filter(each => each !== reading)
    })
    this.#reading.push(reading)
  }

  /** Resolves when the streams have ended and all is written. */
  async close(): Promise<void> {
    // A process that a role has left behind may hold the role's streams open; nobody waits for that.
    const limit = new AbortController()
    const patience = sleep(STREAMS_END_WITHIN, undefined, { signal: limit.signal }).catch(() => {})
    await Promise.race([Promise.all(this.#reading), patience])
    limit.abort()
    await Promise.all([...this.#files.values()].map(log => log.close()))
  }
}

class RoleLog {
  #role: string
  #options: LogFilesOptions
  #waiting: string[] = []
  #waitingBytes = 0
  #leftOut = 0
  #writing: Promise<void> | undefined
  #file: { handle: FileHandle; size: Bytes; day: string } | undefined
  #shown = { since: 0, count: 0 }
  #diskTold = false

  constructor(role: string, options: LogFilesOptions) {
    this.#role = role
    this.#options = options
  }

  line(line: string, stream: 'stdout' | 'stderr'): void {
    this.#show(humanLine(this.#role, stream, line))
    if (this.#waitingBytes + line.length > MOST_WAITING) {
      this.#leftOut++
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined))
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file?.handle.close()
    this.#file = undefined
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting
      if (this.#leftOut > 0)
        lines.push(JSON.stringify({ level: 40, msg: 'log lines left out', lines: this.#leftOut }))
      this.#waiting = []
      this.#waitingBytes = 0
      this.#leftOut = 0
      try {
        const text = `${lines.join('\n')}\n`
        const file = await this.#current()
        await file.handle.appendFile(text)
        file.size += Buffer.byteLength(text)
        this.#diskTold = false
      } catch (error) {
        // A log that cannot be written must not stop the roles; the person is told once.
        if (!this.#diskTold)
          this.#options.show(`${this.#role}: its log cannot be written (${codeOf(error) ?? 'unknown'})`)
        this.#diskTold = true
      }
    }
  }

  async #current(): Promise<{ handle: FileHandle; size: Bytes; day: string }> {
    const now = this.#options.clock.now()
    const path = join(this.#options.folder, `${this.#role}.log`)
    this.#file ??= await openLog(path, now)
    const full = this.#file.size >= (this.#options.rotateAt ?? 50 * MiB)
    if (this.#file.size > 0 && (full || this.#file.day !== dayOf(now))) {
      await this.#file.handle.close()
      this.#file = undefined
      await rename(path, join(this.#options.folder, `${this.#role}.${stampOf(now)}.log`))
      await this.#deleteOld(now)
      this.#file = await openLog(path, now)
    }
    return this.#file
  }

  async #deleteOld(now: Instant): Promise<void> {
    const keepFor = this.#options.keepFor ?? 7 * DAY
    for (const name of await readdir(this.#options.folder)) {
      if (!name.startsWith(`${this.#role}.`) || !/\.\d{4}-[^/]*\.log$/.test(name)) continue
      const path = join(this.#options.folder, name)
      if (now - (await stat(path)).mtimeMs > keepFor) await rm(path, { force: true })
    }
  }

  #show(line: string | undefined): void {
    if (line === undefined) return
    const now = this.#options.clock.now()
    if (now - this.#shown.since >= SPAN) this.#shown = { since: now, count: 0 }
    this.#shown.count++
    if (this.#shown.count <= SHOWN_PER_SPAN) this.#options.show(line)
    if (this.#shown.count === SHOWN_PER_SPAN + 1) {
      this.#options.show(`${this.#role}: more of this in ${join(this.#options.folder, `${this.#role}.log`)}`)
    }
  }
}

async function openLog(
  path: string,
  now: Instant,
): Promise<{ handle: FileHandle; size: Bytes; day: string }> {
  const handle = await open(path, 'a', 0o600)
  const { size, mtimeMs } = await handle.stat()
  return { handle, size, day: dayOf(size > 0 ? mtimeMs : now) }
}

/** Lines of a stream; one that is longer than 64 KiB is cut into pieces of that length. */
async function readLines(stream: Readable, handle: (line: string) => void): Promise<void> {
  let rest = ''
  stream.setEncoding('utf8')
  try {
    for await (const chunk of stream) {
      rest += chunk as string // the encoding is set above
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const end = cutLong(line, handle)
        if (end !== '') handle(end)
      }
      rest = cutLong(rest, handle)
    }
  } catch {
    // The process was killed in the middle of a line; what came before is handed over.
  }
  if (rest !== '') handle(rest)
}

/** Hands over the pieces of a line that is too long, and gives its end. */
function cutLong(line: string, handle: (piece: string) => void): string {
  let at = 0
  for (; line.length - at > LONGEST_LINE; at += LONGEST_LINE) handle(line.slice(at, at + LONGEST_LINE))
  return line.slice(at)
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

function stampOf(time: number): string {
  return new Date(time).toISOString().replaceAll(':', '-').replace('Z', '')
}

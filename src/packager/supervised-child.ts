import { spawn, type ChildProcess } from 'node:child_process'
import { setPriority } from 'node:os'
import type { Readable } from 'node:stream'
import type { Milliseconds } from '../core/index.ts'
import { recordChild } from './leftovers.ts'

/** What runs a program on our behalf; it never outlives us and never fills our memory. */
export interface ChildOptions {
  program: string
  args: string[]
  /** Working folder of the program. */
  folder?: string
  /** Stops the program; the promise rejects with the signal's reason once it is gone. */
  signal?: AbortSignal
  /** Stops the program, which then counts as `timed-out`. */
  timeLimit?: Milliseconds
  /** Between the polite request to stop and the kill. */
  patience?: Milliseconds
  /** `setpriv`, where there is one. */
  setpriv?: string | undefined
  /** Where running children are recorded when nothing ties their lives to ours. */
  records?: string | undefined
  onStdout?: (chunk: Buffer) => void
  /** File descriptor 3 of the program. */
  onReport?: (chunk: Buffer) => void
}

export type ChildOutcome =
  | { kind: 'exited'; code: number; stderr: string[] }
  | { kind: 'killed'; by: NodeJS.Signals; stderr: string[] }
  | { kind: 'timed-out'; stderr: string[] }
  | { kind: 'not-found' }

const STDERR_LINES = 60
const STDERR_LINE_LENGTH = 400
/** Encoding must not take the processor from serving. */
const NICE = 10

/** Runs a program until it and its pipes are closed. Keeps the last lines of stderr. */
export async function superviseChild(options: ChildOptions): Promise<ChildOutcome> {
  const { signal, timeLimit, patience = 3000 } = options
  signal?.throwIfAborted()
  const child = start(options)
  const stderr = new LineRing()
  child.stdout?.on('data', options.onStdout ?? (() => {}))
  child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk))
  ;(child.stdio[3] as Readable | null | undefined)?.on('data', options.onReport ?? (() => {})) // asked for as a pipe
  let timedOut = false
  let kill: NodeJS.Timeout | undefined
  const stop = () => {
    child.kill('SIGTERM')
    kill ??= setTimeout(() => child.kill('SIGKILL'), patience)
  }
  const limit =
    timeLimit === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true
          stop()
        }, timeLimit)
  signal?.addEventListener('abort', stop, { once: true })
  const forget = await recordChild(options.setpriv === undefined ? options.records : undefined, child.pid)
  try {
    const ended = await closed(child)
    signal?.throwIfAborted()
    if (ended === 'not-found') return { kind: 'not-found' }
    if (timedOut) return { kind: 'timed-out', stderr: stderr.lines() }
    if (ended.by !== null) return { kind: 'killed', by: ended.by, stderr: stderr.lines() }
    return { kind: 'exited', code: ended.code ?? -1, stderr: stderr.lines() }
  } finally {
    clearTimeout(kill)
    clearTimeout(limit)
    signal?.removeEventListener('abort', stop)
    await forget()
  }
}

function start(options: ChildOptions): ChildProcess {
  const { program, args, folder, setpriv } = options
  const command = setpriv ?? program
  // The kernel kills the program the moment the thread that started it is gone (SEAMS 32).
  const rest = setpriv === undefined ? args : ['--pdeathsig', 'KILL', '--', program, ...args]
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    ...(folder === undefined ? {} : { cwd: folder }),
  })
  if (child.pid !== undefined) beNice(child.pid)
  return child
}

function beNice(pid: number): void {
  try {
    setPriority(pid, NICE)
  } catch {
    // It has already ended, or the system forbids it: it runs as it is.
  }
}

type Ended = { code: number | null; by: NodeJS.Signals | null } | 'not-found'

function closed(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.once('error', error => {
      // Before it runs, `close` may never come; afterwards the error is of a failed kill and `close` does come.
      if (child.pid !== undefined) return
      if ('code' in error && error.code === 'ENOENT') resolve('not-found')
      else reject(error)
    })
    child.once('close', (code, by) => resolve({ code, by }))
  })
}

/** The last lines of an endless text. */
class LineRing {
  readonly #lines: string[] = []
  #rest = ''

  add(chunk: Buffer): void {
    const parts = (this.#rest + chunk.toString()).split(/[\r\n]+/)
    this.#rest = (parts.pop() ?? '').slice(0, STDERR_LINE_LENGTH)
    for (const part of parts) this.#push(part)
  }

  lines(): string[] {
    if (this.#rest !== '') this.#push(this.#rest)
    this.#rest = ''
    return this.#lines
  }

  #push(line: string): void {
    if (line.trim() !== '') this.#lines.push(line.slice(0, STDERR_LINE_LENGTH))
    if (this.#lines.length > STDERR_LINES) this.#lines.shift()
  }
}

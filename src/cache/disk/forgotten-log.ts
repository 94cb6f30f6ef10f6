import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { instant, type Milliseconds } from '../../core/index.ts'
import type { ForgottenPath } from '../contract.ts'
import { isAbsence, type DiskFiles } from './layout.ts'
import { fieldsOf, type Trouble } from './trouble.ts'

/** As many lines are added before the file is written anew with what counts still. */
const MOST_LINES = 20_000
/** What could not be kept is tried again after so long, since nothing else may come. */
const AGAIN: Milliseconds = 1_000
/** Of a file that is being written anew. */
const ASIDE = '.new'

export interface ForgottenLogOptions {
  folder: string
  /** Its own file; all in the folder are read. */
  name: string
  files: DiskFiles
  trouble: Trouble
}

/**
 * What a cache has forgotten, in a file, so that nothing from before comes back out of files when the process was
 * killed. A line of JSON for each; one that is torn or of another kind says nothing.
 */
export class ForgottenLog {
  readonly #options: ForgottenLogOptions
  readonly #file: string
  #waiting: string[] = []
  #lines = 0
  /** The file lacks something: the next write is of everything. */
  #lacks = false
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #again: { timer: NodeJS.Timeout; all: () => Iterable<ForgottenPath> } | undefined
  #isClosed = false

  constructor(options: ForgottenLogOptions) {
    this.#options = options
    this.#file = join(options.folder, options.name)
  }

  /** What is there, of all processes that have this disk, the oldest first. Never rejects. */
  async read(): Promise<ForgottenPath[]> {
    const { folder } = this.#options
    const all: ForgottenPath[] = []
    const names = await this.#orNone(() => readdir(folder))
    for (const name of names) {
      if (name.endsWith(ASIDE)) continue
      const lines = await this.#orNone(async () => (await readFile(join(folder, name), 'utf8')).split('\n'))
      if (join(folder, name) === this.#file) this.#lines = lines.length
      for (const line of lines) all.push(...readLine(line))
    }
    return all.sort((one, other) => one.at - other.at)
  }

  async #orNone(read: () => Promise<string[]>): Promise<string[]> {
    try {
      return await read()
    } catch (error) {
      if (!isAbsence(error)) this.#options.trouble.tell('read', fieldsOf(error))
      return []
    }
  }

  /**
   * Resolves when it would outlive this process, or could not be kept; that is tried again. `all` is everything that
   * counts.
   */
  keep(path: ForgottenPath, all: () => Iterable<ForgottenPath>): Promise<void> {
    if (this.#waiting.length < MOST_LINES) this.#waiting.push(lineOf(path))
    else this.#lacks = true
    return this.#soon(all)
  }

  /** Tries a last time what could not be kept. */
  async close(): Promise<void> {
    this.#isClosed = true
    const again = this.#again
    clearTimeout(again?.timer)
    await (again ? this.#soon(again.all) : this.#last)
  }

  #soon(all: () => Iterable<ForgottenPath>): Promise<void> {
    if (this.#next !== undefined) return this.#next
    const next = this.#last.then(() => {
      this.#next = undefined
      return this.#write(all)
    })
    this.#next = next
    this.#last = next
    return next
  }

  async #write(all: () => Iterable<ForgottenPath>): Promise<void> {
    const { files, folder, trouble } = this.#options
    const lines = this.#waiting.splice(0)
    const isAnew = this.#lacks || this.#lines + lines.length > MOST_LINES
    this.#lacks = false
    try {
      await files.mkdir(folder, { recursive: true, mode: 0o700 })
      if (isAnew) await this.#rewrite(Array.from(all(), lineOf))
      else await this.#append(lines)
    } catch (error) {
      trouble.tell('write', fieldsOf(error))
      this.#lacks = true
      this.#tryAgain(all)
    }
  }

  async #append(lines: string[]): Promise<void> {
    this.#lines += lines.length
    await this.#options.files.appendFile(this.#file, lines.join(''), { mode: 0o600 })
  }

  async #rewrite(lines: string[]): Promise<void> {
    const { files } = this.#options
    await files.writeFile(`${this.#file}${ASIDE}`, lines.join(''), { mode: 0o600 })
    await files.rename(`${this.#file}${ASIDE}`, this.#file)
    this.#lines = Math.min(lines.length, MOST_LINES / 2)
  }

  #tryAgain(all: () => Iterable<ForgottenPath>): void {
    if (this.#isClosed) return
    clearTimeout(this.#again?.timer)
    const timer = setTimeout(() => {
      this.#again = undefined
      void this.#soon(all)
    }, AGAIN).unref()
    this.#again = { timer, all }
  }
}

/** The end of line first: behind one that was torn, this one is whole. */
function lineOf({ distributionId, name, at }: ForgottenPath): string {
  return `\n${JSON.stringify([distributionId, name, at])}`
}

function readLine(line: string): ForgottenPath[] {
  let read: unknown
  try {
    read = JSON.parse(line)
  } catch {
    return []
  }
  if (!Array.isArray(read) || read.length !== 3) return []
  const [distributionId, name, at] = read as unknown[] // an array of anything
  if (typeof distributionId !== 'string' || typeof at !== 'number') return []
  if (name !== null && typeof name !== 'string') return []
  return [{ distributionId: distributionId as ForgottenPath['distributionId'], name, at: instant(at) }] // as it was written
}

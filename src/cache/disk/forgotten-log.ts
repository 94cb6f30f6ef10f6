import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { instant } from '../../core/index.ts'
import type { ForgottenPath } from '../contract.ts'
import { isAbsence, type DiskFiles } from './layout.ts'
import { fieldsOf, type Trouble } from './trouble.ts'

/** As many lines are added before the file is written anew with what counts still. */
const MOST_LINES = 20_000

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
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(options: ForgottenLogOptions) {
    this.#options = options
    this.#file = join(options.folder, options.name)
  }

  /** What is there, of all processes that have this disk. Never rejects. */
  async read(): Promise<ForgottenPath[]> {
    const { folder, trouble } = this.#options
    const all: ForgottenPath[] = []
    try {
      for (const name of await readdir(folder)) {
        const lines = (await readFile(join(folder, name), 'utf8')).split('\n')
        if (join(folder, name) === this.#file) this.#lines = lines.length
        all.push(...lines.flatMap(readLine))
      }
    } catch (error) {
      if (!isAbsence(error)) trouble.tell('read', fieldsOf(error))
    }
    return all
  }

  /** Resolves when it would outlive this process, or cannot be kept. `all` is everything that counts. */
  keep(path: ForgottenPath, all: () => Iterable<ForgottenPath>): Promise<void> {
    this.#waiting.push(lineOf(path))
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
    try {
      await files.mkdir(folder, { recursive: true, mode: 0o700 })
      this.#lines += lines.length
      if (this.#lines > MOST_LINES) await this.#rewrite(Array.from(all(), lineOf))
      else await files.appendFile(this.#file, lines.join(''), { mode: 0o600 })
    } catch (error) {
      trouble.tell('write', fieldsOf(error))
    }
  }

  async #rewrite(lines: string[]): Promise<void> {
    const { files } = this.#options
    await files.writeFile(`${this.#file}.new`, lines.join(''), { mode: 0o600 })
    await files.rename(`${this.#file}.new`, this.#file)
    this.#lines = Math.min(lines.length, MOST_LINES / 2)
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

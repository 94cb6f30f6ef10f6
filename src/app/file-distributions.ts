import type { AppliedFile, ControlClient } from '../client/index.ts'
import { messageOf, reader, SluiceError, Type } from '../core/index.ts'
import { DistributionInput, fileProblems } from '../distribution/index.ts'

/** The distributions of a configuration file, by their names there. */
export type FileDistributions = Record<string, DistributionInput>

/**
 * What stands under `distributions`, checked as far as the file alone tells; throws one sentence. `name` is how the
 * sentence calls the file.
 */
export function readDistributions(name: string, value: unknown): FileDistributions {
  const all = readNames(name, value)
  const read = Object.entries(all).map(([key, each]): [string, DistributionInput] => [
    key,
    reader(DistributionInput, `"distributions.${key}" in ${name}`)(each),
  ])
  const distributions = Object.fromEntries(read)
  const problems = fileProblems(distributions)
  if (problems.length === 0) return distributions
  const more = problems.length - MOST_TOLD
  const told = problems.slice(0, MOST_TOLD).join('; ')
  throw new SluiceError(
    'bad-distribution',
    `The distributions of ${name} are not good: ${told}${more > 0 ? `; and ${more} more` : ''}.`,
    { side: 'operator', kind: 'usage' },
  )
}

/** As many as people mend at once. */
const MOST_TOLD = 8

function readNames(name: string, value: unknown): Record<string, unknown> {
  // An empty list of YAML's: "distributions:" and nothing below it.
  if (value === null) return {}
  return reader(Type.Record(Type.String(), Type.Unknown()), `"distributions" in ${name}`)(value)
}

/** A configuration file as it was read; `name` is how sentences call it. */
export interface ReadFile {
  name: string
  distributions: FileDistributions | undefined
}

/** Where the distributions of a file are applied, and to whom it is told. */
export interface Applying {
  client: ControlClient
  /** How sentences call the file. */
  name: string
  show: (line: string) => void
}

/**
 * Has control make them what the file says, and tells what came of it. Throws control's sentence, and nothing has
 * changed then. A file that says nothing of distributions leaves all as they are.
 */
export async function applyDistributions(
  distributions: FileDistributions | undefined,
  { client, name, show }: Applying,
): Promise<void> {
  if (distributions === undefined) return
  const { distributions: applied, warnings, snapshotVersion } = await client.applyFile(distributions)
  for (const line of applied.flatMap(each => lineOf(each, name))) show(line)
  for (const warning of warnings) show(`warning: ${name}: ${warning}.`)
  if (applied.some(({ outcome }) => outcome !== 'same'))
    await client.acknowledged(snapshotVersion, { waitSeconds: 5 })
}

function lineOf({ name, id, domain, outcome }: AppliedFile['distributions'][number], file: string): string[] {
  switch (outcome) {
    case 'made':
      return [`distribution ${name}: made as ${id}, ${domain}`]
    case 'changed':
      return [`distribution ${name}: ${id} is changed as ${file} says`]
    case 'disabled':
      return [
        `distribution ${name}: ${id} is disabled, since ${file} says it no more; sluice distribution delete ${id} deletes it`,
      ]
    case 'same':
      return []
  }
}

/** What a start follows of its configuration file. */
export interface Following extends Omit<Applying, 'name'> {
  /** The file as it is now; undefined when there is none. Throws what is wrong with it. */
  readFile: () => ReadFile | undefined
}

/** Applies a configuration file once, and again after each wish, one at a time. */
export class FileFollower {
  readonly #options: Following
  #last: Promise<void> = Promise.resolve()

  private constructor(options: Following) {
    this.#options = options
  }

  /** Throws what is wrong with the file, and nothing has changed then. */
  static async start(options: Following): Promise<FileFollower> {
    const file = options.readFile()
    if (file) await applyDistributions(file.distributions, { ...options, ...file })
    return new FileFollower(options)
  }

  /** Resolves when what stands in the file now holds; what cannot be read or applied is told, and changes nothing. */
  look(): Promise<void> {
    this.#last = this.#last.then(() => this.#apply())
    return this.#last
  }

  async #apply(): Promise<void> {
    const { show, readFile } = this.#options
    try {
      const file = readFile()
      if (file === undefined) return
      await applyDistributions(file.distributions, { ...this.#options, ...file })
      show(`${file.name} was read again: its distributions hold; settings count at the next start`)
    } catch (error) {
      show(`the configuration file was not applied, and nothing has changed: ${messageOf(error)}`)
    }
  }
}

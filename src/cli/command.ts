import type { Instant } from '../core/index.ts'
import type { Output } from './output.ts'

/** What a command line needs of its process; tests hand in their own. */
export interface Terminal {
  env: Record<string, string | undefined>
  cwd: string
  stdout: TextSink
  stderr: TextSink
  /** Asks the person a question and gives the answer; undefined when nobody can answer. */
  ask(question: string): Promise<string | undefined>
  now(): Instant
}

export interface TextSink {
  write(text: string): unknown
  isTTY?: boolean
}

/** What a command works with. */
export interface Context {
  terminal: Terminal
  output: Output
  /** Options that were given, by their name in camel case; `--no-wait` is `wait: false`. */
  options: Options
}

export type Options = Record<string, string | boolean | string[] | undefined>

/** One option of a command. */
export interface OptionSpec {
  /** As in the help: `--ttl <duration>`. */
  flags: string
  description: string
  /** May be given several times; its values come as a list. */
  repeat?: 'many'
  /** Left out of the help: a flag of something that is not in this version. */
  shown?: 'never'
}

/** One command, as a value: the table of them is the command line. */
export interface CommandSpec {
  /** `publish`, `keys create`. */
  words: string
  /** `<file> <path>`, `[path]`, `<paths...>`. */
  takes?: string
  summary: string
  options?: OptionSpec[]
  /** Gives the exit code when it is not 0. Throws SluiceError for what a sentence and its kind's exit code say. */
  run(context: Context, args: string[]): Promise<number | void>
}

/** An option's text; undefined when it was not given. */
export function text(options: Options, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** The options of every command that talks to a server. */
export const SERVER_OPTIONS: OptionSpec[] = [
  { flags: '--control <url>', description: 'the control URL (SLUICE_CONTROL, with SLUICE_TOKEN)' },
  { flags: '--data <folder>', description: 'the data folder whose server is meant (SLUICE_DATA)' },
  { flags: '--config <file>', description: 'the configuration file (SLUICE_CONFIG)' },
]

export const NO_WAIT: OptionSpec = { flags: '--no-wait', description: 'return once it is accepted' }

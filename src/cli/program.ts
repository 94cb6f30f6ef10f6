import { Command, CommanderError, Option } from 'commander'
import { SluiceError } from '../core/index.ts'
import type { CommandSpec, Options, OptionSpec } from './command.ts'

export interface Parsed {
  command: CommandSpec
  args: string[]
  options: Options
}

export type ParseResult =
  | { kind: 'command'; parsed: Parsed }
  /** Help or the version were asked for. */
  | { kind: 'told'; text: string }

/** Reads a command line by the table of commands. Throws SluiceError of kind `usage`, with a suggestion on a typo. */
export function parseCommandLine(
  argv: readonly string[],
  commands: readonly CommandSpec[],
  version: string,
): ParseResult {
  let parsed: Parsed | undefined
  let told = ''
  const program = new Command('sluice')
  // Settings are inherited by commands that are added after them.
  program
    .exitOverride()
    // Else a command would take options from those below it.
    .enablePositionalOptions()
    .configureOutput({ writeOut: text => (told += text), writeErr: () => {} })
    .description('A media CDN that runs on your own machines.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addOption(new Option('--json', 'print one JSON value as the last line of stdout'))
  const groups = new Map<string, Command>()
  for (const spec of commands) {
    const words = spec.words.split(' ')
    const name = words.pop() ?? ''
    const parent = words.length === 0 ? program : groupOf(groups, program, words.join(' '))
    const command = parent.command(spec.takes === undefined ? name : `${name} ${spec.takes}`)
    command.description(spec.summary).allowExcessArguments(false)
    for (const option of spec.options ?? []) command.addOption(toOption(option))
    command.addOption(new Option('--json', 'print one JSON value as the last line of stdout'))
    command.action((...received: unknown[]) => {
      // commander hands over the arguments, the options and the command itself.
      const args = command.processedArgs.flat().filter(argument => typeof argument === 'string')
      parsed = { command: spec, args, options: received.at(-2) as Options } // all our options are texts or switches
    })
  }
  try {
    // It stands wherever somebody likes, and takes nothing from what stands before it.
    program.parse(
      argv.filter(each => each !== '--json'),
      { from: 'user' },
    )
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'told', text: told }
    throw usage(sentenceOf(error, argv))
  }
  if (!parsed) throw usage('Name a command; "sluice --help" lists them.')
  return { kind: 'command', parsed }
}

function groupOf(groups: Map<string, Command>, program: Command, words: string): Command {
  const known = groups.get(words)
  if (known) return known
  const command = program.commands.find(each => each.name() === words)
  // A command with commands below it: what stands behind their name is theirs, options of the same name too.
  if (command) return command.enablePositionalOptions()
  const group = program.command(words).description(GROUPS[words] ?? '')
  groups.set(words, group)
  return group
}

const GROUPS: Record<string, string> = {
  live: 'the channels, which encoders publish to',
  keys: 'the keys that signed URLs and cookies are checked with',
  sign: 'make signed cookies, URLs and path tokens',
  distribution: 'the distributions that viewers reach',
  policy: 'parts of behaviours under a name',
  encryption: 'by what fields of forms are encrypted',
  functions: 'what behaviours run for requests',
  stores: 'key value stores that functions read',
  issuers: 'whose JSON Web Tokens behaviours may trust',
  'origin-access': 'how nodes read buckets',
  webhooks: 'who is told what happens',
  tokens: 'the tokens of the control API',
  config: 'the configuration',
}

function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description)
  if (spec.repeat === 'many') {
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
  }
  return spec.shown === 'never' ? option.hideHelp() : option
}

/** commander's sentence in our form: no prefix, one line, with where to read more. */
function sentenceOf(error: CommanderError, argv: readonly string[]): string {
  if (error.code === 'commander.help') {
    const group = argv.find(word => !word.startsWith('-'))
    if (group === 'help') return 'There is no such command; "sluice --help" lists them.'
    return group === undefined
      ? 'Name a command; "sluice --help" lists them.'
      : `"sluice ${group}" needs a further word; "sluice ${group} --help" lists them.`
  }
  const [first = '', hint] = error.message.replace(/^error: /, '').split('\n')
  const told = `${first.charAt(0).toUpperCase()}${first.slice(1)}`.replace(/\.$/, '')
  return hint === undefined || hint === ''
    ? `${told}; see "sluice --help".`
    : `${told}: ${decapitalise(hint.replace(/^\(|\)$/g, ''))}`
}

function decapitalise(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`
}

function usage(sentence: string): SluiceError {
  return new SluiceError('usage', sentence, { side: 'operator', kind: 'usage' })
}

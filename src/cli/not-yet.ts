/** Commands that INTERFACE.md promises and this version does not have: absent from --help, one sentence, exit code 2. */
const COMMANDS = [
  'control',
  'origin',
  'regional',
  'edge',
  'gateway',
  'live',
  'env',
  'usage',
  'explain',
  'backup',
  'restore',
  'assets verify',
  'distribution create',
  'distribution update',
  'distribution delete',
  'nodes token',
  'doctor cookies',
]

/** The sentence for a command line that asks for something that has not landed; undefined when it does not. */
export function notYet(argv: readonly string[]): string | undefined {
  const words = argv.filter(word => !word.startsWith('-'))
  const asked = COMMANDS.find(command => command.split(' ').every((word, at) => words[at] === word))
  return asked === undefined ? undefined : `"sluice ${asked}" is not in this version of Sluice.`
}

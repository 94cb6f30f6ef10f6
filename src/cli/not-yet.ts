/** Commands that INTERFACE.md promises and this version does not have: absent from --help, one sentence, exit code 2. */
const COMMANDS = ['usage', 'assets verify']

/** The sentence for a command line that asks for something that has not landed; undefined when it does not. */
export function notYet(argv: readonly string[]): string | undefined {
  const given = argv.filter(word => !word.startsWith('-'))
  const words = given[0] === 'help' ? given.slice(1) : given
  const asked = COMMANDS.find(command => command.split(' ').every((word, at) => words[at] === word))
  return asked === undefined ? undefined : notInThisVersion(`sluice ${asked}`)
}

export function notInThisVersion(what: string): string {
  return `"${what}" is not in this version of Sluice.`
}

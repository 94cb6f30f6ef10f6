import { readFileSync } from 'node:fs'
import { codeOf, EXIT_OF_KIND, messageOf, SluiceError } from '../core/index.ts'
import type { Terminal } from './command.ts'
import { COMMANDS } from './commands.ts'
import { notYet } from './not-yet.ts'
import { Output } from './output.ts'
import { parseCommandLine } from './program.ts'

/** Runs one command line (without `node` and the script's name) and gives its exit code. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { stdout, stderr, env } = terminal
  const output = new Output(stdout, stderr, { json: argv.includes('--json'), env })
  try {
    const missing = notYet(argv)
    if (missing !== undefined)
      throw new SluiceError('not-in-this-version', missing, { side: 'operator', kind: 'usage' })
    const result = parseCommandLine(argv, COMMANDS, version())
    if (result.kind === 'told') {
      stdout.write(result.text)
      return 0
    }
    const { command, args, options } = result.parsed
    return (await command.run({ terminal, output, options }, args)) ?? 0
  } catch (error) {
    return tell(error, output)
  }
}

function tell(error: unknown, output: Output): number {
  const known = error instanceof SluiceError
  const code = known ? error.code : (codeOf(error) ?? 'unexpected')
  output.error(messageOf(error))
  // What nobody foresaw needs its place in the code to be mended.
  if (!known && error instanceof Error && error.stack !== undefined) output.say(error.stack)
  output.result({ error: { code, message: messageOf(error) } }, '')
  return known ? EXIT_OF_KIND[error.kind] : 1
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version // our own package.json
}

import { run as runOn } from './run.ts'
import { processTerminal } from './terminal.ts'

/** Runs one command line on this process's own terminal and gives its exit code. */
export function run(argv: readonly string[]): Promise<number> {
  return runOn(argv, processTerminal())
}

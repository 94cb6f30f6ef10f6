import { createInterface } from 'node:readline/promises'
import { systemClock } from '../core/index.ts'
import type { Terminal } from './command.ts'

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // A reader that goes away (`sluice assets | head -1`, a closed terminal) is no error.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  return {
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    now: () => systemClock.now(),
    async ask(question) {
      if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
      const asking = createInterface({ input: process.stdin, output: process.stderr })
      try {
        return await asking.question(question)
      } finally {
        asking.close()
      }
    },
  }
}

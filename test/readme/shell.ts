import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { cleanEnvironment, temporaryFolder } from '../e2e/sluice.ts'
import { ROOT } from '../house/tree.ts'

/** Free ports for everything; the commands that follow find the server by the data folder, as a reader's do. */
const FREE_PORTS = {
  ...{ SLUICE_HTTP: '127.0.0.1:0', SLUICE_HTTPS: '127.0.0.1:0', SLUICE_CONTROL_LISTEN: '127.0.0.1:0' },
  ...{
    SLUICE_ORIGIN: '127.0.0.1:0',
    SLUICE_ADMIN: '127.0.0.1:0',
    SLUICE_RTMP: '127.0.0.1:0',
    SLUICE_RTMPS: '127.0.0.1:0',
  },
  PORT: '0',
}

/** Stands for a reader's checkout: what they make in it must not land in ours, and `.sluice` is made in it as well. */
export function checkoutOfLinks(): string {
  const folder = temporaryFolder('readme')
  const ours = readdirSync(ROOT).filter(name => !/^\.git$|^\.sluice$|^coverage$|^dist\./.test(name))
  for (const name of ours) symlinkSync(path.join(ROOT, name), path.join(folder, name))
  return folder
}

/** A shell that runs one block, in a process group of its own as a terminal has it. */
export interface Shell {
  output(): string
  running(): boolean
  /** The exit code; null where a signal ended the shell. */
  ended: Promise<number | null>
  /** What Ctrl-C does: SIGINT to the whole group. */
  interrupt(): void
  kill(): void
}

export function startShell(text: string, folder: string): Shell {
  const child: ChildProcess = spawn('bash', ['-euo', 'pipefail', '-c', text], {
    cwd: folder,
    env: cleanEnvironment(FREE_PORTS),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-1_000_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const running = (): boolean => child.exitCode === null && child.signalCode === null
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined && running()) process.kill(-child.pid, name)
  }
  return {
    output: () => output,
    running,
    ended,
    interrupt: () => signal('SIGINT'),
    kill: () => signal('SIGKILL'),
  }
}

// One core for the server that is measured and another for everything else: load, origin, the other roles.
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

// Each child says so when the bench ends.
process.setMaxListeners(100)

export const SERVER = 0
export const CLIENT = os.cpus().length > 1 ? 1 : 0

/** A running process with all its threads. */
export function pin(pid, core) {
  spawnSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' })
}

/** A child on a core, which ends with the bench. */
export function spawnOn(core, program, args, options = {}) {
  const child = spawn('taskset', ['-c', String(core), program, ...args], options)
  const end = () => child.kill(options.endsWith ?? 'SIGKILL')
  process.on('exit', end)
  child.once('exit', () => process.off('exit', end))
  return child
}

/** Runs a command to its end and gives what it printed. */
export function run(core, program, args) {
  const child = spawnOn(core, program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (text += data))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve(text))
  })
}

/** Asks politely, and waits. */
export async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await Promise.race([ended, pause(5_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))])
}

/** The children of a process whose command line fits. */
export function childrenOf(parent, pattern) {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return Number(ppid) === parent && pattern.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      } catch {
        return false
      }
    })
}

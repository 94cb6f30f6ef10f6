import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Ready } from '../../src/app/index.ts'

/** Real processes of the built command line. */
export const main = new URL('../../dist/cli/main.js', import.meta.url).pathname

/** Every port free and on loopback. */
export const FREE_PORTS = ['http', 'https', 'rtmp', 'rtmps', 'control', 'origin', 'admin'].flatMap(name => [
  `--${name}`,
  '127.0.0.1:0',
])

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
  json: Record<string, unknown>
}

/** Runs a command to its end. */
export function command(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  return new Promise(resolve => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 1 << 24 }
    const child = execFile(process.execPath, [main, ...args], options, (_error, stdout, stderr) => {
      let json = {}
      try {
        json = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
      } catch {
        // Not every command is asked for JSON.
      }
      resolve({ code: child.exitCode, stdout, stderr, json })
    })
  })
}

/** A `sluice up` that is running. */
export interface Up {
  ready: Ready
  process: ChildProcess
  stdout: () => string
  stderr: () => string
  /** Sends SIGTERM and gives the exit code. */
  end: () => Promise<{ code: number | null }>
}

/** Starts `sluice up --json`; resolves with its ready line, rejects with what it said when it ends before. */
export function up(args: string[], env: Record<string, string> = {}): Promise<Up> {
  const child = spawn(process.execPath, [main, 'up', '--json', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const exited = new Promise<number | null>(resolve => child.once('exit', resolve))
  child.stderr.on('data', chunk => (stderr += String(chunk)))
  return new Promise((resolve, reject) => {
    void exited.then(code => reject(new Error(`ended with ${code}: ${stderr}`)))
    child.stdout.on('data', chunk => {
      stdout += String(chunk)
      if (!stdout.includes('\n')) return
      resolve({
        ready: JSON.parse(stdout) as Ready,
        process: child,
        stdout: () => stdout,
        stderr: () => stderr,
        async end() {
          child.kill('SIGTERM')
          return { code: await exited }
        },
      })
    })
  })
}

/** The processes that a process has started, without those that end meanwhile. */
export function childrenOf(pid: number): { pid: number; role: string }[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
  return pids.flatMap(child => {
    const role = roleOf(child)
    return role === undefined ? [] : [{ pid: child, role }]
  })
}

function roleOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).at(-1) ?? ''
  } catch {
    return undefined // It ended between both reads.
  }
}

import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ROOT } from '../house/tree.ts'

/** The built command line; `npm run build` makes it. */
export const COMMAND = path.join(ROOT, 'dist/cli/main.js')

/** The ready line of `sluice up --json` (INTERFACE.md, "Command line"). */
export interface Ready {
  event: 'ready'
  pid: number
  http: string
  https: string
  rtmp: string | null
  rtmps: string | null
  control: string
  origin: string
  admin: string
  distribution: { id: string; domain: string }
  data: string
  sample: string | null
}

/** What a command printed; `json` is the last line of stdout, read. */
export interface Outcome<T = unknown> {
  code: number
  json: T
  stdout: string
  stderr: string
}

export interface StartOptions {
  /** More arguments of `up`; `--no-sample` unless `sample` says otherwise. */
  args?: string[]
  env?: Record<string, string>
  /** A data folder that outlives this start; a fresh one, removed at the end, unless given. */
  data?: string
  sample?: 'published' | 'none'
  /** The network namespace that its processes run in. */
  inside?: string
}

/** The ready line of one role on a machine of its own. */
export interface RoleReady {
  event: 'ready'
  pid: number
  role: string
  id: string
  pop: string
  http?: string
  https?: string
  rtmp?: string
  rtmps?: string
  dns?: string
  url?: string
  admin: string
}

/** A real `sluice up`, or one role: its own processes, free ports, a data folder of its own. Close it in the end. */
export interface Sluice<R = Ready> {
  ready: R
  data: string
  /** Runs a command against it with `--json`. */
  cli<T = unknown>(...args: string[]): Promise<Outcome<T>>
  /** Everything that it wrote to stdout and stderr until now. */
  output(): string
  /** SIGTERM, and SIGKILL after 20 s; resolves with the exit code, null when it had to be killed. */
  close(): Promise<number | null>
}

const PORTS = ['http', 'https', 'rtmp', 'rtmps', 'control', 'origin', 'admin']
const READY_WITHIN_MS = 90_000
const END_WITHIN_MS = 20_000

/** A fresh folder under the system's temporary one. */
export function temporaryFolder(name = 'e2e'): string {
  return mkdtempSync(path.join(os.tmpdir(), `sluice-${name}-`))
}

/** The environment without what a person may have set for their own Sluice. */
export function cleanEnvironment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'))
  return { ...Object.fromEntries(own), ...more }
}

/** Starts `sluice up` and resolves when it says that everything answers; rejects with its last words otherwise. */
export async function startSluice(options: StartOptions = {}): Promise<Sluice> {
  const ports = PORTS.flatMap(name => [`--${name}`, '127.0.0.1:0'])
  const sample = options.sample === 'published' ? [] : ['--no-sample']
  return start<Ready>(['up', '--json', ...sample, ...ports], options)
}

/** The ready line of a control that runs alone. */
export interface ControlReady {
  event: 'ready'
  pid: number
  control: string
  reach: string | null
  admin: string
}

/** Starts control without nodes of its own, where machines that come to this address of ours find it. */
export async function startControl(
  address: string,
  options: StartOptions = {},
): Promise<Sluice<ControlReady>> {
  const ports = ['--control', `${address}:0`, '--admin', '127.0.0.1:0']
  return start<ControlReady>(['control', '--json', ...ports], options)
}

/** Starts one role that joins with this token. */
export async function startRole(
  role: 'edge' | 'gateway' | 'origin' | 'regional' | 'router',
  token: string,
  options: Omit<StartOptions, 'sample'> = {},
): Promise<Sluice<RoleReady>> {
  const names = {
    edge: ['http', 'https', 'admin'],
    gateway: ['rtmp', 'rtmps', 'admin'],
    origin: ['admin'],
    regional: ['admin'],
    router: ['dns', 'http', 'https', 'admin'],
  }[role]
  const ports = names.flatMap(name => [`--${name}`, '127.0.0.1:0'])
  return start<RoleReady>([role, '--json', ...ports], {
    ...options,
    env: { ...options.env, SLUICE_JOIN: token },
  })
}

async function start<R>(words: string[], options: StartOptions): Promise<Sluice<R>> {
  if (!existsSync(COMMAND)) throw new Error('There is no dist/: run "npm run build" first.')
  const data = options.data ?? path.join(temporaryFolder(), 'data')
  const args = [COMMAND, ...words, '--data', data, ...(options.args ?? [])]
  const [program, ...rest] = commandLine(options.inside, args)
  const child = spawn(program, rest, {
    cwd: ROOT,
    env: cleanEnvironment(options.env),
    stdio: 'pipe',
  })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  let written = ''
  const keep = (chunk: Buffer): void => {
    written = (written + chunk.toString()).slice(-1_000_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const close = async (): Promise<number | null> => {
    const code = await end(child, ended)
    if (options.data === undefined) rmSync(path.dirname(data), { recursive: true, force: true })
    return code
  }
  try {
    const ready = await readyLine<R>(child)
    return {
      ready,
      data,
      cli: (...args) => cli(args, { SLUICE_DATA: data }, options.inside),
      output: () => written,
      close,
    }
  } catch (error) {
    await close()
    throw new Error(`${(error as Error).message}\n${written.slice(-4000)}`) // readyLine rejects with errors only
  }
}

/** Node with these arguments; `ip netns exec` becomes it, so that its process is the one that is started. */
function commandLine(inside: string | undefined, args: string[]): [string, ...string[]] {
  if (inside === undefined) return [process.execPath, ...args]
  return ['ip', 'netns', 'exec', inside, process.execPath, ...args]
}

function readyLine<R>(child: ChildProcess): Promise<R> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('No ready line in 90 s.')), READY_WITHIN_MS)
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      act()
    }
    let lines = ''
    child.once('exit', code =>
      settle(() => reject(new Error(`sluice ended with ${code} before it was ready.`))),
    )
    child.stdout?.on('data', (chunk: Buffer) => {
      lines += chunk.toString()
      const line = lines
        .split('\n')
        .find((each, index, all) => index < all.length - 1 && each.includes('"ready"'))
      if (line !== undefined) settle(() => resolve(JSON.parse(line) as R)) // INTERFACE.md promises its shape
    })
  })
}

async function end(child: ChildProcess, ended: Promise<number | null>): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS)
  const code = await ended
  clearTimeout(timer)
  return code
}

/** Runs the command line with `--json`; it never rejects for an exit code. */
export function cli<T = unknown>(
  args: string[],
  env: Record<string, string> = {},
  inside?: string,
): Promise<Outcome<T>> {
  return new Promise(resolve => {
    const [program, ...rest] = commandLine(inside, [COMMAND, ...args, '--json'])
    const options = { cwd: ROOT, env: cleanEnvironment(env), maxBuffer: 1 << 26, timeout: 120_000 }
    const child = execFile(program, rest, options, (error, stdout, stderr) => {
      const code = child.exitCode ?? (error === null ? 0 : 1)
      resolve({ code, json: lastLine(stdout) as T, stdout, stderr }) // the caller says what the command prints
    })
  })
}

function lastLine(stdout: string): unknown {
  try {
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  } catch {
    return undefined
  }
}

/** Runs ffmpeg to its end, quiet but for errors; rejects with what it said. */
export async function ffmpeg(...args: string[]): Promise<void> {
  await program('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args])
}

/** A moving picture with sound as an MP4 that is published in place: keyframes every 2 s, B-frames, AAC. */
export async function makeFilm(file: string, seconds = 12): Promise<void> {
  await ffmpeg(
    ...[
      '-f',
      'lavfi',
      '-i',
      `testsrc2=s=320x180:r=25:d=${seconds}`,
      '-f',
      'lavfi',
      '-i',
      `sine=440:d=${seconds}`,
    ],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-bf',
      '2',
      '-g',
      '50',
      '-pix_fmt',
      'yuv420p',
      '-c:a',
      'aac',
    ],
    ...['-shortest', '-movflags', '+faststart', file],
  )
}

/** The hash of every frame of the first video track that `input` (arguments up to `-i X`) holds, and what ffmpeg warned of. */
export async function framehashes(...input: string[]): Promise<{ hashes: string[]; warnings: string }> {
  const args = ['-hide_banner', '-nostdin', '-v', 'warning', ...input, '-map', '0:v:0', '-f', 'framemd5', '-']
  const { stdout, stderr } = await program('ffmpeg', args)
  const lines = stdout.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return { hashes: lines.map(line => line.split(',').at(-1)?.trim() ?? ''), warnings: stderr }
}

function program(name: string, args: string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(name, args, { maxBuffer: 1 << 28, timeout: 120_000 }, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr })
      else reject(new Error(`${name} ended with ${error.code}: ${stderr.slice(-2000)}`))
    })
  })
}

/** Asks until `check` gives something; at the deadline it throws the sentence, made then when it is a function. */
export async function until<T>(
  sentence: string | (() => string),
  check: () => Promise<T | undefined>,
  withinMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await check()
    if (found !== undefined) return found
    if (performance.now() > deadline) {
      const what = typeof sentence === 'string' ? sentence : sentence()
      throw new Error(`Waited ${withinMs / 1000} s in vain: ${what}`)
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

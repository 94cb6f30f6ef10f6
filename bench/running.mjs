// What the benches share: a real `sluice up` on free ports in a fresh folder, the machine's description, medians.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
export const COMMAND = path.join(ROOT, 'dist/cli/main.js')
export const FREE_PORTS = ['http', 'https', 'rtmp', 'rtmps', 'control', 'origin', 'admin'].flatMap(name => [
  `--${name}`,
  '127.0.0.1:0',
])

export function temporaryFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a command that prints the ready line; resolves with it, the process and the milliseconds that it took. */
export function startReady(program, args, options = {}) {
  const started = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], ...options })
  process.on('exit', () => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    let text = ''
    child.once('exit', code => reject(new Error(`${program} ended with ${code} before it was ready`)))
    child.stdout.on('data', data => {
      text += data
      const line = text.split('\n').find(each => each.includes('"ready"') && each.endsWith('}'))
      if (line) resolve({ child, ready: JSON.parse(line), ms: performance.now() - started })
    })
  })
}

export async function up(data, ...args) {
  return startReady(process.execPath, [COMMAND, 'up', '--json', ...FREE_PORTS, '--data', data, ...args])
}

/** Ends it politely and waits. */
export async function down({ child }) {
  child.removeAllListeners('exit')
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

export function cli(data, ...args) {
  const result = spawnSync(process.execPath, [COMMAND, ...args, '--json'], {
    encoding: 'utf8',
    env: { ...process.env, SLUICE_DATA: data },
  })
  if (result.status !== 0) throw new Error(result.stderr)
  return JSON.parse(result.stdout.trimEnd().split('\n').at(-1))
}

export function ffmpeg(...args) {
  const result = spawnSync('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args], {
    encoding: 'utf8',
  })
  if (result.status !== 0) throw new Error(result.stderr)
}

/** A conforming film: 1280x720, 25 fps, about 2 Mbit/s, keyframes every 2 s, AAC. */
export function makeFilm(file, seconds) {
  const picture = `testsrc2=s=1280x720:r=25:d=${seconds}`
  ffmpeg(
    ...['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', `sine=440:d=${seconds}`],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-b:v',
      '2M',
      '-maxrate',
      '2M',
      '-bufsize',
      '4M',
      '-g',
      '50',
    ],
    ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-movflags', '+faststart', file],
  )
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

export const median = values => quantile(values, 0.5)

/** One line of a result: name, figure, unit; the runner collects them. */
export function report(name, figure, unit) {
  console.log(`${name}\t${typeof figure === 'number' ? Number(figure.toPrecision(3)) : figure}\t${unit}`)
}

export function machine() {
  const cpu = os.cpus()[0]?.model ?? 'unknown'
  const release = readFileSync('/etc/os-release', 'utf8').match(/PRETTY_NAME="(.*)"/)?.[1] ?? os.platform()
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GiB`
  return `${os.cpus().length} cores of ${cpu}, ${memory}, ${release}, Node ${process.versions.node}; shared with others`
}

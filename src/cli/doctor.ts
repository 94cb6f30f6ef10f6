import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  fixPorts,
  formatListen,
  lockPath,
  lockState,
  portWishes,
  resolveConfiguration,
} from '../app/index.ts'
import { formatBytes, GiB, messageOf, type Milliseconds } from '../core/index.ts'
import { SERVER_OPTIONS, text, type CommandSpec, type Context } from './command.ts'
import { good, problem, tellFindings, warning, type Finding } from './finding.ts'
import { answersRtmp } from './rtmp-check.ts'
import { connect, dataFolder, dataPath, type Server } from './server.ts'

export const doctorCommand: CommandSpec = {
  words: 'doctor',
  summary: 'look for what is wrong on this machine, and say how to mend it',
  options: SERVER_OPTIONS,
  run: async context => tellFindings(context.output, await examine(context)),
}

async function examine(context: Context): Promise<Finding[]> {
  const running = await isRunning(context)
  const server = serverOf(context)
  return [
    node(),
    dataRights(context),
    disk(context),
    ...(running ? [good('ports', 'in use by the running Sluice')] : await ports(context)),
    ...(await ffmpeg()),
    ...(server
      ? await reach(server)
      : [
          warning(
            'control',
            'no server is known here',
            'Start one with "sluice up", or set SLUICE_CONTROL and SLUICE_TOKEN.',
          ),
        ]),
  ]
}

function node(): Finding {
  const [major = 0] = process.versions.node.split('.').map(Number)
  const found = `Node ${process.versions.node}`
  return major >= 22
    ? good('node', found)
    : warning('node', found, 'It works; Node 24 still gets security fixes, so use that where viewers are.')
}

function dataRights(context: Context): Finding {
  const path = dataPath(context)
  const existing = nearestFolder(path)
  try {
    accessSync(existing, constants.R_OK | constants.W_OK | constants.X_OK)
    return good('data folder', existing === path ? `${path} is writable` : `${path} can be made`)
  } catch {
    return problem(
      'data folder',
      `${existing} is not writable by this user`,
      'Mend its rights, or choose another folder with --data.',
    )
  }
}

/** Uploads are refused below 2 GiB (SEAMS 35). */
function disk(context: Context): Finding {
  const { bavail, bsize } = statfsSync(nearestFolder(dataPath(context)))
  const free = bavail * bsize
  const found = `${formatBytes(free)} free`
  if (free < 2 * GiB) return problem('disk', found, 'Make room: uploads are refused below 2 GiB.')
  return free < 10 * GiB
    ? warning('disk', found, 'Make room before you publish long films.')
    : good('disk', found)
}

async function ports(context: Context): Promise<Finding[]> {
  const { configuration } = resolveConfiguration({
    env: context.terminal.env,
    cwd: context.terminal.cwd,
    ...fileOf(context),
  })
  const wishes = Object.entries(portWishes(configuration))
  return Promise.all(
    wishes.map(async ([name, wish]) => {
      try {
        await fixPorts({ [name]: wish })
        return good(`port ${name}`, `${formatListen(wish.listen)} is free`)
      } catch (error) {
        return problem(`port ${name}`, `${formatListen(wish.listen)} cannot be used`, messageOf(error))
      }
    }),
  )
}

const GET_FFMPEG =
  'Install it with "sudo apt-get install ffmpeg" (Debian, Ubuntu) or "brew install ffmpeg" (macOS).'

/** Conforming MP4s and live pass-through need no ffmpeg; everything else does. */
async function ffmpeg(): Promise<Finding[]> {
  const version = await output('ffmpeg', ['-hide_banner', '-version'])
  if (version === undefined) {
    return [warning('ffmpeg', 'not found; films that are not H.264/AAC MP4 cannot be published', GET_FFMPEG)]
  }
  const encoders = (await output('ffmpeg', ['-hide_banner', '-encoders'])) ?? ''
  const missing = ['libx264', 'aac'].filter(name => !new RegExp(`^ [VAS]\\S* ${name} `, 'm').test(encoders))
  const found = version.split('\n')[0]?.replace(/ Copyright.*/, '') ?? 'found'
  if (missing.length === 0) return [good('ffmpeg', `${found}, with libx264 and aac`)]
  return [
    problem(
      'ffmpeg',
      `${found}, without ${missing.join(' and ')}`,
      `Replace it by a build that has them. ${GET_FFMPEG}`,
    ),
  ]
}

async function reach(server: Server): Promise<Finding[]> {
  const findings: Finding[] = []
  try {
    const nodes = await server.client.nodes()
    findings.push(good('control', `answers at ${server.url}`))
    const away = nodes.filter(each => each.state === 'away')
    const newest = Math.max(0, ...nodes.map(each => each.version ?? 0))
    const behind = nodes.filter(each => each.state === 'live' && each.version !== newest)
    if (away.length > 0)
      findings.push(
        problem(
          'nodes',
          `away: ${away.map(each => each.id).join(', ')}`,
          'Look at their logs, or whether they reach control.',
        ),
      )
    if (behind.length > 0)
      findings.push(
        warning(
          'nodes',
          `behind: ${behind.map(each => each.id).join(', ')}`,
          'Look again in a few seconds; then look at their logs.',
        ),
      )
    if (away.length + behind.length === 0)
      findings.push(good('nodes', `${nodes.length}, all have version ${newest}`))
  } catch (error) {
    findings.push(
      problem('control', messageOf(error), 'Start Sluice with "sluice up", or mend the address or token.'),
    )
    return findings
  }
  return [...findings, await clock(server), ...(await ingest(server))]
}

/** Only where the client file says that this server takes RTMP, and at which address. */
async function ingest({ rtmp }: Server): Promise<Finding[]> {
  if (rtmp === undefined) return []
  const { hostname, port } = new URL(rtmp)
  switch (await answersRtmp(hostname.replace(/^\[|\]$/g, ''), Number(port || 1935))) {
    case 'answers':
      return [good('rtmp', `answers at ${rtmp}`)]
    case 'stranger':
      return [problem('rtmp', `something else answers at ${rtmp}`, 'Choose another port with --rtmp.')]
    case 'silent':
      return [
        problem(
          'rtmp',
          `nothing answers at ${rtmp}`,
          'Look at the log of the gateway, then start Sluice again.',
        ),
      ]
  }
}

/** Node tokens and policies allow 30 s at most. */
const CLOCK_LIMIT: Milliseconds = 30_000

async function clock(server: Server): Promise<Finding> {
  const before = Date.now()
  const response = await fetch(server.url, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
  const told = Date.parse(response?.headers.get('date') ?? '')
  await response?.body?.cancel()
  if (Number.isNaN(told))
    return warning('clock', 'control does not tell its time', 'Compare the clocks of your machines by hand.')
  // A Date header counts whole seconds.
  const apart = Math.max(0, Math.abs(told + 500 - (before + Date.now()) / 2) - 500)
  const found = `${Math.round(apart / 1000)} s apart from control's`
  return apart > CLOCK_LIMIT
    ? problem('clock', found, 'Set the clock, best by a time service such as chrony or systemd-timesyncd.')
    : good('clock', found)
}

async function isRunning(context: Context): Promise<boolean> {
  const data = dataFolder(context)
  return data !== undefined && (await lockState(lockPath(data.root))).kind === 'held'
}

function serverOf(context: Context): Server | undefined {
  try {
    return connect(context)
  } catch {
    return undefined
  }
}

function fileOf(context: Context): { file?: string } {
  const file = text(context.options, 'config')
  return file === undefined ? {} : { file }
}

function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path))
}

function output(command: string, args: string[]): Promise<string | undefined> {
  return new Promise(resolve => {
    execFile(command, args, { timeout: 10_000, maxBuffer: 1 << 20 }, (error, stdout) =>
      resolve(error ? undefined : stdout),
    )
  })
}

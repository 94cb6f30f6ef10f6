// Runs before anything is installed, so it is plain JavaScript and imports Node's own modules only.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const packageFolder = fileURLToPath(new URL('..', import.meta.url))

const LOWEST_NODE = [20, 19]
const modules = join(packageFolder, 'node_modules')
const lockFile = join(packageFolder, 'package-lock.json')
const stampFile = join(modules, '.sluice-installed')

/** Thrown with the one sentence that a person reads; the scripts print it and end with 1. */
export class Refusal extends Error {}

/** Checks the machine and installs the packages that the lockfile names, when they are not there yet. */
export function prepare() {
  checkMachine()
  installPackages()
}

/** What is wrong with a Node version or platform, as one sentence; undefined when nothing is. */
export function machineRefusal(nodeVersion, platform) {
  if (platform === 'win32') {
    return 'Sluice does not run on Windows itself: use WSL2 or the Docker image, where it does.'
  }
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  if (major < LOWEST_NODE[0] || (major === LOWEST_NODE[0] && minor < LOWEST_NODE[1])) {
    return `Sluice needs Node ${LOWEST_NODE.join('.')} or newer and this is ${nodeVersion}: install Node 24 from https://nodejs.org or your package manager.`
  }
  return undefined
}

function checkMachine() {
  const refusal = machineRefusal(process.versions.node, process.platform)
  if (refusal !== undefined) throw new Refusal(refusal)
}

function installPackages() {
  const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return
  if (!installedByHand()) {
    say('installing packages (npm ci)')
    runNpm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  }
  writeFileSync(stampFile, wanted)
}

/** Whether somebody's own `npm ci` has installed exactly what the lockfile names; then it is not done twice. */
function installedByHand() {
  const hidden = join(modules, '.package-lock.json')
  if (!existsSync(hidden)) return false
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages
  return Object.entries(wanted).every(
    ([folder, entry]) =>
      folder === '' || entry.optional === true || present[folder]?.version === entry.version,
  )
}

function runNpm(args) {
  // npm names itself to the scripts that it runs; otherwise the one on the PATH serves.
  const own = process.env.npm_execpath
  const viaNode = own !== undefined && own.endsWith('.js') && existsSync(own)
  const [command, before] = viaNode ? [process.execPath, [own]] : ['npm', []]
  // What npm says goes to stderr: with --json, stdout has the ready line only.
  const result = spawnSync(command, [...before, ...args], { cwd: packageFolder, stdio: ['ignore', 2, 2] })
  if (result.error?.code === 'ENOENT') throw new Refusal('npm was not found: install it together with Node.')
  if (result.status !== 0) {
    throw new Refusal(`"npm ${args[0]}" did not succeed: mend what it says above and start again.`)
  }
}

/** One line for the person who waits, on stderr. */
export function say(line) {
  process.stderr.write(`sluice: ${line}\n`)
}

/** Runs a script's work; a refusal ends the process with its sentence and 1. */
export async function orRefuse(work) {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

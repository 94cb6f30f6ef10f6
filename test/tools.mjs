// Finds the programs that the tests need and installs them where that is allowed. Plain JavaScript without packages,
// since it runs on a fresh clone before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** Chrome, Chromium and Edge by the names under which Linux distributions install them. */
const BROWSER_NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
  'microsoft-edge-stable',
]

/** Where macOS keeps them. */
const BROWSER_APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
]

/** The file that the shell would run for `name`, or undefined. */
export function which(name, search = process.env.PATH ?? '') {
  return search
    .split(path.delimiter)
    .filter(folder => folder !== '')
    .map(folder => path.join(folder, name))
    .find(file => existsSync(file))
}

/** Where Debian keeps PostgreSQL's programs, which are not in PATH; the newest version first. */
export function postgresFolders(root = '/usr/lib/postgresql') {
  if (!existsSync(root)) return []
  const versions = readdirSync(root).sort((one, other) => Number(other) - Number(one))
  return versions.map(version => path.join(root, version, 'bin'))
}

/** PATH, and where programs of suites may lie besides. */
function suiteSearch() {
  return [process.env.PATH ?? '', ...postgresFolders()].join(path.delimiter)
}

/** True when the program starts at all: Ubuntu ships a `chromium-browser` that only asks for a snap. */
function starts(file, argument) {
  return spawnSync(file, [argument], { stdio: 'ignore', timeout: 30_000 }).status === 0
}

/** The browser that the tests drive: `CHROME_PATH`, else any Chrome, Chromium or Edge of this machine. */
export function findBrowser() {
  if (process.env.CHROME_PATH)
    return starts(process.env.CHROME_PATH, '--version') ? process.env.CHROME_PATH : undefined
  const found = [
    ...BROWSER_NAMES.map(name => which(name)),
    ...BROWSER_APPLICATIONS.filter(file => existsSync(file)),
  ]
  return found.find(file => file !== undefined && starts(file, '--version'))
}

/** True when both ffmpeg and ffprobe start. */
export function hasFfmpeg() {
  return ['ffmpeg', 'ffprobe'].every(name => which(name) !== undefined && starts(name, '-version'))
}

/** `ID` and `ID_LIKE` of os-release name Debian on Debian, Ubuntu and what is made from them. */
function isDebian() {
  if (!existsSync('/etc/os-release')) return false
  return /^ID(?:_LIKE)?=.*(?:debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** How this process may call apt-get: as root, by a sudo that asks nothing, or not at all (undefined). */
function aptGet() {
  if (!isDebian() || which('apt-get') === undefined) return undefined
  if (process.getuid?.() === 0) return ['apt-get']
  if (which('sudo') === undefined) return undefined
  const silent = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
  return silent ? ['sudo', '-n', 'apt-get'] : undefined
}

/** Installs Debian packages; false where that is not allowed or does not work. */
export function installPackages(names) {
  const command = aptGet()
  if (command === undefined) return false
  const run = (...args) => {
    const [program, ...rest] = [...command, ...args]
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    return spawnSync(program, rest, { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0
  }
  run('update', '-q')
  return run('install', '-y', '-q', '--no-install-recommends', ...names)
}

/**
 * The first program that a suite needs and this machine lacks. A suite names each in a line of its own,
 * `// needs: PROGRAM [DEBIAN-PACKAGE]`; without a package, the program is the package.
 */
export function missingProgram(suite, search = suiteSearch()) {
  const needs = [...suite.matchAll(/^\/\/ needs: (\S+)(?: \[(\S+)\])?$/gm)]
  return needs
    .map(([, program, debian = program]) => ({ program, debian }))
    .find(({ program }) => which(program, search) === undefined)
}

// `npm test`, `npm run check` and `npm run test:full`, from a fresh clone on: packages, programs, build, checks, tests.
// Plain JavaScript without packages, since it installs them. Exit code 0: all is well; 1: something is wrong with the
// tree; 2: this machine lacks something that is named.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from '../src/build.mjs'
import { orRefuse, prepare } from '../src/prepare.mjs'
import { findBrowser, hasFfmpeg, installPackages, missingProgram } from './tools.mjs'

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const HOUSE_TESTS = ['test/floors.test.ts', 'test/house']

const [first, ...rest] = process.argv.slice(2)
const mode = first === 'check' || first === 'full' ? first : 'test'
/** What follows goes to vitest: `npm test -- test/signing`. */
const filters = mode === 'test' && first !== undefined ? [first, ...rest] : rest

/** Ends with a sentence about this machine. */
function lack(sentence) {
  console.error(`\n${sentence}`)
  process.exit(2)
}

/** Runs a program to its end. With `quiet` its output is kept and returned, so that two can run at once. */
function run(program, args, { quiet = false, env = process.env } = {}) {
  return new Promise(resolve => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    })
    let output = ''
    child.stdout?.on('data', data => (output += data))
    child.stderr?.on('data', data => (output += data))
    child.on('error', error => resolve({ code: 1, output: `${output}${error.message}\n` }))
    child.on('close', code => resolve({ code: code ?? 1, output }))
  })
}

/** Runs one stage, prints its name, seconds and (when it fails, or says something) its output; false when it failed. */
async function stage(name, work) {
  const started = performance.now()
  const { code, output = '' } = await work()
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6)
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${seconds} s  ${name}`)
  if (code !== 0 && output !== '') console.log(output.trimEnd())
  return code === 0
}

/** A tool of node_modules, run by this same Node. */
function tool(file, ...args) {
  const { FORCE_COLOR: _, ...env } = { ...process.env, NO_COLOR: '1' }
  return () => run(process.execPath, [path.join('node_modules', file), ...args], { quiet: true, env })
}

const checks = {
  format: tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'),
  lint: tool('eslint/bin/eslint.js', '.'),
  'types of src': tool('typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit'),
  'types of test': tool('typescript/bin/tsc', '-p', 'test/tsconfig.json'),
  floors: tool('vitest/vitest.mjs', 'run', ...HOUSE_TESTS, '--reporter=dot'),
}

/** All checks, two at a time; every failure is shown, not only the first. The build has checked the types of src. */
async function check({ built = false } = {}) {
  const waiting = Object.entries(checks).filter(([name]) => !built || name !== 'types of src')
  let well = true
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (!(await stage(...next))) well = false
    }
  }
  await Promise.all([worker(), worker()])
  return well
}

/** ffmpeg and a browser, installed where that is allowed. */
function programs() {
  if (!hasFfmpeg()) installPackages(['ffmpeg'])
  if (findBrowser() === undefined && !process.env.CHROME_PATH) installPackages(['chromium'])
  if (!hasFfmpeg()) {
    lack(
      'The tests need ffmpeg and ffprobe: install them (apt-get install ffmpeg, brew install ffmpeg) and run again.',
    )
  }
  const browser = findBrowser()
  if (browser === undefined) {
    lack(
      process.env.CHROME_PATH
        ? `CHROME_PATH=${process.env.CHROME_PATH} does not start: let it name a Chrome, Chromium or Edge, or unset it.`
        : 'The tests need a browser: install Chrome, Chromium or Edge (apt-get install chromium), or name one in CHROME_PATH.',
    )
  }
  process.env.CHROME_PATH = browser
  return { code: 0 }
}

/** The long suites that cannot run here: what each lacks is printed, never passed over in silence. */
function suitesToSkip() {
  const folder = path.join(ROOT, 'test/full')
  if (!existsSync(folder)) return []
  const suites = readdirSync(folder, { recursive: true }).filter(name => name.endsWith('.test.ts'))
  return suites.filter(name => {
    const missing = missingProgram(readFileSync(path.join(folder, name), 'utf8'))
    if (missing === undefined) return false
    console.log(
      `skipped          test/full/${name}: ${missing.program} is not installed (apt-get install ${missing.debian})`,
    )
    return true
  })
}

async function tests() {
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...filters]
  const env = { ...process.env }
  // The checks have run those of the house just now.
  const done =
    filters.length === 0 ? HOUSE_TESTS.map(each => (each.endsWith('.ts') ? each : `${each}/**`)) : []
  const lacking = mode === 'full' ? suitesToSkip().map(name => `test/full/${name}`) : []
  if (mode === 'full') env.SLUICE_TEST_FULL = '1'
  env.SLUICE_TEST_LEAVE_OUT = [...done, ...lacking].join(',')
  console.log('\ntests')
  return (await run(process.execPath, args, { env })).code
}

/** A step of our own scripts, which say what they do and end this process with a sentence when they cannot. */
const step = work => async () => {
  await orRefuse(work)
  return { code: 0 }
}

await stage('packages', step(prepare))
if (mode === 'check') process.exit((await check()) ? 0 : 1)
await stage('programs', programs)
await stage('build', step(build))
if (!(await check({ built: true }))) process.exit(1)
process.exit(await tests())

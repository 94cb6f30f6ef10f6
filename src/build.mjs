// Builds src/ into dist/. Plain JavaScript: it runs before there is anything built.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { orRefuse, packageFolder, prepare, Refusal, say } from './prepare.mjs'

const source = join(packageFolder, 'src')
const output = join(packageFolder, 'dist')
const stampFile = join(output, '.built')
const command = join('cli', 'main.js')
const pglite = join(packageFolder, 'node_modules', '@electric-sql', 'pglite')

/**
 * Builds when the sources have changed since the last build, or always with `force`; links the command either way.
 * With `types: 'trusted'` they are stripped unread, in a third of the time: who only starts what was committed need
 * not wait for a proof that the tests have given already.
 */
export function build({ force = false, types = 'checked' } = {}) {
  const state = stateOfSources()
  const stamp = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : ''
  const built = stamp === `${state} checked` || stamp === `${state} ${types}`
  if (!built || force) compile(`${state} ${types}`, types)
  linkCommand()
}

/**
 * Compiles into a folder of this process and swaps it in whole, so that neither a compile error nor a second build at
 * the same time leaves half a dist/.
 */
function compile(stamp, types) {
  say('building')
  const aside = join(packageFolder, `dist.${process.pid}`)
  const replaced = `${aside}.old`
  try {
    const tsc = join(packageFolder, 'node_modules', 'typescript', 'bin', 'tsc')
    const args = [tsc, '-p', join(packageFolder, 'tsconfig.json'), '--outDir', aside]
    if (types === 'trusted') args.push('--noCheck', '--declaration', 'false')
    const result = spawnSync(process.execPath, args, { cwd: packageFolder, stdio: ['ignore', 2, 2] })
    if (result.status !== 0)
      throw new Refusal('The sources do not compile: mend what is said above and build again.')
    for (const file of files(source).filter(isAsset)) {
      const target = join(aside, relative(source, file))
      mkdirSync(dirname(target), { recursive: true })
      cpSync(file, target)
    }
    packDatabase(aside)
    makeModel(aside)
    chmodSync(join(aside, command), 0o755)
    writeFileSync(join(aside, '.built'), stamp)
    swapIn(aside, replaced)
  } finally {
    rmSync(aside, { recursive: true, force: true })
    rmSync(replaced, { recursive: true, force: true })
  }
}

/**
 * An empty database for first starts, which would otherwise make one: four seconds of a core and 900 MB. Kept from the
 * last build while PGlite is the same; without it a first start makes its own.
 */
function packDatabase(aside) {
  const { version } = JSON.parse(readFileSync(join(pglite, 'package.json'), 'utf8'))
  const place = join('control', 'database', `empty-database-${version}.gz`)
  if (existsSync(join(output, place))) return cpSync(join(output, place), join(aside, place))
  const packer = join(source, 'control', 'database', 'pack-empty-database.mjs')
  const result = spawnSync(process.execPath, [packer, join(aside, place)], { stdio: ['ignore', 2, 2] })
  if (result.status !== 0) say('no empty database could be made: the first start will take longer')
}

/** The shapes of CloudFront's API, out of a package that is not there at run time. */
function makeModel(aside) {
  const maker = join(source, 'control', 'cloudfront', 'make-model.mjs')
  const target = join(aside, 'control', 'cloudfront', 'model.json')
  const result = spawnSync(process.execPath, [maker, target], { stdio: ['ignore', 2, 2] })
  if (result.status !== 0)
    throw new Refusal(
      'The model of the CloudFront API could not be made: delete node_modules and build again.',
    )
}

function swapIn(aside, replaced) {
  for (;;) {
    try {
      renameSync(output, replaced)
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
    try {
      return renameSync(aside, output)
    } catch (error) {
      // Another build has swapped its own in between; it is as good, and this one takes its place.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
      rmSync(replaced, { recursive: true, force: true })
    }
  }
}

/** What the compiler leaves behind: migrations, pages, … but not the scripts that run from src/. */
function isAsset(file) {
  return !file.endsWith('.ts') && !file.endsWith('.mjs')
}

/** A digest of everything that a build depends on; contents, since a checkout gives all files new times. */
function stateOfSources() {
  const hash = createHash('sha256')
  for (const file of [
    ...files(source),
    join(packageFolder, 'tsconfig.json'),
    join(packageFolder, 'package-lock.json'),
  ]) {
    hash.update(relative(packageFolder, file)).update('\0').update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}

function files(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(entry => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]))
}

/**
 * npm links the commands of dependencies, not a package's own. With this link `npx --no sluice` finds the command at
 * once and without asking the registry, where the bare name is not ours.
 */
function linkCommand() {
  const link = join(packageFolder, 'node_modules', '.bin', 'sluice')
  const target = relative(dirname(link), join(output, command))
  mkdirSync(dirname(link), { recursive: true })
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target) return
  rmSync(link, { force: true })
  symlinkSync(target, link)
}

// Compared as real paths: a checkout may lie behind a symbolic link.
if (
  process.argv[1] !== undefined &&
  realpathSync(process.argv[1]) === realpathSync(fileURLToPath(import.meta.url))
) {
  await orRefuse(() => {
    prepare()
    build({ force: process.argv.includes('--force') })
  })
}

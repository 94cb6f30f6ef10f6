import { takesIn } from './engines.ts'
import { textOf, type Tree } from './tree.ts'

interface Manifest {
  version: string
  engines: { node: string }
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  overrides?: Overrides
}

/** By package; within one, for what it brings alone. */
interface Overrides {
  [name: string]: string | Overrides
}

interface Lock {
  packages: Record<
    string,
    { version?: string; hasInstallScript?: boolean; engines?: { node?: string }; os?: string[] }
  >
}

const EXACT = /^(?:npm:[\w@/.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/

/** The Node versions that the packages must allow: our floor, and the newest two with long support. */
export const NODES = ['20.19.0', '22.13.0', '24.0.0'] as const

/** name → why it may be there. */
export type Allowed = Readonly<Record<string, string>>

/** Packages whose install script does nothing that we need: with `--ignore-scripts` they work. */
export const HARMLESS_INSTALL_SCRIPTS: Allowed = {}

/** Packages that declare a newer Node than our floor and run on it all the same. */
export const HARMLESS_ENGINES: Allowed = {}

function manifestOf(tree: Tree): Manifest {
  return JSON.parse(textOf(tree, 'package.json')) as Manifest // the shape that npm gives it
}

function lockOf(tree: Tree): [name: string, entry: Lock['packages'][string]][] {
  const lock = JSON.parse(textOf(tree, 'package-lock.json')) as Lock // the shape that npm gives it
  return Object.entries(lock.packages)
    .filter(([at]) => at !== '')
    .map(([at, entry]) => [at.split('node_modules/').at(-1) ?? at, entry])
}

/** Versions that are ranges: two installations of one commit must be the same. */
export function looseVersions(tree: Tree): string[] {
  const { dependencies, devDependencies, overrides } = manifestOf(tree)
  return [...Object.entries({ ...dependencies, ...devDependencies }), ...flat(overrides ?? {})]
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `package.json: ${name} ${version} is no exact version`)
}

function flat(overrides: Overrides): [name: string, version: string][] {
  return Object.entries(overrides).flatMap(([name, each]) =>
    typeof each === 'string' ? [[name, each]] : flat(each),
  )
}

/** Packages that run a script at installation, and allowances that nothing needs any more. */
export function installScripts(tree: Tree, allowed: Allowed = HARMLESS_INSTALL_SCRIPTS): string[] {
  const found = new Set(
    lockOf(tree).flatMap(([name, entry]) => (entry.hasInstallScript === true ? [name] : [])),
  )
  return [
    ...[...found]
      .filter(name => !(name in allowed))
      .map(name => `package-lock.json: ${name} has an install script`),
    ...Object.keys(allowed)
      .filter(name => !found.has(name))
      .map(name => `${name} has no install script (any more): take it off the list`),
  ]
}

/** Packages that refuse one of our Node versions, and allowances that nothing needs any more. */
export function engineMisfits(tree: Tree, allowed: Allowed = HARMLESS_ENGINES): string[] {
  const misfits = new Map<string, string>()
  for (const [name, entry] of lockOf(tree)) {
    const range = entry.engines?.node
    const refused = range === undefined ? undefined : NODES.find(node => !takesIn(range, node))
    if (refused !== undefined)
      misfits.set(name, `package-lock.json: ${name} wants node ${range}, not ${refused}`)
  }
  return [
    ...[...misfits].filter(([name]) => !(name in allowed)).map(([, sentence]) => sentence),
    ...Object.keys(allowed)
      .filter(name => !misfits.has(name))
      .map(name => `${name} fits (by now): take it off the list`),
  ]
}

/** The version of package.json has its place in the changelog. */
export function changelogGaps(tree: Tree): string[] {
  const { version } = manifestOf(tree)
  const heads = textOf(tree, 'CHANGELOG.md').matchAll(/^## \[?([^\]\s]+)\]?/gm)
  return [...heads].some(([, head]) => head === version) ? [] : [`CHANGELOG.md: nothing on ${version}`]
}

import { readFileSync } from 'node:fs'
import { reader, Type } from '../core/index.ts'

/** Field names of what nodes and control say beside each question and answer; lower case. */
export const VERSION_FIELD = 'sluice-version'
/** When it was sent, by the clock of who sends it; epoch milliseconds. */
export const CLOCK_FIELD = 'sluice-clock'

/** Of the last version that said none. */
const UNSAID = '0.4.0'

const readPackage = reader(Type.Object({ version: Type.String() }), 'package.json')

let known: string | undefined

/** The version of the Sluice that this process is. */
export function softwareVersion(): string {
  // Beside `src` as beside `dist`.
  const file = new URL('../../package.json', import.meta.url)
  return (known ??= readPackage(JSON.parse(readFileSync(file, 'utf8'))).version)
}

/**
 * Why a node and control do not work together: they do one minor version apart, in either direction. Undefined when they
 * do. A version that is not said is one that said none yet.
 */
export function tooFarApart(node: string | undefined, control: string): string | undefined {
  const [nodes, controls] = [minorOf(node ?? UNSAID), minorOf(control)]
  if (nodes.major === controls.major && Math.abs(nodes.minor - controls.minor) <= 1) return undefined
  return (
    `this node is Sluice ${shown(node)} and control is ${control}, and they work together one minor version apart: ` +
    (isOlder(node, control) ? 'upgrade the node' : 'upgrade control first')
  )
}

/** Whether a node that works with control is of an older minor version than that, and so knows fewer words. */
export function isOlder(node: string | undefined, control: string): boolean {
  const [nodes, controls] = [minorOf(node ?? UNSAID), minorOf(control)]
  return nodes.major < controls.major || (nodes.major === controls.major && nodes.minor < controls.minor)
}

/** What cannot be read is of no version that we could know. */
function minorOf(version: string): { major: number; minor: number } {
  const [, major, minor] = /^(\d{1,6})\.(\d{1,6})\./.exec(version) ?? []
  return { major: Number(major ?? -1), minor: Number(minor ?? -1) }
}

function shown(version: string | undefined): string {
  return version === undefined ? `${UNSAID} or older` : version.replace(/[^\w.+-]/g, '?').slice(0, 40)
}

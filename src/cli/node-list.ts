import type { NodeInfo } from '../client/index.ts'
import { isOff, spokenOffset } from '../membership/index.ts'
import { table } from './output.ts'

const HEADING = ['NODE', 'ROLE', 'POP', 'STATE', 'HAS', 'INVALIDATION', 'TRAFFIC', 'HITS', 'NOTES']
/** Clocks that agree so far are not mentioned. */
const MENTIONED = 1_000

/** The nodes as people read them; scripts get all that there is. */
export function nodeTable(nodes: readonly NodeInfo[]): string {
  return table(HEADING, nodes.map(rowOf))
}

/** What somebody has to mend, each a sentence. */
export function nodeWarnings(nodes: readonly NodeInfo[]): string[] {
  return nodes.flatMap(({ id, clockOffset }) =>
    clockOffset === null || !isOff(clockOffset)
      ? []
      : [`the clock of ${id} is ${spokenOffset(clockOffset)} control's: let NTP set both`],
  )
}

function rowOf(node: NodeInfo): string[] {
  const { id, role, pop, version, sequence, traffic, hitRatio } = node
  return [
    id,
    role,
    pop ?? '',
    stateOf(node),
    version === null ? '' : `v${version}`,
    sequence === null ? '' : String(sequence),
    traffic === null ? '' : `${spokenRate(traffic.bytesPerSecond)}, ${traffic.requestsPerSecond}/s`,
    hitRatio === null ? '' : `${Math.round(hitRatio * 100)}%`,
    notesOf(node).join('; '),
  ]
}

function stateOf({ state, draining, busy }: NodeInfo): string {
  if (state === 'away') return draining ? 'away, draining' : 'away'
  if (state !== 'draining') return state
  // A node that said nothing yet may be at work.
  if (busy === null) return 'draining'
  return busy === 0 ? 'drained' : `draining, busy: ${busy}`
}

function notesOf({
  state,
  clockOffset,
  software,
  controlSoftware,
  controlAwaySince,
  lastSeen,
  viewers,
}: NodeInfo): string[] {
  const notes: string[] = []
  if (clockOffset !== null && isOff(clockOffset)) notes.push(`clock off by ${seconds(clockOffset)} s`)
  else if (clockOffset !== null && Math.abs(clockOffset) > MENTIONED)
    notes.push(`clock ${spokenOffset(clockOffset)} control's`)
  if (software !== null && software !== controlSoftware) notes.push(`Sluice ${software}`)
  if (controlAwaySince !== null) notes.push(`without control since ${controlAwaySince}`)
  if (state === 'away') notes.push(lastSeen === null ? 'not seen yet' : `last seen ${lastSeen}`)
  if (viewers !== null) notes.push(placeOf(viewers))
  return notes
}

/** `viewers at 203.0.113.7, 48.85 2.35, class 100`. */
function placeOf({ addresses, location, priceClass = '100' }: NonNullable<NodeInfo['viewers']>): string {
  const where = location === undefined ? [] : [`${location.latitude} ${location.longitude}`]
  return [`viewers at ${addresses.join(' ')}`, ...where, `class ${priceClass}`].join(', ')
}

function seconds(offset: number): string {
  return `${offset < 0 ? '-' : '+'}${Math.round(Math.abs(offset) / 1000)}`
}

/** In bits, as networks are measured. */
function spokenRate(bytesPerSecond: number): string {
  const bits = bytesPerSecond * 8
  for (const [unit, size] of RATES) if (bits >= size) return `${(bits / size).toFixed(1)} ${unit}`
  return `${bits} bit/s`
}

const RATES: readonly (readonly [string, number])[] = [
  ['Gbit/s', 1e9],
  ['Mbit/s', 1e6],
  ['kbit/s', 1e3],
]

import type { Seconds } from '../core/index.ts'
import { decimal } from './decimal.ts'
import type { PlaylistPosition } from './live.ts'
import { formatPosition, parsePosition } from './position.ts'

/** What an origin tells other nodes of a live playlist beside its text: the value of `Sluice-Live`. */
export interface LiveMark extends PlaylistPosition {
  targetDuration: Seconds
  partTarget: Seconds
}

/** `1790000000.4;target=2;part=0.2`. */
export function renderLiveMark(mark: LiveMark): string {
  return `${formatPosition(mark)};target=${decimal(mark.targetDuration)};part=${decimal(mark.partTarget)}`
}

/** Undefined when it is none; parameters that a newer node may add are passed over. */
export function parseLiveMark(text: string): LiveMark | undefined {
  const [first = '', ...parameters] = text.split(';')
  const position = parsePosition(first)
  const targetDuration = secondsOf(parameters, 'target')
  const partTarget = secondsOf(parameters, 'part')
  if (position === undefined || targetDuration === undefined || partTarget === undefined) return undefined
  return { ...position, targetDuration, partTarget }
}

function secondsOf(parameters: string[], name: string): Seconds | undefined {
  const text = parameters.find(parameter => parameter.startsWith(`${name}=`))?.slice(name.length + 1)
  return text !== undefined && /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined
}

import { parseDuration, type Seconds } from '../core/index.ts'
import { usage } from './usage.ts'

const YEAR: Seconds = 31_536_000
/** A hundred years, the longest that a behaviour may say. */
const LONGEST: Seconds = 100 * YEAR

/**
 * How long answers are kept: whole seconds, or a duration with years of 365 days, exact to the second. Throws a usage
 * error that names the flag.
 */
export function lifetimeOf(flag: string, given: string): Seconds {
  const seconds = /^\d{1,10}$/.test(given) ? Number(given) : span(given)
  if (seconds !== undefined && Number.isInteger(seconds) && seconds <= LONGEST) return seconds
  throw usage(
    'bad-ttl',
    `${flag} ${given} is no lifetime: write it in whole seconds, or as 10m, 30d or 1y, up to 100y.`,
  )
}

function span(text: string): Seconds | undefined {
  const [, years, rest = ''] = /^(?:(\d{1,3})y)?(.*)$/.exec(text) ?? []
  if (years === undefined && rest === '') return undefined
  const further = rest === '' ? 0 : parseDuration(rest)
  return further === undefined ? undefined : Number(years ?? 0) * YEAR + further / 1000
}

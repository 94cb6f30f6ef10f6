import { SignError } from './sign-error.ts'

/** A point in time: a `Date`, or Unix seconds, of which fractions are dropped. */
export type Moment = Date | number

/** September 2001. Less was meant as a duration. */
const EARLIEST = 1_000_000_000
/** The year 5138. More was meant as milliseconds. */
const LATEST = 99_999_999_999

/** Whole Unix seconds; throws `bad-time` with what was probably meant. */
export function moment(name: 'expires' | 'notBefore', value: Moment): number {
  const refuse = (why: string): never => {
    throw new SignError('bad-time', `"${name}" ${why}.`)
  }
  const seconds = Math.floor(typeof value === 'number' ? value : value.getTime() / 1000)
  if (!Number.isFinite(seconds)) refuse('is no valid date')
  if (seconds > LATEST) refuse('is in milliseconds; give Unix seconds, or a Date')
  if (seconds < EARLIEST) refuse('is a point in time, no duration: Date.now() / 1000 + 3600 is in an hour')
  return seconds
}

import { SluiceError } from '../core/index.ts'

/** As many as people mend at once. */
const MOST_TOLD = 8

/** One error of all that is wrong with what somebody wrote. */
export function refusedInput(code: string, problems: readonly string[]): SluiceError {
  const more = problems.length - MOST_TOLD
  const told = problems.slice(0, MOST_TOLD).join('; ')
  return new SluiceError(code, more > 0 ? `${told}; and ${more} more` : told, {
    side: 'operator',
    kind: 'usage',
  })
}

export function conflict(code: string, message: string): SluiceError {
  return new SluiceError(code, message, { side: 'operator', kind: 'conflict' })
}

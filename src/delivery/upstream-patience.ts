import type { UpstreamAnswer } from '../cache/index.ts'
import { codeOf, SluiceError, type Milliseconds } from '../core/index.ts'
import { setTimeout as pause } from 'node:timers/promises'

/** What to do with an answer: hand it on, or ask again and, when all patience is spent, throw this. */
export type Worth = { kind: 'good' } | { kind: 'again'; otherwise: SluiceError }

export interface Patience {
  ask: () => Promise<UpstreamAnswer>
  /** Before each further try; none, and the first failure is the last. */
  pauses: readonly Milliseconds[]
  worth?: (answer: UpstreamAnswer) => Worth
}

/** Asks until there is an answer. Only a question of which nothing was answered is asked again (RFC 9110 §9.2.2). */
export async function askPatiently({ ask, pauses, worth }: Patience): Promise<UpstreamAnswer> {
  for (let attempt = 0; ; attempt++) {
    const wait = pauses[attempt]
    try {
      const answer = await ask()
      const judged = worth?.(answer)
      if (judged?.kind !== 'again') return answer
      answer.destroy()
      if (wait === undefined) throw judged.otherwise
    } catch (error) {
      if (wait === undefined || !neverAnswered(error)) throw asUpstreamError(error)
    }
    await pause(wait)
  }
}

const NOT_ANSWERED = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
])

function neverAnswered(error: unknown): boolean {
  return NOT_ANSWERED.has(codeOf(error) ?? '')
}

export function overloaded(): SluiceError {
  return new SluiceError('upstream-overloaded', 'too many questions wait for the next tier already', {
    side: 'upstream',
    kind: 'unavailable',
  })
}

function asUpstreamError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const timeout = /TIMEOUT/.test(codeOf(error) ?? '')
  return new SluiceError(
    timeout ? 'upstream-timeout' : 'upstream-unreachable',
    timeout ? 'the next tier did not answer in time' : 'the next tier cannot be reached',
    { side: 'upstream', kind: 'unavailable', cause: error },
  )
}

import type { UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, SluiceError, type Milliseconds } from '../../core/index.ts'
import { setTimeout as pause } from 'node:timers/promises'
import { Unanswered } from './connection-fates.ts'

/** What to do with an answer: hand it on, or ask again and, when all patience is spent, throw this. */
export type Worth = { kind: 'good' } | { kind: 'again'; otherwise: SluiceError }

export interface Patience {
  ask: () => Promise<UpstreamAnswer>
  /** Before each further try; none, and the first failure is the last. */
  pauses: readonly Milliseconds[]
  worth?: (answer: UpstreamAnswer) => Worth
  /** So many more may be asked at once, each another one; none unless said. */
  apart?: number
}

/** Asks until there is an answer. Only a question of which nothing was answered is asked again (RFC 9110 §9.2.2). */
export async function askPatiently({ ask, pauses, worth, apart = 0 }: Patience): Promise<UpstreamAnswer> {
  for (let attempt = 0; ; attempt++) {
    const [round, place] = [Math.floor(attempt / (apart + 1)), attempt % (apart + 1)]
    const wait = place < apart ? 0 : pauses[round]
    try {
      const answer = await ask()
      const judged = worth?.(answer)
      if (judged?.kind !== 'again') return answer
      answer.destroy()
      if (wait === undefined) throw judged.otherwise
    } catch (error) {
      if (wait === undefined || !neverAnswered(error)) throw asUpstreamError(error)
    }
    if (wait > 0) await pause(wait)
  }
}

/** How an origin of somebody else's is asked. */
export interface Persistence<Answer> {
  ask: () => Promise<Answer>
  /** Connections that are tried, where none comes about. */
  attempts: number
  /** Whether what has been sent may be sent again: not where it may have changed something (RFC 9110 §9.2.2). */
  repeatable: boolean
}

/** Between two tries at a connection. */
const BEFORE_AGAIN: Milliseconds = 100
/** When an origin restarts, every connection that was kept ends at once. */
const MOST_REUSED = 3

/**
 * Asks until there is an answer, as long as the origin has not seen the question. It is asked again without a word
 * in two cases alone: no connection came about, or a kept one ended before an answer began.
 */
export async function askPersistently<Answer>(how: Persistence<Answer>): Promise<Answer> {
  const { ask, attempts, repeatable } = how
  let unconnected = 0
  let reused = 0
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof Unanswered) || error.cause instanceof SluiceError || !neverAnswered(error))
        throw asUpstreamError(error)
      if (error.fate === 'unconnected' && ++unconnected < attempts) await pause(BEFORE_AGAIN)
      else if (error.fate !== 'reused' || !repeatable || ++reused > MOST_REUSED) throw asUpstreamError(error)
    }
  }
}

const NOT_ANSWERED = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
])

function neverAnswered(error: unknown): boolean {
  return NOT_ANSWERED.has(codeOf(error) ?? '')
}

export function overloaded(): SluiceError {
  return new SluiceError('upstream-overloaded', 'too many questions wait for the origin already', {
    side: 'upstream',
    kind: 'unavailable',
  })
}

const unconnected = new WeakSet<object>()

/** Whether a question has failed since no connection came about, so that the origin has heard nothing of it. */
export function neverConnected(error: unknown): boolean {
  return typeof error === 'object' && error !== null && unconnected.has(error)
}

export function asUpstreamError(thrown: unknown): SluiceError {
  const error = sluiceErrorOf(thrown)
  if (thrown instanceof Unanswered && thrown.fate === 'unconnected') unconnected.add(error)
  return error
}

function sluiceErrorOf(thrown: unknown): SluiceError {
  const error = thrown instanceof Unanswered ? thrown.cause : thrown
  if (error instanceof SluiceError) return error
  const code = codeOf(error) ?? ''
  if (/TIMEOUT|TIMEDOUT/.test(code))
    return trouble('upstream-timeout', 'the origin did not answer in time', error)
  if (/^HPE_|OVERFLOW|MISMATCH|ASSERTION/.test(code) || isOfParser(error))
    return trouble('upstream-unreadable', 'the answer of the origin cannot be read', error)
  return trouble('upstream-unreachable', 'the origin cannot be reached', error)
}

/** Not each of them has a code. */
function isOfParser(error: unknown): boolean {
  return error instanceof Error && error.name === 'HTTPParserError'
}

function trouble(code: string, sentence: string, cause: unknown): SluiceError {
  return new SluiceError(code, sentence, { side: 'upstream', kind: 'unavailable', cause })
}

import { codeOf, FUNCTION_REASONS, messageOf, SluiceError, type Reason } from '../../core/index.ts'
import type { Exchange } from '../exchange.ts'
import { sendError } from '../answer/refusal.ts'
import { codeFor, MESSAGE } from '../functions/failure-words.ts'

interface Trouble {
  status: number
  code: string
  message: string
  reason: Reason | undefined
}

const UNREACHABLE: Trouble = {
  ...{ status: 502, code: 'BadGateway', message: 'The origin cannot be reached' },
  reason: 'origin-away',
}
const BUSY: Trouble = {
  ...{ status: 503, code: 'ServiceUnavailable', message: 'The origin is busy' },
  reason: 'origin-busy',
}
const GARBLED: Trouble = {
  ...{ status: 502, code: 'BadGateway', message: 'The origin sent no answer that can be read' },
  reason: 'origin-garbled',
}

/** By what a function's failure is told as. */
const FAILED = FUNCTION_REASONS.map((reason): [string, Trouble] => [
  reason,
  { status: 502, code: codeFor(reason), message: MESSAGE, reason },
])

const TROUBLES: Readonly<Record<string, Trouble>> = {
  ...Object.fromEntries(FAILED),
  // What the one who asked first is told by the origin itself.
  'upstream-bad-request': {
    ...{ status: 400, code: 'InvalidRequest', message: 'The origin refused this request' },
    reason: undefined,
  },
  'upstream-timeout': {
    ...{ status: 504, code: 'GatewayTimeout', message: 'The origin did not answer in time' },
    reason: 'origin-late',
  },
  // These two pass by themselves, soonest when nobody asks more.
  'upstream-trouble': BUSY,
  'upstream-overloaded': BUSY,
  'upstream-unreadable': GARBLED,
  'upstream-unasked': GARBLED,
}

/** What a viewer is told of it, unless something else is shown in its place. */
export interface ToldTrouble extends Trouble {
  /** Further fields of the answer. */
  fields: string[]
}

/** Tells the log, and keeps the reason for the record, that nothing could be had upstream. */
export function noteTrouble(x: Exchange, error: unknown): ToldTrouble {
  const trouble = TROUBLES[codeOf(error) ?? ''] ?? UNREACHABLE
  const { status, reason } = trouble
  if (status !== 400) {
    const where = {
      distribution: x.served?.distribution.id,
      origin: x.behaviour?.originId,
      path: x.loggedPath,
    }
    const fields = { id: x.id, code: codeOf(error), ...reasonOf(error), ...where }
    x.node.log.warn(fields, 'upstream failed')
  }
  x.reason = reason
  const told = reason === undefined ? [] : ['X-Sluice-Reason', reason]
  return { ...trouble, fields: status === 503 ? [...told, 'Retry-After', '1'] : told }
}

/** Tells a viewer that nothing could be had upstream, with the reason in header, log and metric. */
export function sendTrouble(x: Exchange, error: unknown): undefined {
  return sendNoted(x, noteTrouble(x, error))
}

export function sendNoted(x: Exchange, { status, code, message, fields }: ToldTrouble): undefined {
  return sendError(x, status, code, message, fields)
}

/** For the log alone; no sentence of ours holds a secret, and of a system's error only its code is told. */
function reasonOf(error: unknown): { why?: string; cause?: string | undefined } {
  return error instanceof SluiceError ? { why: messageOf(error), cause: codeOf(error.cause) } : {}
}

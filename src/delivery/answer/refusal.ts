import type { Reason } from '../../core/index.ts'
import { corsHeaders } from './cors.ts'
import type { Exchange } from '../exchange.ts'
import { allowedOf } from '../methods.ts'
import { record } from '../record.ts'

/** Status, and code and message of CloudFront's XML error, for each way of saying no. */
const ANSWERS: Partial<Record<Reason, [status: number, code: string, message: string]>> = {
  missing: [403, 'MissingKey', 'Missing Key-Pair-Id query parameter or cookie value'],
  malformed: [403, 'MalformedPolicy', 'Malformed Policy'],
  'unknown-key': [403, 'InvalidKey', 'Unknown Key'],
  'bad-path': [400, 'InvalidURI', 'The path cannot be made canonical'],
  'bad-host': [400, 'InvalidHost', 'The request has no Host that can be read'],
  'reserved-path': [404, 'NotFound', 'There is nothing here'],
  loop: [508, 'LoopDetected', 'The request has come through here before: an origin leads back to this cache'],
  method: [405, 'MethodNotAllowed', 'This method is not served here'],
}

const DENIED: [number, string, string] = [403, 'AccessDenied', 'Access denied']

/** Answers no, with its reason in header, log and metric; `message` where there is more to say than the reason does. */
export function refuse(x: Exchange, reason: Reason, more: { message?: string } = {}): undefined {
  x.reason = reason
  const [status, code, message] = ANSWERS[reason] ?? DENIED
  return sendError(x, status, code, more.message ?? message, [
    'X-Sluice-Reason',
    reason,
    ...(status === 405 ? ['Allow', allowedOf(x)] : []),
  ])
}

/** CloudFront's XML. */
export function errorText({ id }: Exchange, code: string, message: string): Buffer {
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message><RequestId>${id}</RequestId></Error>`,
  )
}

/** Answers with an error of ours or of what lies upstream; viewers never see more than this. */
export function sendError(
  x: Exchange,
  status: number,
  code: string,
  message: string,
  extra: string[] = [],
): undefined {
  x.cache = 'Error'
  const body = errorText(x, code, message)
  x.head(status, [
    'Content-Type',
    'text/xml',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
    'X-Cache',
    'Error from sluice',
    ...x.node.signature(x.id),
    ...corsHeaders(x),
    ...extra,
  ])
  if (x.request.method === 'HEAD') {
    x.response.end()
  } else {
    x.bodyBytes = body.length
    x.node.usage.counts.sent(x)
    x.response.end(body)
  }
  record(x)
}

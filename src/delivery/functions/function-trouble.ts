import type { Unusable } from '../../functions/index.ts'
import { sendError } from '../answer/refusal.ts'
import type { Exchange, Step } from '../exchange.ts'
import { showInstead } from '../lookup.ts'
import { codeFor, MESSAGE } from './failure-words.ts'

/** The answer to a viewer whose function failed: CloudFront's 502, or the distribution's page for one. */
export function refuseFor(x: Exchange, { reason }: Unusable): undefined | Promise<Step | undefined> {
  x.reason = reason
  const headers = ['Cache-Control', 'no-store', 'X-Sluice-Reason', reason]
  const refused = (): undefined => sendError(x, 502, codeFor(reason), MESSAGE, ['X-Sluice-Reason', reason])
  if (x.request.method !== 'GET' && x.request.method !== 'HEAD') return refused()
  return showInstead(x, { status: 502, headers, bornAt: x.node.clock.now() }, refused)
}

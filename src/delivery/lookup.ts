import type { Found } from '../cache/index.ts'
import { codeOf } from '../core/index.ts'
import { deliver } from './deliver.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { sendError } from './refusal.ts'

/** From store, or fetched once for all who ask meanwhile. */
export const lookup: Step = (x: Exchange) => {
  const { node } = x
  const { distribution } = known(x.served, 'the distribution')
  const { path } = known(x.target, 'the target')
  const found = node.cache.lookup({
    key: known(x.key, 'the key'),
    distributionId: distribution.id,
    path,
    bounds: known(x.behaviour, 'the behaviour').ttl,
    ask: question =>
      node.upstream.ask({
        ...question,
        distributionId: distribution.id,
        path,
        query: x.query,
        snapshotVersion: node.snapshot?.version ?? 0,
        sequence: node.snapshot?.sequence ?? 0,
      }),
  })
  return found instanceof Promise
    ? found.then(
        value => next(x, value),
        error => failed(x, error),
      )
    : next(x, found)
}

function next(x: Exchange, found: Found): Step {
  x.found = found
  return deliver
}

/** What passes by itself, soonest when nobody asks more. */
const BUSY = new Set(['upstream-trouble', 'upstream-overloaded'])

function failed(x: Exchange, error: unknown): undefined {
  x.node.log.warn({ id: x.id, code: codeOf(error), path: x.loggedPath }, 'upstream failed')
  if (codeOf(error) === 'upstream-timeout')
    return sendError(x, 504, 'GatewayTimeout', 'The origin did not answer in time')
  if (BUSY.has(codeOf(error) ?? ''))
    return sendError(x, 503, 'ServiceUnavailable', 'The origin is busy', ['Retry-After', '1'])
  return sendError(x, 502, 'BadGateway', 'The origin cannot be reached')
}

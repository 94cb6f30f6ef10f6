import { codeOf, messageOf } from '../core/index.ts'
import { Exchange, type Incoming, type Leaving, type Outgoing, type Step } from './exchange.ts'
import type { CacheNode } from './node.ts'
import { sendError } from './answer/refusal.ts'
import { settleBody } from './relay/request-body.ts'
import { cut } from './answer/send-stream.ts'

/** Runs a request through its steps, each naming the next. Nothing a request does reaches beyond it. */
export function handle(
  node: CacheNode,
  first: Step,
  request: Incoming,
  response: Outgoing,
  leaving?: Leaving,
): void {
  const x = new Exchange(node, request, response, leaving)
  settleBody(x)
  response.on('error', left)
  advance(x, first)
}

/** `close` follows, and the record is written there. */
function left(): void {}

function advance(x: Exchange, step: Step | undefined): void {
  try {
    while (step) {
      const next: ReturnType<Step> = step(x)
      if (next instanceof Promise) {
        next.then(
          value => advance(x, value),
          (error: unknown) => broken(x, error),
        )
        return
      }
      step = next
    }
  } catch (error) {
    broken(x, error)
  }
}

function broken(x: Exchange, error: unknown): void {
  x.node.log.error(
    { id: x.id, code: codeOf(error), message: messageOf(error), path: x.loggedPath },
    'a step failed',
  )
  if (x.response.headersSent) cut(x.response)
  else sendError(x, 500, 'InternalError', 'Something went wrong here')
}

import { codeOf, KiB, messageOf } from '../core/index.ts'
import { Exchange, type Incoming, type Outgoing, type Step } from './exchange.ts'
import type { CacheNode } from './node.ts'
import { sendError } from './refusal.ts'
import { cut } from './send-stream.ts'

/** Runs a request through its steps, each naming the next. Nothing a request does reaches beyond it. */
export function handle(node: CacheNode, first: Step, request: Incoming, response: Outgoing): void {
  const x = new Exchange(node, request, response)
  readAway(request, response)
  response.on('error', () => {}) // the viewer left; `close` follows and the record is written there
  advance(x, first)
}

/** No request here has a body that means anything; more than this of one is not worth the line. */
const LARGEST_BODY = 64 * KiB

/** A small body is read away so that the connection stays usable; for a large one the connection is given up. */
function readAway(request: Incoming, response: Outgoing): void {
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= LARGEST_BODY) return
    // The answer may be out already, and then it holds no connection any more.
    cut(response)
    if (!('stream' in request)) request.socket.destroy()
  })
}

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

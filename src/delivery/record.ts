import { accessLine } from './access-line.ts'
import type { Exchange } from './exchange.ts'
import { hasLeft } from './answer/send-stream.ts'
import { loggedDetails } from './logged-details.ts'

/** The last step: one access line and the counters, once for every request, whatever became of it. */
export function record(x: Exchange): void {
  const { response } = x
  if (x.replies?.recorded === 'nowhere') return
  // Nothing more happens to an answer whose viewer is gone already.
  if (response.writableFinished || hasLeft(response)) return write(x)
  let done = false
  const once = (): void => {
    if (done) return
    done = true
    write(x)
  }
  // `finish` is the whole answer handed on; `close` without it is a viewer who left. `once` would wrap each anew.
  response.on('finish', once)
  response.on('close', once)
}

function write(x: Exchange): void {
  const { node } = x
  // Of an answer that never began, and of what nobody has told of.
  node.usage.counts.begun(x)
  node.usage.counts.sent(x)
  node.usage.add(x)
  // Its edge writes the line of its viewer.
  if (x.replies !== undefined) return
  node.accessLog.append(
    accessLine({
      at: x.startedAt,
      id: x.id,
      distribution: x.served?.distribution.id,
      viewer: x.viewer,
      method: x.request.method ?? '',
      // Never the target as sent: path tokens and signing parameters would let a reader of the log in.
      path: x.named ?? x.target?.path,
      status: x.leftBefore ? 0 : x.status,
      bytes: x.bodyBytes,
      ms: node.clock.now() - x.startedAt,
      result: x.cache,
      reason: x.reason,
      // A connection that left HTTP has no end that could be missed.
      complete: x.response.writableFinished || x.status === 101,
      protocol: x.request.httpVersion,
      form: x.form,
      trace: x.trace?.traceId,
      details: x.isLogged ? loggedDetails(x) : undefined,
    }),
  )
}

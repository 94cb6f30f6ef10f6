import type { Exchange } from './exchange.ts'
import { hasLeft } from './send-stream.ts'

/** The last step: one access line and the counters, once for every request, whatever became of it. */
export function record(x: Exchange): void {
  const { node, response } = x
  // The process that asked records it for its viewer.
  if (x.asker !== undefined) return
  // Nothing more happens to an answer whose viewer is gone already.
  if (response.writableFinished || hasLeft(response)) return write()
  let done = false
  const once = (): void => {
    if (done) return
    done = true
    write()
  }
  // `finish` is the whole answer handed on; `close` without it is a viewer who left.
  response.once('finish', once)
  response.once('close', once)

  function write(): void {
    node.usage.add(x)
    const now = node.clock.now()
    node.accessLog.write({
      time: new Date(x.startedAt).toISOString(),
      id: x.id,
      distribution: x.served?.distribution.id,
      address: x.viewer?.address,
      scheme: x.viewer?.scheme,
      host: x.viewer?.host,
      method: x.request.method,
      // Never the target as sent: path tokens and signing parameters would let a reader of the log in.
      path: x.loggedPath,
      status: x.status,
      bytes: x.bodyBytes,
      ms: now - x.startedAt,
      result: x.cache,
      reason: x.reason,
      // A connection that left HTTP has no end that could be missed.
      complete: response.writableFinished || x.status === 101,
      protocol: x.request.httpVersion,
    })
  }
}

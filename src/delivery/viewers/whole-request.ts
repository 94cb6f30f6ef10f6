import { KiB, type Milliseconds } from '../../core/index.ts'
import { BodilessRequest, type Http2Request } from './http2-request.ts'

/** Fits into what a request's stream holds before somebody reads it. */
const SHORT = 8 * KiB

/**
 * Calls `then` when a short body of declared length has come whole. A request whose DATA is not what its Content-Length
 * says is malformed (RFC 9113 §8.1.1) and its stream is reset; once an answer is out that could not be told any more.
 * Every other request goes on at once. Nothing of the body is taken.
 */
export function whenWhole(request: Http2Request, within: Milliseconds, then: () => void): void {
  if (request instanceof BodilessRequest) return then()
  const { stream } = request
  const length = request.headers['content-length']
  if (length === undefined || !(Number(length) <= SHORT)) return then()
  const fill = (): void => {}
  const late = setTimeout(() => stream.close(), within)
  const go = (): void => {
    clearTimeout(late)
    request.off('readable', fill)
    stream.off('close', stop)
    if (!stream.destroyed) then()
  }
  const stop = (): void => {
    clearTimeout(late)
    stream.off('end', go)
  }
  stream.once('end', go).once('close', stop)
  // Who waits to read makes it come, and stay.
  request.on('readable', fill)
}

import { KiB, type Milliseconds } from '../../core/index.ts'
import { BodilessRequest, CANCEL, type Http2Request } from '../../http2/index.ts'

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
  const late = setTimeout(() => stream.close(CANCEL), within)
  request.once('close', () => clearTimeout(late))
  request.whenComplete(() => {
    clearTimeout(late)
    then()
  })
}

import { IncomingMessage } from 'node:http'
import type { Incoming } from './exchange.ts'
import { isLoop } from './request-head.ts'
import { readViewer, type TrustedProxies, type ViewerResult } from './viewer.ts'

/** What the fields of a request say to nearly every step. */
export interface KnownHead {
  readonly viewer: ViewerResult
  /** It has been here before (RFC 8586). */
  readonly loops: boolean
  /** It has a condition or a range, and may be sent something else than the whole. */
  readonly selects: boolean
  /** It names a trace that it is of. */
  readonly traced: boolean
}

const SELECTING = ['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const

/** By the fields of their requests, which a connection hands out again as long as they stay the same. */
const known = new WeakMap<object, KnownHead>()

/** `target` is what stands before the path in a target of absolute form. */
export function knownHead(request: Incoming, trusted: TrustedProxies, target?: string): KnownHead {
  // Node makes them anew for each request.
  if (request instanceof IncomingMessage || target !== undefined) return readHead(request, trusted, target)
  let head = known.get(request.headers)
  if (head === undefined) known.set(request.headers, (head = readHead(request, trusted, target)))
  return head
}

/** Whether a request has a condition or a range. */
export function isSelecting(headers: Incoming['headers']): boolean {
  return SELECTING.some(name => headers[name] !== undefined)
}

function readHead(request: Incoming, trusted: TrustedProxies, target: string | undefined): KnownHead {
  const { headers } = request
  const cdnLoop = headers['cdn-loop']
  return {
    viewer: readViewer(request, trusted, target),
    loops: isLoop(Array.isArray(cdnLoop) ? cdnLoop.join(', ') : cdnLoop),
    selects: isSelecting(headers),
    traced: headers['traceparent'] !== undefined,
  }
}

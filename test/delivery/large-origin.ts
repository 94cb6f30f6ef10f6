import type { IncomingMessage, ServerResponse } from 'node:http'
import { DEFAULT_WIRE, type HttpOrigin } from '../../src/distribution/index.ts'
import { contentRange, parseRange } from '../../src/http/index.ts'
import type { ForeignOrigin } from './foreign-origin.ts'

/** Repeats after a prime, so that no two slices of any size are alike. */
const PERIOD = 1_048_573

const pattern = (() => {
  const once = Buffer.alloc(PERIOD)
  let state = 1
  for (let at = 0; at < PERIOD; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    once[at] = state >>> 24
  }
  return Buffer.concat([once, once])
})()

/** The bytes of the generated object from an offset on; a view, at most a period long. */
export function generated(offset: number, size: number): Buffer {
  const from = offset % PERIOD
  return pattern.subarray(from, from + Math.min(size, PERIOD))
}

/** Counts the bytes that are not what stands at their offset. */
export class Comparison {
  at: number
  wrong = 0

  constructor(first = 0) {
    this.at = first
  }

  add(chunk: Buffer): void {
    for (let from = 0; from < chunk.length;) {
      const expected = generated(this.at, chunk.length - from)
      if (!chunk.subarray(from, from + expected.length).equals(expected)) this.wrong++
      from += expected.length
      this.at += expected.length
    }
  }
}

export interface LargeObject {
  length: number
  etag?: string | undefined
  ranges?: 'served' | 'ignored'
  saysLength?: boolean
  cacheControl?: string
}

/** Answers with the generated object, as fast as it is taken. */
export function serveGenerated(
  request: IncomingMessage,
  response: ServerResponse,
  object: LargeObject,
): void {
  const { length, etag, ranges = 'served', saysLength = true, cacheControl = 'max-age=3600' } = object
  response.setHeader('Cache-Control', cacheControl).setHeader('Content-Type', 'video/mp4')
  if (etag !== undefined) response.setHeader('ETag', etag)
  if (ranges === 'served') response.setHeader('Accept-Ranges', 'bytes')
  if (etag !== undefined && request.headers['if-none-match'] === etag)
    return void response.writeHead(304).end()
  const ifRange = request.headers['if-range']
  const heeded = ranges === 'served' && (ifRange === undefined || ifRange === etag)
  const parsed = parseRange(heeded ? request.headers.range : undefined, length)
  if (parsed.kind === 'unsatisfiable')
    return void response.writeHead(416, { 'Content-Range': `bytes */${length}` }).end()
  const { first, last } = parsed.kind === 'range' ? parsed.range : { first: 0, last: length - 1 }
  if (saysLength) response.setHeader('Content-Length', last - first + 1)
  if (parsed.kind === 'range')
    response.writeHead(206, { 'Content-Range': contentRange(parsed.range, length) })
  let at = first
  const more = (): void => {
    while (at <= last) {
      const bytes = generated(at, Math.min(262_144, last - at + 1))
      at += bytes.length
      if (!response.write(bytes)) return void response.once('drain', more)
    }
    response.end()
  }
  more()
}

export function siteOf(origin: ForeignOrigin): HttpOrigin {
  return { id: 'site', kind: 'http', url: origin.url, headers: [], ...DEFAULT_WIRE }
}

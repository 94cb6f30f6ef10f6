import { instant, type CanonicalPath, type DistributionId, type Instant } from '../../src/core/index.ts'
import {
  ObjectCache,
  type CacheRequest,
  type Filling,
  type Found,
  type Question,
  type UpstreamAnswer,
} from '../../src/cache/index.ts'
import { cacheKey, parseRange } from '../../src/http/index.ts'

export const START = instant(Date.UTC(2026, 10, 22))
export const SLICE = 16
const DISTRIBUTION = 'ETEST' as DistributionId // a test's own

/** The byte at an offset of a version; no two versions or slices look alike. */
export function byteAt(version: number, offset: number): number {
  return (offset * 31 + Math.floor(offset / 251) * 7 + version * 101) & 0xff
}

export function bytes(version: number, first: number, last: number): Buffer {
  return Buffer.from(Array.from({ length: last - first + 1 }, (_, at) => byteAt(version, first + at)))
}

/** What an origin makes of the questions, changed by the test as it goes. */
export interface LargeOrigin {
  length: number
  version: number
  /** Undefined for none. */
  etag: string | undefined
  lastModified?: string
  /** `claimed`: said to be served, and not. */
  ranges: 'served' | 'ignored' | 'claimed'
  saysLength: boolean
  cacheControl: string
  /** Bytes of each piece of a body. */
  chunk: number
  /** Answers given so far have ended after so many bytes. */
  cutAfter?: number | undefined
  fail?: Error | undefined
  /** The invalidation number that it says it has applied. */
  sequence?: number | undefined
}

/** One body that the origin hands out: how much of it was taken, and whether it was let go of. */
export interface Sent {
  first: number
  taken: number
  destroyed: boolean
  ended: boolean
}

/** A cache with slices of 16 bytes before an origin that computes what it is asked for. */
export class LargeBench {
  now: Instant = START
  sequence = 0
  newest = 0
  readonly asked: Question[] = []
  readonly sent: Sent[] = []
  readonly origin: LargeOrigin
  readonly cache: ObjectCache
  /** Awaited before each piece of a body. */
  gate: (() => Promise<void>) | undefined

  constructor(origin: Partial<LargeOrigin> = {}, sizes: { maxBytes?: number; limit?: number } = {}) {
    this.origin = {
      ...{ length: 200, version: 1, etag: '"1"', ranges: 'served', saysLength: true },
      ...{ cacheControl: 'max-age=60', chunk: 7 },
      ...origin,
    }
    this.cache = new ObjectCache({
      maxBytes: sizes.maxBytes ?? 10_000_000,
      largestObject: 100_000,
      slices: { size: SLICE, ...(sizes.limit !== undefined && { limit: sizes.limit }) },
      clock: { now: () => this.now },
      invalidations: { newest: () => this.newest, applied: () => this.sequence },
    })
  }

  request(range?: string): CacheRequest {
    const path = '/large' as CanonicalPath // a test's own
    return {
      ...{ key: cacheKey(DISTRIBUTION, path, ''), distributionId: DISTRIBUTION, path, range },
      bounds: { minimum: 0, default: 86_400, maximum: 31_536_000 },
      ask: async question => {
        this.asked.push(question)
        await Promise.resolve()
        if (this.origin.fail) throw this.origin.fail
        return this.#answer(question)
      },
    }
  }

  async get(range?: string): Promise<Found> {
    return this.cache.lookup(this.request(range))
  }

  async filling(range?: string): Promise<Filling> {
    const found = await this.get(range)
    if (found.kind !== 'filling') throw new Error(`it is ${found.kind}`)
    return found.fill
  }

  /** The ranges that upstream was asked for, in order; `whole` for none. */
  get ranges(): string[] {
    return this.asked.map(({ range = 'whole' }) => range.replace('bytes=', ''))
  }

  #answer({ validators, range, ifRange }: Question): UpstreamAnswer {
    const { etag, lastModified, length, saysLength, cacheControl, ranges } = this.origin
    const headers = ['Cache-Control', cacheControl]
    if (etag !== undefined) headers.push('ETag', etag)
    if (lastModified !== undefined) headers.push('Last-Modified', lastModified)
    if (ranges !== 'ignored') headers.push('Accept-Ranges', 'bytes')
    if (validators?.etag !== undefined && validators.etag === etag) return this.#with(304, headers, 0, -1)
    const applies = ifRange === undefined || ifRange === etag || ifRange === lastModified
    const wanted = ranges === 'served' && applies ? range : undefined
    const parsed = parseRange(wanted, length)
    if (parsed.kind === 'unsatisfiable')
      return this.#with(416, [...headers, 'Content-Range', `bytes */${length}`], 0, -1)
    const { first, last } = parsed.kind === 'range' ? parsed.range : { first: 0, last: length - 1 }
    if (saysLength) headers.push('Content-Length', String(last - first + 1))
    if (parsed.kind === 'whole') return this.#with(200, headers, first, last)
    return this.#with(206, [...headers, 'Content-Range', `bytes ${first}-${last}/${length}`], first, last)
  }

  #with(status: number, headers: string[], first: number, last: number): UpstreamAnswer {
    const sent: Sent = { first, taken: 0, destroyed: false, ended: false }
    if (status === 200 || status === 206) this.sent.push(sent)
    const { origin } = this
    const { version, cutAfter = Infinity, sequence } = origin
    const gate = this.gate
    const body = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = first; at <= last;) {
        await gate?.()
        const size = Math.min(origin.chunk, last - at + 1, cutAfter - sent.taken)
        if (size <= 0) throw new Error('reset')
        if (sent.destroyed) throw new Error('let go of')
        sent.taken += size
        yield bytes(version, at, at + size - 1)
        at += size
      }
      sent.ended = true
    }
    return {
      ...{ status, headers, requestedAt: this.now, respondedAt: this.now, body: body() },
      ...(sequence !== undefined && { sequence }),
      destroy: () => void (sent.destroyed = true),
    }
  }
}

export async function readAll(fill: Filling, first = 0, last?: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of fill.read(first, last)) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** What is found, whatever it is made of. */
export async function bodyOf(found: Found, first = 0, last?: number): Promise<Buffer> {
  if (found.kind === 'filling') return readAll(found.fill, first, last)
  const chunks: Uint8Array[] = []
  if ('object' in found) return found.object.body.subarray(first, last === undefined ? undefined : last + 1)
  for await (const chunk of found.answer.body) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** Lets everything that can run now run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
}

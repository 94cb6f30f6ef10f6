import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentRange, parseRange } from '../../src/http/index.ts'
import { ForeignOrigin } from './foreign-origin.ts'
import { generated } from './large-origin.ts'

const KiB = 1024

/** The same numbers for the same seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Kinds of objects: how many there are of each, and of which size. */
export const KINDS = {
  small: { count: 40, from: 200, to: 8 * KiB },
  medium: { count: 30, from: 60 * KiB, to: 900 * KiB },
  /** Kept in slices, and asked for in ranges too. */
  large: { count: 3, from: 9_000 * KiB, to: 11_000 * KiB },
  /** Another body for each language. */
  spoken: { count: 10, from: 2 * KiB, to: 80 * KiB },
  /** Stale at once, and often confirmed. */
  turned: { count: 10, from: 2 * KiB, to: 200 * KiB },
  /** In chunks, of which nobody says how many. */
  chunked: { count: 10, from: 2 * KiB, to: 3_000 * KiB },
  /** Often breaks off in the middle. */
  broken: { count: 6, from: 40 * KiB, to: 300 * KiB },
  /** Never changes, and fits into no other's way. */
  kept: { count: 10_000, from: 10 * KiB, to: 300 * KiB },
} as const
export type Kind = keyof typeof KINDS

/** Where the bytes of one version of an object begin in what is generated, and how many there are. */
export function bytesAt(at: string, version: number, variant: string): { start: number; length: number } {
  const kind = KINDS[at.split('/')[1] as Kind] // paths are made of kinds
  const digest = createHash('sha256').update(`${at} ${version} ${variant}`).digest()
  return {
    start: digest.readUInt32LE(0),
    length: kind.from + (digest.readUInt32LE(4) % (kind.to - kind.from)),
  }
}

/** Makes its bytes from path, version and variant, and says in every answer of which these are. */
export class FaultSite {
  /** What was asked, in order. */
  readonly asked: string[] = []
  /** Answers under way. */
  open = 0
  readonly #random: (below: number) => number
  readonly #versions = new Map<string, number>()
  #origin: ForeignOrigin | undefined

  constructor(seed: number) {
    this.#random = randomFrom(seed)
  }

  async start(): Promise<void> {
    this.#origin = await ForeignOrigin.start((request, response) => this.#answer(request, response))
  }

  get url(): string {
    return this.#origin?.url ?? ''
  }

  /** From now on it has other bytes. */
  renew(at: string): void {
    this.#versions.set(at, this.newest(at) + 1)
  }

  newest(at: string): number {
    return this.#versions.get(at) ?? 1
  }

  async close(): Promise<void> {
    await this.#origin?.close()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const at = request.url ?? ''
    this.asked.push(at)
    const kind = at.split('/')[1] as Kind // paths are made of kinds
    const version = this.newest(at)
    const variant = kind === 'spoken' ? String(request.headers['x-lang']) : ''
    const { start, length } = bytesAt(at, version, variant)
    const etag = `"${version}-${variant}"`
    response.setHeader('ETag', etag).setHeader('Content-Type', 'video/mp4')
    response.setHeader('X-Version', version).setHeader('X-Variant', variant).setHeader('X-Length', length)
    response.setHeader('Cache-Control', 'max-age=600')
    if (kind === 'spoken') response.setHeader('Vary', 'X-Lang')
    if (kind === 'large') response.setHeader('Accept-Ranges', 'bytes')
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end()
    // What is confirmed is kept from then on, and written down.
    if (kind === 'turned') response.setHeader('Cache-Control', 'max-age=0')
    const ifRange = request.headers['if-range']
    const heeded = kind === 'large' && (ifRange === undefined || ifRange === etag)
    const parsed = parseRange(heeded ? request.headers.range : undefined, length)
    if (parsed.kind === 'unsatisfiable')
      return void response.writeHead(416, { 'Content-Range': `bytes */${length}` }).end()
    const { first, last } = parsed.kind === 'range' ? parsed.range : { first: 0, last: length - 1 }
    if (kind !== 'chunked') response.setHeader('Content-Length', last - first + 1)
    if (parsed.kind === 'range')
      response.writeHead(206, { 'Content-Range': contentRange(parsed.range, length) })
    const breaksAt = kind === 'broken' && this.#random(3) > 0 ? this.#random(length) : Infinity
    this.#send(response, { at: first, last, start, breaksAt, slow: this.#random(3) === 0 })
  }

  #send(
    response: ServerResponse,
    part: { at: number; last: number; start: number; breaksAt: number; slow: boolean },
  ): void {
    let { at } = part
    this.open++
    response.once('close', () => this.open--)
    const more = (): void => {
      if (response.destroyed) return
      if (at >= part.breaksAt) return void response.destroy()
      if (at > part.last) return void response.end()
      const bytes = generated(part.start + at, Math.min(65_536, part.last - at + 1))
      at += bytes.length
      const taken = response.write(bytes)
      if (!taken) response.once('drain', more)
      else if (part.slow) setTimeout(more, 2)
      else setImmediate(more)
    }
    more()
  }
}

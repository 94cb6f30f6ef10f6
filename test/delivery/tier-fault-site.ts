import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentRange, parseRange, type ByteRange } from '../../src/http/index.ts'
import { ForeignOrigin } from './foreign-origin.ts'

const KiB = 1024
/** Each line of a body says of which path and version it is, and where it stands. */
export const LINE = 64

/** How each kind of object is answered for, and how long it is. */
const KINDS = {
  plain: { from: 200, to: 9 * KiB, fields: { 'Cache-Control': 'max-age=600' } },
  chunked: { from: 200, to: 40 * KiB, fields: { 'Cache-Control': 'max-age=600' } },
  /** With nothing by which its versions could be told apart. */
  bare: { from: 30 * KiB, to: 200 * KiB, fields: { 'Cache-Control': 'max-age=600' } },
  dated: { from: 2 * KiB, to: 9 * KiB, fields: { 'Cache-Control': 'max-age=600' } },
  /** Stale at once, and confirmed or not. */
  turned: { from: 2 * KiB, to: 40 * KiB, fields: { 'Cache-Control': 'max-age=0' } },
  behind: {
    from: 2 * KiB,
    to: 9 * KiB,
    fields: { 'Cache-Control': 'max-age=0, stale-while-revalidate=600' },
  },
  spoken: { from: 2 * KiB, to: 9 * KiB, fields: { 'Cache-Control': 'max-age=600', Vary: 'X-Lang' } },
  /** Kept in slices. */
  large: { from: 600 * KiB, to: 1_100 * KiB, fields: { 'Cache-Control': 'max-age=600' } },
  /** Of an origin that has a cache of its own: as it was when that heard of an invalidation last. */
  asset: { from: 500, to: 9 * KiB, fields: { 'Cache-Control': 'max-age=600', 'Sluice-Age-Ms': '0' } },
  live: { from: 500, to: 3 * KiB, fields: { 'Cache-Control': 'no-cache', 'Sluice-Age-Ms': '0' } },
} as const
export type Kind = keyof typeof KINDS

export function kindOf(path: string): Kind {
  return path.split('/')[1] as Kind // paths are made of kinds
}

/** All that there is. */
export const PATHS: readonly string[] = [
  ...['/plain/1', '/plain/2', '/plain/10', '/chunked/1', '/bare/1', '/bare/2', '/dated/1', '/turned/1'],
  ...['/turned/2', '/behind/1', '/spoken/1', '/large/1', '/asset/1', '/asset/2'],
  '/live/1/playlist.m3u8',
]

/** An origin whose objects come in versions, and whose bodies may be held half-way until it is told to go on. */
export class VersionedSite {
  /** Questions that were answered. */
  answered = 0
  /** The number of the newest invalidation that it has heard of. */
  applied = 0
  readonly #versions = new Map<string, number>()
  /** What it has in its own cache of assets. */
  readonly #kept = new Map<string, number>()
  readonly #bodies = new Map<string, Buffer>()
  readonly #held = new Map<string, Set<() => void>>()
  #origin: ForeignOrigin | undefined

  async start(): Promise<void> {
    this.#origin = await ForeignOrigin.start((request, response) => this.#answer(request, response))
  }

  get port(): number {
    return this.#origin?.port ?? 0
  }

  async close(): Promise<void> {
    this.releaseAll()
    await this.#origin?.close()
  }

  versionOf(path: string): number {
    return this.#versions.get(path) ?? 1
  }

  /** Lets go of what it has in its own cache of these. */
  apply(sequence: number, paths: Iterable<string>): void {
    this.applied = sequence
    for (const path of paths) this.#kept.delete(path)
  }

  raise(path: string): void {
    this.#versions.set(path, this.versionOf(path) + 1)
    // Who waits for the next version of a playlist has it now.
    if (kindOf(path) === 'live') this.release(path)
  }

  /** What is asked for from now on comes half, until it is released. */
  hold(path: string): void {
    if (!this.#held.has(path)) this.#held.set(path, new Set())
  }

  release(path: string): void {
    const waiting = this.#held.get(path) ?? []
    this.#held.delete(path)
    for (const go of waiting) go()
  }

  releaseAll(): void {
    for (const path of [...this.#held.keys()]) this.release(path)
  }

  bodyOf(path: string, version: number): Buffer {
    const name = `${path} ${version}`
    let body = this.#bodies.get(name)
    if (body === undefined) this.#bodies.set(name, (body = makeBody(path, version)))
    return body
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.answered++
    const { pathname: path } = new URL(request.url ?? '', 'http://origin')
    const kind = kindOf(path)
    const version = kind === 'asset' ? this.#keptOf(path) : this.versionOf(path)
    const { fields, validators } = headOf(path, version)
    for (const [name, value] of Object.entries({ ...fields, ...validators })) response.setHeader(name, value)
    if (kind === 'asset') response.setHeader('Sluice-Seq', this.applied)
    if (isConfirmed(request, validators)) return void response.writeHead(304).end()
    const body = this.bodyOf(path, version)
    const part = this.#part(request, response, { kind, body, tag: validators['ETag'] })
    if (part === 'unsatisfiable')
      return void response.writeHead(416, { 'Content-Range': `bytes */${body.length}` }).end()
    if (kind !== 'chunked') response.setHeader('Content-Length', part.last - part.first + 1)
    this.#send(path, response, body.subarray(part.first, part.last + 1))
  }

  #keptOf(path: string): number {
    const version = this.#kept.get(path) ?? this.versionOf(path)
    this.#kept.set(path, version)
    return version
  }

  #part(
    { headers }: IncomingMessage,
    response: ServerResponse,
    { kind, body, tag }: { kind: Kind; body: Buffer; tag: string | undefined },
  ): ByteRange | 'unsatisfiable' {
    const whole = { first: 0, last: body.length - 1 }
    if (kind !== 'large') return whole
    response.setHeader('Accept-Ranges', 'bytes')
    if (headers['if-range'] !== undefined && headers['if-range'] !== tag) return whole
    const parsed = parseRange(headers.range, body.length)
    if (parsed.kind === 'unsatisfiable') return 'unsatisfiable'
    if (parsed.kind !== 'range') return whole
    response.statusCode = 206
    response.setHeader('Content-Range', contentRange(parsed.range, body.length))
    return parsed.range
  }

  #send(path: string, response: ServerResponse, bytes: Buffer): void {
    const waiting = this.#held.get(path)
    if (waiting === undefined) return void response.end(bytes)
    const half = Math.floor(bytes.length / 2)
    response.write(bytes.subarray(0, half))
    waiting.add(() => response.end(bytes.subarray(half)))
  }
}

function headOf(
  path: string,
  version: number,
): { fields: Record<string, string>; validators: Record<string, string> } {
  const kind = kindOf(path)
  const fields: Record<string, string> = { ...KINDS[kind].fields, 'X-Version': String(version) }
  if (kind === 'live') {
    fields['Content-Type'] = 'application/vnd.apple.mpegurl'
    fields['Sluice-Live'] = `${version}.0;target=2;part=0.2`
    fields['Sluice-Cache-Control'] = 'max-age-ms=60'
  }
  if (kind === 'bare') return { fields, validators: {} }
  if (kind === 'dated') {
    const changed = new Date(Date.UTC(2026, 0, 1) + version * 1_000)
    return { fields, validators: { 'Last-Modified': changed.toUTCString() } }
  }
  return { fields, validators: { ETag: `"${version}"` } }
}

function isConfirmed({ headers }: IncomingMessage, validators: Record<string, string>): boolean {
  const { 'if-none-match': tag, 'if-modified-since': since } = headers
  if (tag !== undefined) return tag === validators['ETag']
  const changed = validators['Last-Modified']
  return since !== undefined && changed !== undefined && Date.parse(since) >= Date.parse(changed)
}

/** Paths that end with an odd number have another length in each version. */
function lengthOf(path: string, version: number): number {
  const { from, to } = KINDS[kindOf(path)]
  const changing = /[13579]$/.test(path) ? version : 1
  return from + ((path.length * 7_919 + changing * 104_729) % (to - from))
}

function makeBody(path: string, version: number): Buffer {
  const length = lengthOf(path, version)
  const body = Buffer.alloc(Math.ceil(length / LINE) * LINE, ' ')
  for (let at = 0; at < body.length; at += LINE) {
    body.write(`${path} v${version} ${at}`, at, 'latin1')
    body[at + LINE - 1] = 0x0a
  }
  return body.subarray(0, length)
}

/** The version that a part of a body says it is of; undefined where it says none. */
export function versionIn(bytes: Buffer, first: number): number | undefined {
  const from = (LINE - (first % LINE)) % LINE
  const line = bytes.subarray(from, from + LINE).toString('latin1')
  const version = / v(\d+) \d+ *\n?$/.exec(line)?.[1]
  return version === undefined ? undefined : Number(version)
}

import { instant, type CanonicalPath, type DistributionId, type Instant } from '../../src/core/index.ts'
import {
  ObjectCache,
  type CacheRequest,
  type CacheTier,
  type Found,
  type Question,
  type UpstreamAnswer,
} from '../../src/cache/index.ts'
import { cacheKey } from '../../src/http/index.ts'

export const START = instant(Date.UTC(2026, 10, 22))
const DISTRIBUTION = 'ETEST' as DistributionId // a test's own

/** A body whose chunks the test hands out one by one. */
export class ScriptedBody implements AsyncIterable<Uint8Array> {
  destroyed = false
  readonly #queue: (string | Error)[] = []
  #wake: () => void = () => {}

  /** `end` ends the body, an Error breaks it. */
  push(...items: (string | Error)[]): this {
    this.#queue.push(...items)
    this.#wake()
    return this
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const item = this.#queue.shift()
      if (item === undefined) await new Promise<void>(resolve => (this.#wake = resolve))
      else if (item === 'end') return
      else if (item instanceof Error) throw item
      else yield Buffer.from(item)
    }
  }
}

export interface Scripted {
  status?: number
  headers?: string[]
  body?: ScriptedBody
  sequence?: number
  /** Of the viewer's fields, in lower case. */
  forwarded?: string[]
}

/** A cache before an upstream that answers as the test says, with a clock that the test moves. */
export class Bench {
  now: Instant = START
  sequence = 0
  newest = 0
  readonly asked: Question[] = []
  readonly #answers: (Scripted | Error | Promise<Scripted>)[] = []
  readonly cache: ObjectCache

  constructor(
    sizes: { maxBytes?: number; largestObject?: number; disk?: CacheTier; patience?: number } = {},
  ) {
    this.cache = new ObjectCache({
      maxBytes: sizes.maxBytes ?? 1_000_000,
      largestObject: sizes.largestObject ?? 100_000,
      clock: { now: () => this.now },
      ...(sizes.disk && { disk: sizes.disk }),
      ...(sizes.patience !== undefined && { patience: sizes.patience }),
      invalidations: { newest: () => this.newest, applied: () => this.sequence },
    })
  }

  /** What the upstream says to the next questions, in order. */
  answer(...answers: (Scripted | Error | Promise<Scripted>)[]): void {
    this.#answers.push(...answers)
  }

  /** `fields` are those of the viewer's that the upstream is shown, as it would be any other. */
  request(path = '/a', fields?: string[]): CacheRequest {
    const canonical = path as CanonicalPath // a test's own
    return {
      key: cacheKey(DISTRIBUTION, canonical, ''),
      distributionId: DISTRIBUTION,
      path,
      bounds: { minimum: 0, default: 86_400, maximum: 31_536_000 },
      ...(fields && { selection: { selects: name => name !== 'accept-encoding', fields } }),
      ask: async question => {
        this.asked.push(question)
        const next = await this.#answers.shift()
        if (next === undefined) throw new Error('the upstream was asked once too often')
        if (next instanceof Error) throw next
        return this.#upstream(next)
      },
    }
  }

  get(path?: string, fields?: string[]): Promise<Found> {
    return Promise.resolve(this.cache.lookup(this.request(path, fields)))
  }

  /** Looks up and reads all of it. */
  async body(path?: string, fields?: string[]): Promise<[kind: string, body: string]> {
    const found = await this.get(path, fields)
    return [found.kind, await read(found)]
  }

  #upstream(scripted: Scripted): UpstreamAnswer {
    const body = scripted.body ?? new ScriptedBody().push('hello', 'end')
    return {
      status: scripted.status ?? 200,
      headers: scripted.headers ?? ['Cache-Control', 'max-age=60', 'ETag', '"1"'],
      requestedAt: this.now,
      respondedAt: this.now,
      ...(scripted.sequence !== undefined && { sequence: scripted.sequence }),
      ...(scripted.forwarded && { forwarded: scripted.forwarded }),
      body,
      destroy: () => {
        body.destroyed = true
      },
    }
  }
}

export async function read(found: Found): Promise<string> {
  if ('object' in found) return found.object.body.toString()
  const chunks: Uint8Array[] = []
  for await (const chunk of found.kind === 'filling' ? found.fill.read(0) : found.answer.body)
    chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

/** Lets everything that can run now run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

import type { UpstreamAnswer } from '../cache/index.ts'
import { codeOf, Lru, messageOf, SluiceError, type Clock, type Milliseconds } from '../core/index.ts'
import type { HttpOrigin, Origin, S3Origin } from '../distribution/index.ts'
import type { Guard } from '../outbound/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { bucketAnswer, bucketRequest, bucketUrl, storeError } from './origin-bucket.ts'
import { openConnections, type Connections } from './origin-connections.ts'
import { foreignAnswer, httpRequest, type OriginRequest } from './origin-request.ts'
import { askPatiently, overloaded } from './upstream-patience.ts'
import type { Asks, UpstreamQuestion } from './upstream.ts'

export interface ForeignOriginsOptions {
  clock: Clock
  guard: Guard
  log: Logger
  authorities?: string
}

/** An origin that is down is left alone soon: it is not ours to wake, and others wait for their answers meanwhile. */
const PAUSES: readonly Milliseconds[] = [100]
/** Addresses of origins with open connections; past that, those asked longest ago connect anew. */
const MOST_ORIGINS = 256
const CONNECTIONS = { prompt: 64, held: 256 }
/** Every request meets the same trouble; it is told so often. */
const TELL_AGAIN: Milliseconds = 60_000

/** HTTP servers and buckets that are not ours: what they are told, and what of their answers goes on. */
export class ForeignOrigins implements Asks {
  readonly #options: ForeignOriginsOptions
  readonly #open: Lru<string, Connections>
  readonly #ending = new Set<Connections>()
  readonly #told = new Lru<string, true>({ max: MOST_ORIGINS, ttl: TELL_AGAIN })

  constructor(options: ForeignOriginsOptions) {
    this.#options = options
    this.#open = new Lru({ max: MOST_ORIGINS, dispose: connections => this.#letGo(connections) })
  }

  async ask(question: UpstreamQuestion): Promise<UpstreamAnswer> {
    try {
      return await this.#ask(question)
    } catch (error) {
      this.#tell(question.origin, error)
      throw error
    }
  }

  #ask(question: UpstreamQuestion): Promise<UpstreamAnswer> {
    const { origin } = question
    switch (origin.kind) {
      case 'http':
        return this.#askServer(origin, question)
      case 's3':
        return this.#askBucket(origin, question)
      case 'built-in':
        throw new Error('the built-in origin is asked by node token')
      default:
        return origin satisfies never
    }
  }

  async #askServer(origin: HttpOrigin, question: UpstreamQuestion): Promise<UpstreamAnswer> {
    const request = httpRequest(origin, question)
    const answer = await this.#send(question, request)
    const secrets = origin.headers.map(({ name }) => name)
    return { ...answer, headers: foreignAnswer(answer.headers, secrets), forwarded: request.forwarded }
  }

  async #askBucket(origin: S3Origin, question: UpstreamQuestion): Promise<UpstreamAnswer> {
    const { clock } = this.#options
    const request = bucketRequest(origin, question, clock.now())
    if (request.kind === 'no-object') {
      const now = clock.now()
      return { ...storeError(404), requestedAt: now, respondedAt: now, forwarded: [] }
    }
    const answer = await bucketAnswer(await this.#send(question, request), request.signer)
    return { ...answer, headers: foreignAnswer(answer.headers, []), forwarded: request.forwarded }
  }

  async #send(question: UpstreamQuestion, request: OriginRequest): Promise<UpstreamAnswer> {
    const { lane, channel, patience } = question
    const { url, target, headers } = request
    const leave = this.#connectionsTo(url).take(lane, channel)
    if (leave === undefined) throw overloaded()
    try {
      const answer = await askPatiently({
        // Looked up for each try: they may have been let go meanwhile.
        ask: () => this.#connectionsTo(url).get(lane, target, headers),
        pauses: patience === 'full' ? PAUSES : [],
      })
      if (answer.status <= 599) return answer
      answer.destroy()
      throw noStatus(answer.status)
    } finally {
      leave()
    }
  }

  #connectionsTo(url: string): Connections {
    let connections = this.#open.get(url)
    if (connections === undefined) {
      connections = openConnections({ ...this.#options, url, most: CONNECTIONS })
      this.#open.set(url, connections)
    }
    return connections
  }

  /** Lets go of the connections to every other origin, once what is under way on them has ended. */
  keep(origins: readonly Origin[]): void {
    const kept = new Set(origins.map(urlOf))
    for (const url of [...this.#open.keys()]) if (!kept.has(url)) this.#open.delete(url)
  }

  /** Tests count them. */
  get open(): number {
    return this.#open.size
  }

  #letGo(connections: Connections): void {
    this.#ending.add(connections)
    const ended = (): void => void this.#ending.delete(connections)
    connections.close().then(ended, ended)
  }

  /** What only an operator can mend, and what a stale answer would hide for long. */
  #tell(origin: Origin, error: unknown): void {
    if (!OPERATORS.has(codeOf(error) ?? '')) return
    const why = messageOf(error)
    if (this.#told.has(`${origin.id} ${why}`)) return
    this.#told.set(`${origin.id} ${why}`, true)
    this.#options.log.error({ origin: origin.id, why }, 'an origin cannot be asked')
  }

  async close(): Promise<void> {
    const all = [...this.#open.values(), ...this.#ending]
    this.#open.clear()
    await Promise.all(all.map(connections => connections.destroy()))
  }
}

/** RFC 9110 §15 ends with 599, and HTTP/2 can say no more. */
function noStatus(status: number): SluiceError {
  return new SluiceError('upstream-unreadable', `the origin answered ${status}, which is no status`, {
    side: 'upstream',
    kind: 'unavailable',
  })
}

const OPERATORS: ReadonlySet<string> = new Set(['address-refused', 'origin-access'])

/** As the connections to it are known by. */
function urlOf(origin: Origin): string | undefined {
  switch (origin.kind) {
    case 'built-in':
      return undefined
    case 'http':
      return new URL(origin.url).origin
    case 's3':
      return bucketUrl(origin)
    default:
      return origin satisfies never
  }
}

import type { UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, Lru, messageOf, type Clock, type Milliseconds } from '../../core/index.ts'
import { DEFAULT_WIRE, type HttpOrigin, type Origin, type S3Origin } from '../../distribution/index.ts'
import type { FlatHeaders } from '../../http/index.ts'
import type { Guard } from '../../outbound/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import { NOBODY, type Counts } from '../counts.ts'
import { bucketAnswer, bucketRequest, bucketUrl, storeError } from './origin-bucket.ts'
import { secretsOf } from './forwarding.ts'
import { openConnections, type Connections, type Sent } from './origin-connections.ts'
import { unreadable, type Wire } from './origin-limits.ts'
import { foreignAnswer, httpRequest, placeOf, serverOf, type OriginRequest } from './origin-request.ts'
import { askPersistently, overloaded } from './patience.ts'
import { askUpgrade, type Upgraded } from './upgrade.ts'
import type { Asks, RelayedRequest, UpgradeRequest, UpstreamQuestion } from './upstream.ts'

export interface ForeignOriginsOptions {
  clock: Clock
  guard: Guard
  log: Logger
  counts: Counts
  authorities?: string
}

/** Addresses of origins with open connections; past that, those asked longest ago connect anew. */
const MOST_ORIGINS = 256
const CONNECTIONS = { prompt: 256, held: 256, relayed: 256 }
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
    const fields = foreignAnswer(answer.headers, secretsOf(origin), question.cookies)
    return { ...answer, headers: fields, forwarded: request.forwarded }
  }

  async #askBucket(origin: S3Origin, question: UpstreamQuestion): Promise<UpstreamAnswer> {
    const { clock } = this.#options
    const request = bucketRequest(origin, question, clock.now())
    if (request.kind === 'no-object') {
      const now = clock.now()
      return { ...storeError(404), requestedAt: now, respondedAt: now, forwarded: [] }
    }
    const answer = await bucketAnswer(await this.#send(question, request), request.signer)
    return {
      ...answer,
      headers: foreignAnswer(answer.headers, secretsOf(origin)),
      forwarded: request.forwarded,
    }
  }

  async #send(question: UpstreamQuestion, request: OriginRequest): Promise<UpstreamAnswer> {
    const { lane, channel, patience, origin } = question
    const { url, target, headers } = request
    const place = { url, wire: wireOf(origin) }
    const answer = await this.#persist(
      place,
      {
        ...{ lane, method: question.method ?? 'GET', target, headers, interim: question.interim },
        count: this.#options.counts.ofOrigin(question.distributionId),
      },
      {
        owner: channel,
        // Where something stale is at hand, an origin that is away is not waited for.
        attempts: patience === 'full' ? attemptsOf(origin) : 1,
        repeatable: true,
      },
    )
    if (answer.status !== 206 || question.range !== undefined) return answer
    answer.destroy()
    throw unreadable('the origin answered 206 to a question for the whole')
  }

  /** Sends a viewer's own request on; its answer is his alone. */
  async relay(relayed: RelayedRequest): Promise<UpstreamAnswer> {
    const { origin, method, headers, body, signal, cookies } = relayed
    const { url, target } = placeOf(origin, relayed)
    const count = this.#options.counts.ofOrigin(relayed.owner ?? NOBODY)
    const sent: Sent = { lane: 'relayed', method, target, headers, signal, count, ...(body && { body }) }
    try {
      const answer = await this.#persist({ url, wire: wireOf(origin) }, sent, {
        owner: relayed.owner,
        attempts: attemptsOf(origin),
        repeatable: body === undefined && IDEMPOTENT.has(method),
      })
      return { ...answer, headers: foreignAnswer(answer.headers, secretsOf(origin), cookies) }
    } catch (error) {
      this.#tell(origin, error)
      throw error
    }
  }

  /** Asks for another protocol; where the origin stays with HTTP, its answer is the viewer's. */
  async upgrade(request: UpgradeRequest): Promise<Upgraded> {
    const { origin, cookies, headers, protocol, signal } = request
    const count = this.#options.counts.ofOrigin(request.distributionId)
    const asked = { ...placeOf(origin, request), wire: wireOf(origin), headers, protocol, signal, count }
    const kept = (fields: FlatHeaders): string[] => foreignAnswer(fields, secretsOf(origin), cookies)
    try {
      const upgraded = await askPersistently({
        ask: () => askUpgrade({ ...this.#options, ...asked }),
        ...{ attempts: attemptsOf(origin), repeatable: false },
      })
      if (upgraded.kind === 'switched') return { ...upgraded, headers: kept(upgraded.headers) }
      const { answer } = upgraded
      return { kind: 'answered', answer: { ...answer, headers: kept(answer.headers) } }
    } catch (error) {
      this.#tell(origin, error)
      throw error
    }
  }

  async #persist(place: Place, sent: Sent, how: Persisting): Promise<UpstreamAnswer> {
    const leave = this.#connectionsTo(place).take(sent.lane, how.owner)
    if (leave === undefined) throw overloaded()
    try {
      const answer = await askPersistently({
        // Looked up for each try: they may have been let go meanwhile.
        ask: () => this.#connectionsTo(place).send(sent),
        ...{ attempts: how.attempts, repeatable: how.repeatable },
      })
      if (answer.status <= 599) return answer
      answer.destroy()
      throw unreadable(`the origin answered ${answer.status}, which is no status`)
    } finally {
      leave()
    }
  }

  #connectionsTo(place: Place): Connections {
    const name = nameOf(place)
    let connections = this.#open.get(name)
    if (connections === undefined) {
      connections = openConnections({ ...this.#options, ...place, most: CONNECTIONS })
      this.#open.set(name, connections)
    }
    return connections
  }

  /** Lets go of the connections to every other origin, once what is under way on them has ended. */
  keep(origins: readonly Origin[]): void {
    const kept = new Set(
      origins.flatMap(origin => urlsOf(origin).map(url => nameOf({ url, wire: wireOf(origin) }))),
    )
    for (const name of [...this.#open.keys()]) if (!kept.has(name)) this.#open.delete(name)
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

/** A server, and how long it is waited for: origins that differ in that do not share connections. */
interface Place {
  url: string
  wire: Wire
}

function nameOf({ url, wire }: Place): string {
  return [url, wire.connect, wire.response, wire.keepAlive, ...(wire.tls ?? [])].join(' ')
}

interface Persisting {
  /** Who may not crowd out others. */
  owner: string | undefined
  attempts: number
  repeatable: boolean
}

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['PUT', 'DELETE', 'OPTIONS'])

const OPERATORS: ReadonlySet<string> = new Set(['address-refused', 'origin-access'])

function wireOf(origin: Origin): Wire {
  const { connectTimeout, responseTimeout, keepAlive } = origin.kind === 'http' ? origin : DEFAULT_WIRE
  return {
    ...{ connect: connectTimeout * 1000, response: responseTimeout * 1000, keepAlive: keepAlive * 1000 },
    tls: origin.kind === 'http' ? origin.tls : undefined,
  }
}

function attemptsOf(origin: Origin): number {
  return (origin.kind === 'http' ? origin : DEFAULT_WIRE).attempts
}

/** Every server that it may be asked at. */
function urlsOf(origin: Origin): string[] {
  switch (origin.kind) {
    case 'built-in':
      return []
    case 'http':
      return [serverOf(origin, 'http'), serverOf(origin, 'https')]
    case 's3':
      return [bucketUrl(origin)]
    default:
      return origin satisfies never
  }
}

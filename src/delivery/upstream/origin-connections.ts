import { isIP } from 'node:net'
import { Readable } from 'node:stream'
import { buildConnector, Pool, type Dispatcher } from 'undici'
import type { UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, KiB, SluiceError, type Clock, type Milliseconds } from '../../core/index.ts'
import { endToEnd, type FlatHeaders } from '../../http/index.ts'
import type { NodeTls } from '../../membership/index.ts'
import type { Guard } from '../../outbound/index.ts'
import type { OriginCount } from '../counts.ts'
import { AnswerWatch } from './answer-watch.ts'
import { ConnectionFates, Unanswered } from './connection-fates.ts'
import { guarded } from './guarded.ts'
import {
  LARGEST_HEAD,
  MOST_FIELDS,
  unreadable,
  tlsVersions,
  type HeadLimits,
  type Wire,
} from './origin-limits.ts'
import type { Interim } from '../answer/interim.ts'
import { Places } from './places.ts'

/**
 * `held` may be answered seconds later, when what it asks for has come to be; it must not keep others waiting. What is
 * `relayed` is a viewer's own request with its body, which may take as long as he does.
 */
export type Lane = 'prompt' | 'held' | 'relayed'

const DEFAULT_LIMITS: Wire = { connect: 5_000, response: 30_000, keepAlive: 4_000 }
const ORIGINS_HEAD: HeadLimits = { bytes: LARGEST_HEAD, fields: MOST_FIELDS }

export interface ConnectionsOptions {
  /** Scheme, host and port; what follows does not count. */
  url: string
  clock: Clock
  /** How many connections each lane may open. */
  most: Partial<Record<Lane, number>>
  wire?: Wire
  /** Larger heads are refused; an origin's limits when left out. */
  head?: HeadLimits
  /** Of another process on this machine, in place of host and port. */
  socketPath?: string
  /** What may be connected to; undefined for a node of ours, whose address is this installation's own word. */
  guard?: Guard | undefined
  /** PEM; in place of the system's, for tests. */
  authorities?: string | undefined
  /** Of a node of ours on another machine; asked for each time that a connection is made. */
  node?: (() => NodeTls | undefined) | undefined
}

/** One request as it goes out. */
export interface Sent {
  lane: Lane
  method: string
  target: string
  /** End-to-end fields. Content-Length is that of the body; a body without one goes out in chunks. */
  headers: FlatHeaders
  /** Not read before the connection is there, and no faster than the origin takes it. */
  body?: AsyncIterable<Uint8Array>
  /** Ends the request, and its answer where that has begun. */
  signal?: AbortSignal
  /** Is told of what comes before the answer, as often as that comes. */
  interim?: Interim | undefined
  /** Where it is counted: as often as it is written to a connection. */
  count?: OriginCount
}

/** The door to undici: kept-alive connections, HTTP/1.1, to one origin or node. */
export interface Connections {
  /** One GET, asked once. Rejects with `Unanswered`, or with a SluiceError of side `upstream`. */
  get(lane: Lane, target: string, headers: FlatHeaders): Promise<UpstreamAnswer>
  /** As `get`, of any method, with or without a body. */
  send(sent: Sent): Promise<UpstreamAnswer>
  /** A place among those who wait for an answer, and the way to leave it; undefined when too many wait. */
  take(lane: Lane, owner: string | undefined): (() => void) | undefined
  /** Takes no more, and lets what is under way end. */
  close(): Promise<void>
  /** Ends at once. */
  destroy(): Promise<void>
}

/** A held question waits three target durations (SEAMS 19), long ones included. */
const LONGEST_HOLD: Milliseconds = 150_000
/** Questions of one lane without an answer; past that another one would only be late. */
export const MOST_WAITING = 2_000
const REST_WITHIN: Milliseconds = 1_000

export function openConnections(options: ConnectionsOptions): Connections {
  const { clock, wire = DEFAULT_LIMITS, head = ORIGINS_HEAD } = options
  const pools = new Map<Lane, OpenPool>()
  const places = new Map<Lane, Places>()
  const poolOf = (lane: Lane): OpenPool => made(pools, lane, () => open({ ...options, wire, head }, lane))
  // Whatever Host an origin is told, it proves to be who is asked. undici's types do not know this option.
  const proved = options.guard === undefined ? {} : { servername: new URL(options.url).hostname }

  async function send(sent: Sent): Promise<UpstreamAnswer> {
    const { lane, method, target, headers, body, count } = sent
    const { pool, fates } = poolOf(lane)
    const opened = fates.opened
    const watch = new AnswerWatch(wire.connect, responseWithin(wire, lane), sent.signal)
    const requestedAt = clock.now()
    try {
      const answer = await pool.request({
        ...{ method, path: target, headers: [...headers], responseHeaders: 'raw' },
        ...proved,
        ...(count && { count }),
        body: body === undefined ? null : Readable.from(submitted(watch.upload(body), count)),
        signal: watch.signal,
        onInfo: info => {
          watch.interim(info.statusCode)
          // As above.
          sent.interim?.(info.statusCode, info.headers as unknown as string[])
        },
      })
      answer.body.once('close', () => watch.forget())
      // `responseHeaders: 'raw'` makes it the flat list; undici's types do not follow the option.
      const fields = answer.headers as unknown as string[]
      const destroy = (): void => letGo(answer.body)
      if (fields.length / 2 > head.fields) {
        destroy()
        throw unreadable(`the origin answered with more than ${head.fields} header fields`)
      }
      const respondedAt = clock.now()
      return {
        ...{ status: answer.statusCode, headers: endToEnd(fields), requestedAt, respondedAt },
        ...{ body: answer.body, destroy },
      }
    } catch (error) {
      watch.forget()
      throw error instanceof SluiceError
        ? error
        : new Unanswered(fates.fateOf(error, opened), codeOf(error), error)
    } finally {
      watch.end()
    }
  }

  return {
    send,
    get: (lane, target, headers) => send({ lane, method: 'GET', target, headers }),
    take: (lane, owner) => made(places, lane, () => new Places(MOST_WAITING)).take(owner),
    async close() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.close()))
    },
    async destroy() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.destroy()))
    },
  }
}

/** undici's, which hands what it is asked on to `dispatch` as it is, and tells the one who asks there what comes of it. */
class CountedPool extends Pool {
  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { count } = options as { count?: OriginCount } // its types do not know ours
    if (count !== undefined) countBy(count, handler)
    return super.dispatch(options, handler)
  }
}

/** Its own handlers for requests have these two. */
function countBy(count: OriginCount, handler: Dispatcher.DispatchHandler): void {
  const onConnect = handler.onConnect?.bind(handler)
  const onData = handler.onData?.bind(handler)
  handler.onConnect = (...given) => {
    count.asked()
    onConnect?.(...given)
  }
  handler.onData = chunk => {
    count.answered(chunk.length)
    return onData?.(chunk) ?? true
  }
}

async function* submitted(
  body: AsyncIterable<Uint8Array>,
  count: OriginCount | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    count?.submitted(chunk.length)
    yield chunk
  }
}

function made<Value>(map: Map<Lane, Value>, lane: Lane, make: () => Value): Value {
  let value = map.get(lane)
  if (value === undefined) map.set(lane, (value = make()))
  return value
}

function responseWithin({ response }: Wire, lane: Lane): Milliseconds {
  return lane === 'held' ? Math.max(response, LONGEST_HOLD) : response
}

/** What is left of a short body is read away so that the connection can serve again; one that is long or slow ends. */
function letGo(body: { dump(options: { limit: number; signal: AbortSignal }): Promise<void> }): void {
  body.dump({ limit: 64 * KiB, signal: AbortSignal.timeout(REST_WITHIN) }).catch(() => {})
}

interface OpenPool {
  pool: CountedPool
  fates: ConnectionFates
}

function open(
  options: ConnectionsOptions & Required<Pick<ConnectionsOptions, 'wire' | 'head'>>,
  lane: Lane,
): OpenPool {
  const { wire, head } = options
  const fates = new ConnectionFates()
  const pool = new CountedPool(new URL(options.url).origin, {
    connections: options.most[lane] ?? 1,
    headersTimeout: responseWithin(wire, lane),
    bodyTimeout: wire.response,
    keepAliveTimeout: wire.keepAlive,
    keepAliveMaxTimeout: wire.keepAlive,
    maxHeaderSize: head.bytes,
    pipelining: 1,
    connect: watched(connectorOf(options, wire), fates),
  })
  return { pool, fates }
}

function watched(connect: buildConnector.connector, fates: ConnectionFates): buildConnector.connector {
  return (request, callback) =>
    connect(request, (...[error, socket]) => {
      if (error !== null) {
        fates.noConnection(error)
        return callback(error, null)
      }
      fates.connected(socket)
      callback(null, socket)
    })
}

function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0
}

/** Every connection is checked anew, whatever its name meant for the one before. */
function connectorOf(options: ConnectionsOptions, wire: Wire): buildConnector.connector {
  const { url, guard, authorities, socketPath, node } = options
  const timeout = wire.connect
  if (node !== undefined) {
    // Made anew each time, so that it shows a certificate that was renewed meanwhile.
    return (request, callback) =>
      buildConnector({ timeout, ...node(), rejectUnauthorized: true, session: undefined })(request, callback)
  }
  if (guard === undefined) return buildConnector({ timeout, ...(socketPath !== undefined && { socketPath }) })
  const connect = buildConnector({
    timeout,
    lookup: guarded(guard, url).lookup,
    // Said, so that NODE_TLS_REJECT_UNAUTHORIZED does not unsay it.
    rejectUnauthorized: true,
    ...tlsVersions(wire),
    ...(authorities !== undefined && { ca: authorities }),
  })
  return (request, callback) => {
    const { refusal } = guarded(guard, url)
    // An address is no name to ask for (RFC 6066 §3), and is what the certificate has to hold then.
    const named = isAddress(request.hostname) ? { ...request, servername: '' } : request
    if (refusal === undefined) connect(named, callback)
    else queueMicrotask(() => callback(refusal, null))
  }
}

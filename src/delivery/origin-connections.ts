import { buildConnector, Pool } from 'undici'
import type { UpstreamAnswer } from '../cache/index.ts'
import { KiB, type Clock, type Milliseconds } from '../core/index.ts'
import { endToEnd, type FlatHeaders } from '../http/index.ts'
import { addressRefused, literalRefusal, type Guard } from '../outbound/index.ts'
import { Places } from './places.ts'

/** `held` may be answered seconds later, when what it asks for has come to be; it must not keep others waiting. */
export type Lane = 'prompt' | 'held'

export interface ConnectionsOptions {
  /** Scheme, host and port; what follows does not count. */
  url: string
  clock: Clock
  /** How many connections each lane may open. */
  most: Record<Lane, number>
  /** What may be connected to; undefined for a node of ours, whose address is this installation's own word. */
  guard?: Guard | undefined
  /** PEM; in place of the system's, for tests. */
  authorities?: string | undefined
}

/** The door to undici: kept-alive connections, HTTP/1.1, to one origin or node. */
export interface Connections {
  /** One GET, asked once. Rejects with what undici or the system threw. */
  get(lane: Lane, target: string, headers: FlatHeaders): Promise<UpstreamAnswer>
  /** A place among those who wait for an answer, and the way to leave it; undefined when too many wait. */
  take(lane: Lane, owner: string | undefined): (() => void) | undefined
  /** Takes no more, and lets what is under way end. */
  close(): Promise<void>
  /** Ends at once. */
  destroy(): Promise<void>
}

const BODY_TIMEOUT: Milliseconds = 30_000
const CONNECT_TIMEOUT: Milliseconds = 5_000
/** A held question waits three target durations (SEAMS 19), long ones included. */
const HEADERS_TIMEOUT: Record<Lane, Milliseconds> = { prompt: 30_000, held: 150_000 }
/** Questions of one lane without an answer; past that another one would only be late. */
export const MOST_WAITING = 2_000
const REST_WITHIN: Milliseconds = 1_000

export function openConnections(options: ConnectionsOptions): Connections {
  const { clock } = options
  const pools: Record<Lane, Pool> = { prompt: open(options, 'prompt'), held: open(options, 'held') }
  const places = { prompt: new Places(MOST_WAITING), held: new Places(MOST_WAITING) }
  return {
    async get(lane, target, headers) {
      const requestedAt = clock.now()
      const answer = await pools[lane].request({
        ...{ method: 'GET', path: target, responseHeaders: 'raw' },
        headers: [...headers],
      })
      return {
        status: answer.statusCode,
        // `responseHeaders: 'raw'` makes it the flat list; undici's types do not follow the option.
        headers: endToEnd(answer.headers as unknown as string[]),
        requestedAt,
        respondedAt: clock.now(),
        body: answer.body,
        // What is left of a short body is read away so that the connection can serve again; one that is long or slow
        // is aborted.
        destroy: () =>
          void answer.body
            .dump({ limit: 64 * KiB, signal: AbortSignal.timeout(REST_WITHIN) })
            .catch(() => {}),
      }
    },
    take: (lane, owner) => places[lane].take(owner),
    async close() {
      await Promise.all([pools.prompt.close(), pools.held.close()])
    },
    async destroy() {
      await Promise.all([pools.prompt.destroy(), pools.held.destroy()])
    },
  }
}

function open(options: ConnectionsOptions, lane: Lane): Pool {
  const { guard, authorities } = options
  return new Pool(new URL(options.url).origin, {
    connections: options.most[lane],
    headersTimeout: HEADERS_TIMEOUT[lane],
    bodyTimeout: BODY_TIMEOUT,
    pipelining: 1,
    connect: guard === undefined ? { timeout: CONNECT_TIMEOUT } : guarded(options.url, guard, authorities),
  })
}

/** Every connection is checked anew, after its name is resolved: what a name meant a minute ago does not count. */
function guarded(url: string, guard: Guard, authorities: string | undefined): buildConnector.connector {
  const { hostname, port, protocol } = new URL(url)
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT,
    lookup: guard.lookupFor(number),
    // Said, so that NODE_TLS_REJECT_UNAUTHORIZED does not unsay it.
    rejectUnauthorized: true,
    ...(authorities !== undefined && { ca: authorities }),
  })
  return (request, callback) => {
    const refusal = literalRefusal(guard, hostname, number)
    if (refusal === undefined) connect(request, callback)
    else queueMicrotask(() => callback(addressRefused(refusal), null))
  }
}

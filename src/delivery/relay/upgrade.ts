import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Milliseconds } from '../../core/index.ts'
import { fields, type FlatHeaders } from '../../http/index.ts'
import { known, type Exchange, type Step } from '../exchange.ts'
import { record } from '../record.ts'
import { sendError } from '../answer/refusal.ts'
import { answerWith, cookiesOf, relayedFields, relayedQuery } from './relay.ts'
import { hasLeft } from '../answer/send-stream.ts'
import { override, secretFields } from '../upstream/origin-request.ts'
import type { Upgraded } from '../upstream/upgrade.ts'
import { sendTrouble } from '../upstream/trouble.ts'

/** Each holds two sockets for as long as two others like. */
const MOST = 5_000
/** CloudFront's. */
const IDLE: Milliseconds = 600_000

/** What passes is counted so often; it has left by then. */
const COUNT: Milliseconds = 1_000

/** For the other side, once one has ended. */
const LAST_WORDS: Milliseconds = 5_000

/** The connections of one node that have left HTTP; past so many, others are refused. */
export class UpgradedConnections {
  readonly #most: number
  readonly #idle: Milliseconds
  #count = 0

  constructor(options: { most?: number; idle?: Milliseconds } = {}) {
    this.#most = options.most ?? MOST
    this.#idle = options.idle ?? IDLE
  }

  get count(): number {
    return this.#count
  }

  /** A place, and the way to leave it; undefined when there is none. */
  take(): (() => void) | undefined {
    if (this.#count >= this.#most) return undefined
    this.#count++
    return () => void this.#count--
  }

  /**
   * Carries bytes between two connections, as fast as each side takes them, until one ends or nothing has moved for too
   * long. What that one has said still reaches the other; then both are gone.
   */
  join(viewer: Socket, origin: Duplex): Promise<void> {
    return new Promise(resolve => {
      const end = (): void => {
        clearTimeout(late)
        viewer.destroy()
        origin.destroy()
      }
      let late: NodeJS.Timeout | undefined
      const last = (): void => void (late ??= setTimeout(end, LAST_WORDS))
      viewer.setTimeout(this.#idle, end)
      for (const side of [viewer, origin]) side.on('error', end).once('finish', last).once('end', last)
      origin.once('close', () => viewer.destroySoon())
      viewer.once('close', () => {
        end()
        resolve()
      })
      viewer.pipe(origin)
      origin.pipe(viewer)
    })
  }
}

/** Takes the request for another protocol to the origin; when that agrees, all that follows passes through. */
export const upgrade: Step = async (x: Exchange) => {
  const { node, request, response } = x
  const { headers } = request
  const { origin } = known(x.origins, 'the source')
  // RFC 6455 §4.1; passed on, it would be another request than the viewer's.
  if (request.method !== 'GET') return sendError(x, 400, 'InvalidRequest', 'A request to leave HTTP is a GET')
  // What comes behind the head is the other protocol's, and so cannot be a body as well (RFC 9110 §7.8).
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)
    return sendError(x, 400, 'InvalidRequest', 'A request to leave HTTP has no body')
  // Letting him in may have taken longer than he stayed, and his `close` does not come again.
  if (hasLeft(response)) return record(x) as undefined // nobody is there to be told
  const leave = node.upgraded.take()
  if (leave === undefined || origin.kind !== 'http') {
    leave?.()
    return sendError(x, 503, 'ServiceUnavailable', 'There are too many connections of this kind', [
      ...['Retry-After', '10'],
    ])
  }
  const left = new AbortController()
  response.once('close', () => left.abort())
  try {
    const upgraded = await node.upstream.upgrade({
      ...{ origin, query: relayedQuery(x), cookies: cookiesOf(x), signal: left.signal },
      path: known(x.target, 'the target').path,
      scheme: known(x.viewer, 'the viewer').scheme,
      headers: override(relayedFields(x, origin, undefined), secretFields(origin)),
      protocol: headers.upgrade?.toLowerCase() ?? '',
      distributionId: known(x.served, 'the distribution').distribution.id,
    })
    if (upgraded.kind === 'answered') return answerWith(x, upgraded.answer, undefined)
    try {
      await carry(x, upgraded)
    } finally {
      upgraded.socket.destroy()
    }
  } catch (error) {
    if (hasLeft(response)) return record(x) as undefined // nobody is there to be told
    return sendTrouble(x, error)
  } finally {
    leave()
  }
}

async function carry(
  x: Exchange,
  { headers, socket: origin, head }: Upgraded & { kind: 'switched' },
): Promise<void> {
  const { node, request } = x
  const response = x.response as ServerResponse // HTTP/2 leaves nothing in this way
  const { socket: viewer, head: ahead } = known(x.leaving, 'the connection')
  if (hasLeft(response)) return record(x)
  response.detachSocket(viewer)
  const before = viewer.bytesWritten
  node.usage.counts.begun(x)
  node.usage.counts.commit()
  viewer.write(switching(request.headers.upgrade ?? '', [...headers, ...node.signature(x.id)]), 'latin1')
  viewer.write(head)
  origin.write(ahead)
  x.status = 101
  x.cache = 'Miss'
  const ofOrigin = node.usage.counts.ofOrigin(known(x.served, 'the distribution').distribution.id)
  let heard = viewer.bytesRead
  const count = (): void => {
    const told = viewer.bytesWritten - before
    ofOrigin.answered(told - x.bodyBytes)
    ofOrigin.submitted(viewer.bytesRead - heard)
    heard = viewer.bytesRead
    x.bodyBytes = told
    node.usage.counts.sent(x)
  }
  const counting = setInterval(count, COUNT)
  await node.upgraded.join(viewer, origin)
  clearInterval(counting)
  count()
  response.destroy()
  record(x)
}

function switching(protocol: string, headers: FlatHeaders): string {
  const lines = [...fields(headers)].map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${lines.join('')}\r\n`
}

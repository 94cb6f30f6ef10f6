import { request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as secureRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, SluiceError, type Clock } from '../../core/index.ts'
import { endToEnd, fieldValue, withoutFields, type FlatHeaders } from '../../http/index.ts'
import type { Guard } from '../../outbound/index.ts'
import type { OriginCount } from '../counts.ts'
import { guarded } from './guarded.ts'
import {
  LARGEST_HEAD,
  MOST_FIELDS,
  MOST_INTERIM,
  timedOut,
  tlsVersions,
  unreadable,
  type Wire,
} from './origin-limits.ts'
import { Unanswered } from './connection-fates.ts'

/** A request for another protocol than HTTP on a connection of its own. */
export interface UpgradeAsked {
  /** Scheme, host and port. */
  url: string
  target: string
  /** End-to-end fields. */
  headers: FlatHeaders
  /** In lower case. */
  protocol: string
  wire: Wire
  guard: Guard
  clock: Clock
  authorities?: string | undefined
  signal: AbortSignal
  count: OriginCount
}

export type Upgraded =
  /** From here on the connection is whoever's who holds it; `head` came behind the answer. */
  | { kind: 'switched'; headers: FlatHeaders; socket: Duplex; head: Buffer }
  /** The origin stays with HTTP. */
  | { kind: 'answered'; answer: UpstreamAnswer }

/** Asks once. Rejects with `Unanswered` or a SluiceError of side `upstream`. Node's own client, since undici's tells nothing of a refusal. */
export function askUpgrade(asked: UpgradeAsked): Promise<Upgraded> {
  const { url, target, headers, protocol, guard, clock, authorities, signal, wire, count } = asked
  const { hostname, host, protocol: scheme } = new URL(url)
  const { port, refusal, lookup } = guarded(guard, url)
  if (refusal !== undefined) return Promise.reject(refusal)
  const requestedAt = clock.now()
  const named = fieldValue(headers, 'host') ?? host
  const sent = (scheme === 'https:' ? secureRequest : plainRequest)({
    ...{ host: hostname.replace(/^\[(.*)\]$/, '$1'), port, path: target, method: 'GET' },
    headers: [
      ...['Host', named, 'Connection', 'Upgrade', 'Upgrade', protocol],
      ...withoutFields(headers, HOST),
    ],
    // Whatever it is told, it proves to be who it is by its own name.
    ...(isIP(hostname.replace(/^\[(.*)\]$/, '$1')) === 0 && { servername: hostname }),
    // A connection of its own, which is not HTTP's any more afterwards.
    ...{ agent: false, lookup, maxHeaderSize: LARGEST_HEAD, signal },
    ...tlsVersions(wire),
    ...{ rejectUnauthorized: true, ...(authorities !== undefined && { ca: authorities }) },
  })
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => sent.destroy(timedOut()), wire.connect + wire.response)
    const settled = (): void => clearTimeout(late)
    boundInterim(sent)
    const connected = scheme === 'https:' ? 'secureConnect' : 'connect'
    sent.once('socket', socket => socket.prependOnceListener(connected, () => count.asked()))
    sent.once('error', error => {
      settled()
      reject(error instanceof SluiceError ? error : new Unanswered(fateOf(sent), codeOf(error), error))
    })
    sent.once('upgrade', (answer, socket, head) => {
      settled()
      const fault = faultOf(answer, protocol)
      if (fault === undefined)
        return resolve({ kind: 'switched', headers: endToEnd(answer.rawHeaders), socket, head })
      socket.destroy()
      reject(fault)
    })
    sent.once('response', answer => {
      settled()
      const fault = faultOf(answer, undefined)
      if (fault !== undefined) return void sent.destroy(fault)
      sent.setTimeout(wire.response, () => sent.destroy(timedOut()))
      resolve({
        kind: 'answered',
        answer: answerOf(answer, sent, { requestedAt, respondedAt: clock.now(), count }),
      })
    })
    sent.end()
  })
}

const HOST: ReadonlySet<string> = new Set(['host'])

function boundInterim(sent: ClientRequest): void {
  let interim = 0
  const count = (): void => {
    if (++interim > MOST_INTERIM)
      sent.destroy(unreadable(`the origin sent more than ${MOST_INTERIM} interim answers`))
  }
  sent.on('information', count).on('continue', count)
}

/** Undefined for an answer, or for a switch to what was asked for. */
function faultOf(
  { rawHeaders, headers, statusCode = 0 }: IncomingMessage,
  switched: string | undefined,
): SluiceError | undefined {
  if (rawHeaders.length / 2 > MOST_FIELDS)
    return unreadable(`the origin answered with more than ${MOST_FIELDS} header fields`)
  if (switched === undefined && (statusCode < 200 || statusCode > 599))
    return unreadable(`the origin answered ${statusCode}, which is the end of no answer`)
  if (switched !== undefined && headers.upgrade?.toLowerCase() !== switched)
    return unreadable('the origin switched to a protocol that it was not asked for')
  return undefined
}

/** Without a connection nothing has been sent. */
function fateOf({ socket }: ClientRequest): 'unconnected' | 'broken' {
  return socket === null || socket.bytesWritten === 0 ? 'unconnected' : 'broken'
}

function answerOf(
  answer: IncomingMessage,
  sent: ClientRequest,
  { count, ...times }: Pick<UpstreamAnswer, 'requestedAt' | 'respondedAt'> & { count: OriginCount },
): UpstreamAnswer {
  const status = answer.statusCode ?? 0
  const destroy = (): void => void sent.destroy()
  return { ...times, status, headers: endToEnd(answer.rawHeaders), body: counted(answer, count), destroy }
}

async function* counted(body: AsyncIterable<Buffer>, count: OriginCount): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    count.answered(chunk.length)
    yield chunk
  }
}

import {
  Agent,
  request as requestPlain,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { Agent as TlsAgent, request as requestTls } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Milliseconds, NodeId } from '../core/index.ts'
import { ownersOf, type Channel, type PeerNode } from '../distribution/index.ts'
import { HAND_OVER, PASSED_ON, tlsTo, type Membership, type NodePlace } from '../membership/index.ts'

export interface PassingOptions {
  self: NodeId
  /** Of the snapshot that holds now. */
  nodes: () => readonly PeerNode[]
  membership: Membership | undefined
  /** The value of `Sluice-Node` for origins. */
  token: () => Promise<string>
}

/** What counts of a channel here. */
export interface PassedChannel {
  settings: Pick<Channel, 'path' | 'owner' | 'lease'>
  /** Whether there is a broadcast of it here. */
  isHere: boolean
}

/** The origin that a request belongs to. */
export interface Owner extends NodePlace {
  /** `named`: it was given the channel; `meant`: nobody was, and all origins name it alike. */
  how: 'named' | 'meant'
}

const CONNECT_WITHIN: Milliseconds = 1_500
/** Questions that wait at other origins; more are not passed on. */
const MOST = 2_000
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'host',
  'sluice-node',
  'te',
  'upgrade',
])

/** A request as it came; `target` is what stood in its first line. */
export interface Passed {
  target: string
  request: IncomingMessage
  response: ServerResponse
}

/** Hands requests for channels of other origins on to them, one hop far (SEAMS 28). */
export class Passing {
  readonly #options: PassingOptions
  readonly #agents = { plain: new Agent({ keepAlive: true }), tls: new TlsAgent({ keepAlive: true }) }
  #under = 0

  constructor(options: PassingOptions) {
    this.#options = options
  }

  /** Whose a request is that is not this origin's; undefined when it is to be answered here. */
  ownerOf({ settings, isHere }: PassedChannel, { headers, method }: IncomingMessage): Owner | undefined {
    if (headers[PASSED_ON] !== undefined) return undefined
    const owner = method === 'POST' ? (saidOwner(settings, headers) ?? settings.owner) : settings.owner
    if (owner === undefined && isHere) return undefined
    const [first] = ownersOf({ path: settings.path, ...(owner && { owner }) }, this.#options.nodes())
    if (!first?.url || first.id === this.#options.self) return undefined
    return { id: first.id, url: first.url, how: first.id === owner ? 'named' : 'meant' }
  }

  /** `away`: nothing was answered and nothing was read of the body, so that the request can be dealt with otherwise. */
  async pass(place: NodePlace, passed: Passed): Promise<'passed' | 'away'> {
    const { request, response } = passed
    if (this.#under >= MOST) return 'away'
    const node = await this.#options.token()
    if (response.destroyed) return 'passed'
    this.#under++
    const streams = request.method === 'POST'
    const asked = this.#ask(place, passed, { node, streams })
    return new Promise(resolve => {
      const connected = setTimeout(() => asked.destroy(new Error('no connection in time')), CONNECT_WITHIN)
      let begun = false
      const begin = (): void => {
        clearTimeout(connected)
        begun = streams
        if (streams) request.pipe(asked)
        else asked.end()
      }
      asked.on('socket', socket => whenConnected(socket, begin))
      asked.on('response', answer => {
        begun = true
        sendOn(answer, response)
      })
      asked.on('error', () => {
        if (!begun && !response.headersSent) return resolve('away')
        response.destroy()
        resolve('passed')
      })
      asked.on('close', () => {
        clearTimeout(connected)
        this.#under--
        resolve('passed')
      })
      // Whoever asked has left, or has heard all.
      response.on('close', () => asked.destroy())
    })
  }

  close(): void {
    this.#agents.plain.destroy()
    this.#agents.tls.destroy()
  }

  #ask(
    place: NodePlace,
    { target, request: { method = 'GET', headers } }: Passed,
    { node, streams }: { node: string; streams: boolean },
  ): ClientRequest {
    const tls = tlsTo(place, this.#options.membership)
    const { plain, tls: overTls } = this.#agents
    const { hostname, port, protocol } = new URL(place.url)
    const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name))
    const ask = protocol === 'https:' ? requestTls : requestPlain
    const asked = ask({
      ...{ hostname: hostname.replace(/^\[|\]$/g, ''), port, path: target, method },
      // A hand-over has a connection of its own: it lives as long as the encoder's.
      agent: streams ? false : protocol === 'https:' ? overTls : plain,
      ...{ ...tls, rejectUnauthorized: true },
      headers: { ...Object.fromEntries(kept), 'sluice-node': node, [PASSED_ON]: '1' },
    })
    asked.setNoDelay(true)
    if (streams) asked.flushHeaders()
    return asked
  }
}

/** A gateway may have heard of a newer owner than this origin. */
function saidOwner(
  { lease }: Pick<Channel, 'lease'>,
  headers: IncomingMessage['headers'],
): NodeId | undefined {
  const [said, number] = [headers[HAND_OVER.owner], headers[HAND_OVER.lease]]
  if (typeof said !== 'string' || typeof number !== 'string' || said === '') return undefined
  return Number(number) > lease ? (said as NodeId) : undefined // compared with those of the snapshot
}

function whenConnected(
  socket: Duplex & { connecting?: boolean; encrypted?: boolean },
  begin: () => void,
): void {
  if (socket.connecting !== true) return begin()
  socket.once(socket.encrypted === true ? 'secureConnect' : 'connect', begin)
}

function sendOn(answer: IncomingMessage, response: ServerResponse): void {
  const fields: string[] = []
  for (let at = 0; at < answer.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = answer.rawHeaders.slice(at, at + 2)
    if (!HOP_BY_HOP.has(name.toLowerCase())) fields.push(name, value)
  }
  response.writeHead(answer.statusCode ?? 502, fields)
  answer.on('aborted', () => response.destroy())
  answer.on('error', () => response.destroy())
  answer.pipe(response)
}

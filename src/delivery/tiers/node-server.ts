import { createServer, type Server, type ServerResponse } from 'node:http'
import { Departures, KiB, pause, type Listen, type Milliseconds } from '../../core/index.ts'
import { speakAlsoTls, type NodeCredentials } from '../../inbound/index.ts'
import { ALIVE_PATH, type PeerVerifier } from '../../membership/index.ts'
import { handle } from '../engine.ts'
import { leavingResponse } from '../leaving-response.ts'
import type { CacheNode } from '../node.ts'
import { RUN } from '../peers/run.ts'
import { readNode } from './read-node.ts'

export interface NodeServerOptions {
  listen: Listen
  /** What is shown to other machines; undefined where none can come. */
  credentials?: NodeCredentials | undefined
  node: CacheNode
  peers: PeerVerifier
}

export interface NodeServer {
  port: number
  /** Questions that are being answered. */
  readonly underWay: number
  /** Shows another certificate from now on. */
  show(credentials: NodeCredentials): void
  /** Says that it is leaving, lets what is under way end within this time, and closes. */
  close(within: Milliseconds): Promise<void>
}

/** A viewer's head, and what is said of it. */
const MAX_HEAD_BYTES = 96 * KiB
/** Longer than the other side keeps a connection that it does not use, so that none is ended under a question. */
const IDLE: Milliseconds = 90_000
/** Within this a head has arrived. */
const HEAD: Milliseconds = 10_000
const LOOK_AGAIN: Milliseconds = 20

/** The port of a regional cache, for edges alone: over TLS with a certificate of a node, in the clear from this machine. */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const { listen, credentials, node, peers } = options
  const server = createServer({
    ...{ maxHeaderSize: MAX_HEAD_BYTES, keepAliveTimeout: IDLE },
    ...{ headersTimeout: HEAD, requestTimeout: HEAD },
    ServerResponse: leavingResponse(new Departures(() => node.usage.counts.commit())),
  })
  const first = readNode(peers)
  let state: 'open' | 'leaving' = 'open'
  let underWay = 0
  server.on('request', (request, response) => {
    // An origin's answer without a Date is given one by who has received it.
    response.sendDate = false
    if (request.url === ALIVE_PATH) return sayAlive(response, node, state)
    underWay++
    response.once('close', () => underWay--)
    handle(node, first, request, response)
  })
  const nodePort = credentials && speakAlsoTls(server, { credentials, certificates: 'required' })
  await opened(server, listen)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : listen.port,
    get underWay() {
      return underWay
    },
    show: next => nodePort?.show(next),
    async close(within) {
      state = 'leaving'
      for (let waited = 0; underWay > 0 && waited < within; waited += LOOK_AGAIN) await pause(LOOK_AGAIN)
      await ended(server)
    },
  }
}

function sayAlive(response: ServerResponse, node: CacheNode, state: 'open' | 'leaving'): void {
  response.writeHead(state === 'open' && node.snapshot !== undefined ? 204 : 503, [...RUN])
  response.end()
}

function opened(server: Server, { host = '::', port }: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, () => resolve())
  })
}

function ended(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

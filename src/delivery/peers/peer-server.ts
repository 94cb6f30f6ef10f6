import { createServer, type Server } from 'node:http'
import { rm } from 'node:fs/promises'
import { KiB, type Milliseconds } from '../../core/index.ts'
import { handle } from '../engine.ts'
import type { CacheNode } from '../node.ts'
import { readPeer } from './peer.ts'

export interface PeerServer {
  close(): Promise<void>
}

/** A viewer's head and what is said of it. */
const MAX_HEAD_BYTES = 96 * KiB
/** Longer than the other side keeps a connection that it does not use, so that none is ended under a question. */
const IDLE: Milliseconds = 90_000

/** Answers the other processes of this node at a socket that only this user can reach. */
export async function startPeerServer(socketPath: string, node: CacheNode): Promise<PeerServer> {
  // A predecessor that was killed has left it.
  await rm(socketPath, { force: true })
  const server = createServer({ maxHeaderSize: MAX_HEAD_BYTES, keepAliveTimeout: IDLE, requestTimeout: 0 })
  server.on('request', (request, response) => {
    // An origin's answer without a Date is not given one on its way.
    response.sendDate = false
    handle(node, readPeer, request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // Exclusive: node:cluster would share it among the workers.
    server.listen({ path: socketPath, exclusive: true, backlog: 4096 }, () => resolve())
  })
  return { close: () => end(server) }
}

function end(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

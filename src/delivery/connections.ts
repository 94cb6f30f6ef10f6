import type { Server } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Incoming, Outgoing } from './exchange.ts'
import { peerOf } from './viewer.ts'

/**
 * The connections of one listening server, for its drain. Neither Node nor Fastify ends a connection that has asked
 * nothing yet, and browsers open such ones ahead of need; an HTTP/2 server does not close while sessions are open.
 */
export class Connections {
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<Http2Session>()
  /** Answers under way by peer: a request over TLS knows another socket than the listener, with the same peer. */
  readonly #busy = new Map<string, number>()
  #draining = false

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.on('session', (session: Http2Session) => {
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
    })
  }

  /** Counts an answer as under way until its response closes. */
  serve(request: Incoming, response: Outgoing): void {
    const { socket } = request
    const done = this.#begin(peerOf(socket))
    response.once('close', () => {
      // A session ends by itself once it was told to; nothing tells a kept-alive connection.
      if (done() === 'idle' && this.#draining && !('stream' in request)) socket.end()
    })
  }

  /** Counts a connection that has left HTTP as busy until it closes. */
  serveUpgraded(socket: Socket): void {
    const done = this.#begin(peerOf(socket))
    socket.once('close', () => done())
  }

  #begin(peer: string): () => 'busy' | 'idle' {
    this.#busy.set(peer, (this.#busy.get(peer) ?? 0) + 1)
    return () => {
      const left = (this.#busy.get(peer) ?? 1) - 1
      if (left > 0) this.#busy.set(peer, left)
      else this.#busy.delete(peer)
      return left > 0 ? 'busy' : 'idle'
    }
  }

  /** Ends connections that wait for nothing, and tells HTTP/2 peers that no new request is taken. */
  drain(): void {
    this.#draining = true
    for (const session of this.#sessions) session.close()
    // One that is destroyed has no socket any more, and has not closed yet.
    const open = [...this.#sessions].filter(session => !session.destroyed)
    const kept = new Set([...this.#busy.keys(), ...open.map(({ socket }) => peerOf(socket))])
    for (const socket of this.#sockets) if (!kept.has(peerOf(socket))) socket.destroy()
  }

  /** Ends everything, whatever is under way. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }
}

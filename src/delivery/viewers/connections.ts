import type { Server, Socket } from 'node:net'
import type { Http2Connection } from '../../http2/index.ts'
import { answering } from './answering.ts'
import type { Incoming } from '../exchange.ts'
import { endsOf } from './named-viewers.ts'

/**
 * The connections of one listening server, for its drain. Nobody else ends a connection that has asked nothing yet, and
 * browsers open such ones ahead of need.
 */
export class Connections {
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<Http2Connection>()
  /** Those over TLS as requests know them, which is another socket than the listener's, between the same ends. */
  readonly #secured = new Set<Socket>()
  /** Those that have left HTTP. */
  readonly #upgraded = new Set<Socket>()
  #draining = false

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => hold(this.#sockets, socket))
    server.on('secureConnection', (socket: Socket) => hold(this.#secured, socket))
  }

  /** One on which HTTP/2 is spoken. */
  watchSession(session: Http2Connection): void {
    this.#sessions.add(session)
    session.socket.once('close', () => this.#sessions.delete(session))
    if (this.#draining) session.close()
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Told of each request, before it is answered. */
  serve(request: Incoming): void {
    // A session ends by itself once it was told to; nothing tells a kept-alive connection.
    if (this.#draining && !('stream' in request)) endWhenAnswered(request.socket)
  }

  /** Counts a connection that has left HTTP as busy until it closes. */
  serveUpgraded(socket: Socket): void {
    hold(this.#upgraded, socket)
  }

  /** Ends connections that wait for nothing, and tells HTTP/2 peers that no new request is taken. */
  drain(): void {
    this.#draining = true
    for (const session of this.#sessions) session.close()
    const open = [...this.#sessions].filter(({ socket }) => !socket.destroyed)
    const answered = [...this.#sockets, ...this.#secured].filter(isBusy)
    for (const socket of answered) if (!this.#upgraded.has(socket)) endWhenAnswered(socket)
    const busy = [...answered, ...this.#upgraded, ...open.map(({ socket }) => socket)]
    const kept = new Set(busy.map(endsOf))
    for (const socket of this.#sockets) if (!kept.has(endsOf(socket))) socket.destroy()
  }

  /** Ends everything, whatever is under way. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }
}

function hold(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
}

/** What is answered may still have its last bytes here. */
function isBusy(socket: Socket): boolean {
  return answering(socket) !== undefined || socket.writableLength > 0
}

/** Several requests of one connection are answered one after the other, each with an answer of its own. */
function endWhenAnswered(socket: Socket): void {
  const answer = answering(socket)
  if (answer === undefined) socket.end()
  else if (!answer.closed) answer.once('close', () => endWhenAnswered(socket))
}

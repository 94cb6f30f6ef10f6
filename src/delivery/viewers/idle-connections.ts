import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Milliseconds } from '../../core/index.ts'

/** A connection is found so much of the time limit late at the most. */
const PART = 16

interface State {
  request: IncomingMessage
  /** Answers under way. */
  answers: number
  /** When it was last known to be busy, by `performance.now`. */
  since: number
}

/**
 * Ends connections that Node reads and on which no request has come for so long. Node's own limits do not: an empty line
 * (RFC 9112 §2.2) begins no head, and puts off the limit of a kept connection. Until the first request there is that for heads.
 */
export class IdleConnections {
  readonly #limit: Milliseconds
  readonly #states = new Map<Socket, State>()
  #timer: NodeJS.Timeout | undefined

  constructor(limit: Milliseconds) {
    this.#limit = limit
  }

  /** A request has come, and is answered. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    if (socket.destroyed) return
    const state = this.#states.get(socket) ?? this.#watch(socket, request)
    state.request = request
    state.answers++
    response.once('close', () => {
      state.answers--
      state.since = performance.now()
    })
  }

  /** It has left HTTP. */
  delete(socket: Socket): void {
    this.#states.delete(socket)
    if (this.#states.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #watch(socket: Socket, request: IncomingMessage): State {
    const state = { request, answers: 0, since: performance.now() }
    this.#states.set(socket, state)
    socket.once('close', () => this.delete(socket))
    this.#timer ??= setInterval(() => this.#look(), Math.ceil(this.#limit / PART))
    return state
  }

  #look(): void {
    const now = performance.now()
    for (const [socket, state] of this.#states) {
      // An answer may be out before all of its request has come.
      if (state.answers > 0 || !state.request.complete) state.since = now
      else if (now - state.since >= this.#limit) socket.destroy()
    }
  }
}

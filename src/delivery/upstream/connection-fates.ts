import type { Socket } from 'node:net'

/**
 * What became of the connection that a request was to go out on. `unconnected`: there came to be none, so nothing of the
 * request was sent. `reused`: one that had been kept ended, as servers let go of kept ones when they like. `broken`: a
 * new one ended, or nothing is known.
 */
export type Fate = 'unconnected' | 'reused' | 'broken'

/** Why a request has no answer. */
export class Unanswered extends Error {
  readonly fate: Fate
  readonly code: string | undefined

  constructor(fate: Fate, code: string | undefined, cause: unknown) {
    super('a request has no answer', { cause })
    this.name = 'Unanswered'
    this.fate = fate
    this.code = code
  }
}

const RESET = 'UND_ERR_SOCKET'

/** The connections of one pool in the order in which they came to be, to tell of an error which one it is of. */
export class ConnectionFates {
  #opened = 0
  readonly #of = new WeakMap<object, number | 'unconnected'>()

  /** How many there have been; a request that goes out on one of these goes out on a kept one. */
  get opened(): number {
    return this.#opened
  }

  noConnection(error: Error): void {
    this.#of.set(error, 'unconnected')
  }

  /** Before anybody else listens to it. */
  connected(socket: Pick<Socket, 'on'>): void {
    const number = ++this.#opened
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#of.set(error, number)
      // undici takes a reset for the end of a body that ends with its connection, which would make a part look whole
      // and be kept. It makes no such exception for an error by any other name.
      if (error.code === 'ECONNRESET') error.code = RESET
    })
  }

  /** Of the error of a request that was given out when `opened` was this. */
  fateOf(error: unknown, opened: number): Fate {
    const which = typeof error === 'object' && error !== null ? this.#of.get(error) : undefined
    if (which === 'unconnected') return which
    return which !== undefined && which <= opened ? 'reused' : 'broken'
  }
}

import type { Milliseconds } from '../core/index.ts'

/** Part of the shortest time limit after which a connection that has asked nothing counts as quiet. */
const PART = 16

export interface Watched {
  /** How many requests have come. */
  readonly asked: number
  turnedQuiet(): void
}

/** Finds the connections on which nothing has been asked of late, so that time limits cost only those. */
export class QuietConnections {
  /** For so long at least a connection was quiet that is called that. */
  readonly every: Milliseconds
  /** With what they had asked when they were looked at last. */
  readonly #asked = new Map<Watched, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(shortest: Milliseconds) {
    this.every = Math.ceil(shortest / PART)
  }

  add(connection: Watched): void {
    this.#asked.set(connection, -1)
    this.#timer ??= setInterval(() => this.#look(), this.every)
  }

  delete(connection: Watched): void {
    this.#asked.delete(connection)
    if (this.#asked.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    for (const [connection, before] of this.#asked) {
      if (connection.asked === before) connection.turnedQuiet()
      else this.#asked.set(connection, connection.asked)
    }
  }
}

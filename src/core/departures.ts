/** Has bytes that are to leave this process. */
export interface Leaver {
  leave(): void
}

/**
 * What waits for something that has to be done before any of it may leave, and is done once for all of them: when
 * everything that came in one turn of the event loop was looked at. They leave in the order in which they came.
 */
export class Departures {
  readonly #before: () => void
  #waiting: Leaver[] = []

  /** `before` must not throw. */
  constructor(before: () => void) {
    this.#before = before
  }

  wait(leaver: Leaver): void {
    if (this.#waiting.push(leaver) === 1) setImmediate(this.#depart)
  }

  /** For those who write now: what has to be done before, is. */
  now(): void {
    this.#before()
  }

  /** Lets go all that waits now, for those who are about to end connections. */
  flush(): void {
    if (this.#waiting.length > 0) this.#depart()
  }

  readonly #depart = (): void => {
    const leaving = this.#waiting
    this.#waiting = []
    this.#before()
    for (const each of leaving) each.leave()
  }
}

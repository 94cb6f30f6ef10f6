/** Something that happens again and again, and that any number wait for: each time wakes those who wait then. */
export class Signal {
  #resolve: (() => void) | undefined
  #promise: Promise<void> | undefined

  /** The next time. */
  next(): Promise<void> {
    this.#promise ??= new Promise(resolve => (this.#resolve = resolve))
    return this.#promise
  }

  /** Costs next to nothing while nobody waits. */
  fire(): void {
    const resolve = this.#resolve
    this.#promise = this.#resolve = undefined
    resolve?.()
  }
}

import type { Instant, Milliseconds } from '../../core/index.ts'

/** How many may wait in all rooms of an origin together. */
export class Places {
  readonly #most: number
  #taken = 0

  constructor(most: number) {
    this.#most = most
  }

  get taken(): number {
    return this.#taken
  }

  take(): boolean {
    if (this.#taken >= this.#most) return false
    this.#taken++
    return true
  }

  free(): void {
    this.#taken--
  }
}

/** What a request waits for; requests with the same key wait for the same thing and are looked at once. */
export interface Question {
  key: string
  /** Whether looking again would give another answer. */
  settled(): boolean
  /** How long to wait from when it was asked; may change while it waits. */
  limit(): Milliseconds
}

/** `full`: no place; `closing`: the origin ends; `gone`: whoever asked has left. */
export type Waited = 'settled' | 'late' | 'full' | 'closing' | 'gone'

interface Waiter {
  since: Instant
  leave(how: Waited): void
}

/** Where the requests for one channel wait. The channel's owner calls `look` after each change and `tick` regularly. */
export class WaitingRoom {
  readonly #places: Places
  readonly #groups = new Map<string, { question: Question; waiters: Set<Waiter> }>()
  #closed = false

  constructor(places: Places) {
    this.#places = places
  }

  wait(question: Question, since: Instant, signal: AbortSignal): Promise<Waited> {
    if (this.#closed) return Promise.resolve('closing')
    if (signal.aborted) return Promise.resolve('gone')
    if (!this.#places.take()) return Promise.resolve('full')
    return new Promise(resolve => {
      const group = this.#groups.get(question.key) ?? { question, waiters: new Set() }
      this.#groups.set(question.key, group)
      const gone = (): void => waiter.leave('gone')
      const waiter: Waiter = {
        since,
        leave: how => {
          if (!group.waiters.delete(waiter)) return
          if (group.waiters.size === 0) this.#groups.delete(question.key)
          signal.removeEventListener('abort', gone)
          this.#places.free()
          resolve(how)
        },
      }
      group.waiters.add(waiter)
      signal.addEventListener('abort', gone)
    })
  }

  /** Lets those go whose question is settled; costs one look per question, however many ask it. */
  look(): void {
    for (const { question, waiters } of this.#groups.values()) {
      if (question.settled()) dismiss(waiters, 'settled')
    }
  }

  /** Lets those go who have waited for too long. */
  tick(now: Instant): void {
    for (const { question, waiters } of this.#groups.values()) {
      const limit = question.limit()
      for (const waiter of waiters) {
        // In the order in which they came: nobody behind this one has waited longer.
        if (now - waiter.since < limit) break
        waiter.leave('late')
      }
    }
  }

  close(): void {
    this.#closed = true
    for (const { waiters } of this.#groups.values()) dismiss(waiters, 'closing')
  }
}

function dismiss(waiters: Set<Waiter>, how: Waited): void {
  for (const waiter of waiters) waiter.leave(how)
}

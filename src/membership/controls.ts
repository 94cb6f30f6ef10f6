import type { Milliseconds } from '../core/index.ts'

/** Between two changes for the sake of a control that answers. */
const STAY: Milliseconds = 5_000

/**
 * The controls that a node may ask, one of them at a time: everything that it asks goes to the same one, and when that one
 * does not answer, to the next.
 */
export class Controls {
  #urls: readonly string[]
  #at = 0
  #moved = new AbortController()
  /** By the process's own clock. */
  #staysUntil = 0

  /** `urls` has one at least. */
  constructor(urls: readonly string[]) {
    this.#urls = urls.map(withoutSlash)
  }

  get urls(): readonly string[] {
    return this.#urls
  }

  /** The one that is asked now. */
  get url(): string {
    return this.#urls[this.#at] ?? ''
  }

  /**
   * Aborts when this one has not answered: whatever still waits for it waits in vain, also where there is no other. A
   * machine that was cut off and is back would leave a long poll waiting that nobody answers any more.
   */
  get moved(): AbortSignal {
    return this.#moved.signal
  }

  /** It has not answered. Of several who say so of the same one, the first moves on. */
  failed(url: string): void {
    if (url !== this.url) return
    this.#turnTo((this.#at + 1) % this.#urls.length)
  }

  /**
   * It answers, and cannot do what it is asked: its database is out of its reach. Another one may reach it, and nobody is
   * to be cut off from all that the others know. Where none of them can, they are not gone through again and again.
   */
  unable(url: string): void {
    const now = performance.now()
    if (this.#urls.length < 2 || url !== this.url || now < this.#staysUntil) return
    this.#staysUntil = now + STAY
    this.failed(url)
  }

  /** Who is asked now is asked on, if it is among them. */
  set(urls: readonly string[]): void {
    const now = this.url
    this.#urls = urls.map(withoutSlash)
    const at = this.#urls.indexOf(now)
    if (at >= 0) this.#at = at
    else this.#turnTo(0)
  }

  #turnTo(at: number): void {
    const before = this.#moved
    this.#at = at
    this.#moved = new AbortController()
    before.abort()
  }
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}

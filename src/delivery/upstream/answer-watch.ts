import type { Milliseconds } from '../../core/index.ts'
import { MOST_INTERIM, timedOut, unreadable } from './origin-limits.ts'

/**
 * Waits for the head of one answer. Its signal ends the request when the head takes too long, counted from when the
 * request was given out, and again from when all of its body had gone: who sends slowly is not the origin's fault.
 */
export class AnswerWatch {
  readonly #ending = new AbortController()
  readonly #within: Milliseconds
  readonly #outer: AbortSignal | undefined
  #timer: NodeJS.Timeout | undefined
  #interim = 0
  #over = false

  /**
   * `connect` may go by before the request is out, and `within` from then on. `outer` ends the request as well, and its
   * answer until `forget`.
   */
  constructor(connect: Milliseconds, within: Milliseconds, outer: AbortSignal | undefined) {
    this.#within = within
    this.#outer = outer
    if (outer?.aborted === true) this.#endWithOuter()
    // Not `AbortSignal.any`: of a signal that outlives many requests it would keep something for each.
    outer?.addEventListener('abort', this.#endWithOuter)
    this.#wait(connect + within)
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** The body as it is sent; while it is, nothing is waited for but the viewer. */
  async *upload(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    clearTimeout(this.#timer)
    for await (const chunk of body) yield chunk
    if (!this.#over) this.#wait(this.#within)
  }

  /** An interim answer has come; each one puts undici's own limit off. */
  interim(status: number): void {
    if (status === 101) return this.#ending.abort(unreadable('the origin switched to a protocol unasked'))
    if (++this.#interim <= MOST_INTERIM) return
    this.#ending.abort(unreadable(`the origin sent more than ${MOST_INTERIM} interim answers`))
  }

  /** The head is here, or will not come. */
  end(): void {
    this.#over = true
    clearTimeout(this.#timer)
  }

  /** All of the answer is here, or nothing more of it will come. */
  forget(): void {
    this.#outer?.removeEventListener('abort', this.#endWithOuter)
  }

  readonly #endWithOuter = (): void => this.#ending.abort(this.#outer?.reason)

  #wait(span: Milliseconds): void {
    this.#timer = setTimeout(() => this.#ending.abort(timedOut()), span)
  }
}

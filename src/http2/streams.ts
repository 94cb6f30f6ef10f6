import { ConnectionError, PROTOCOL_ERROR, STREAM_CLOSED } from './codes.ts'
import type { Http2Stream } from './stream.ts'

/** So many streams that were reset from here are remembered, since frames for them may be on their way. */
const MOST_RESET = 256

/** The streams of one connection, and what is known of those that are no more (RFC 9113 §5.1). */
export class Streams {
  readonly #open = new Map<number, Http2Stream>()
  readonly #reset = new Set<number>()
  /** The highest that was opened. */
  last = 0

  get size(): number {
    return this.#open.size
  }

  /** Those that are open, as they are now. */
  all(): Http2Stream[] {
    return [...this.#open.values()]
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id)
  }

  add(stream: Http2Stream): void {
    this.#open.set(stream.id, stream)
  }

  remove(id: number): void {
    this.#open.delete(id)
  }

  /** It was reset from here. */
  resetHere(id: number): void {
    this.#open.delete(id)
    this.#reset.add(id)
    if (this.#reset.size <= MOST_RESET) return
    const [oldest] = this.#reset
    if (oldest !== undefined) this.#reset.delete(oldest)
  }

  wasResetHere(id: number): boolean {
    return this.#reset.has(id)
  }

  /** Whether a head opens a stream; throws for one that may not (§5.1.1). False where it is too late for one that was reset. */
  opens(id: number): boolean {
    if (id > this.last) {
      this.last = id
      return true
    }
    if (this.#reset.has(id)) return false
    throw id === this.last
      ? new ConnectionError(STREAM_CLOSED, 'a head came for a stream that has ended')
      : new ConnectionError(PROTOCOL_ERROR, 'the number of a stream is not above those before')
  }

  /** Throws for a frame of a stream that was never opened. */
  refuseIdle(id: number): void {
    if (id === 0 || id > this.last || id % 2 === 0)
      throw new ConnectionError(PROTOCOL_ERROR, 'a frame is of a stream that was never opened')
  }
}

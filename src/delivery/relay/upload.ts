import { KiB, SluiceError, type Bytes, type Milliseconds } from '../../core/index.ts'
import { NO_ERROR } from '../../http2/index.ts'
import type { BodiedRequest, Outgoing } from '../exchange.ts'

/** Of a body that comes faster than it goes on; then the viewer is no longer read. */
const MOST_AHEAD: Bytes = 256 * KiB
/** What comes after the answer is taken so long, so that whoever still writes gets to read it. */
const LINGER: Milliseconds = 2_000

type State = 'unread' | 'running' | 'whole' | 'broken' | 'refused'

/** A viewer's body on its way to an origin, to be read once, as fast as it is taken. Broken off it throws. */
export class Upload implements AsyncIterable<Uint8Array> {
  readonly #request: BodiedRequest
  readonly #response: Outgoing
  readonly #ready: Uint8Array[] = []
  #ahead: Bytes = 0
  #state: State = 'unread'
  #wake = (): void => {}

  constructor(request: BodiedRequest, response: Outgoing) {
    this.#request = request
    this.#response = response
  }

  /** The viewer is asked to go on only now, if he waits for that (RFC 9110 §10.1.1): the origin is there. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (this.#state !== 'unread') throw brokenOff()
    this.#listen()
    const response = this.#response
    const waits = /^100-continue$/i.test(this.#request.headers.expect ?? '')
    // Plain requests have no body, so their answers cannot ask for one.
    if (waits && !response.headersSent && 'writeContinue' in response) response.writeContinue()
    for (;;) {
      const chunk = this.#ready.shift()
      if (chunk !== undefined) {
        this.#ahead -= chunk.length
        if (this.#ahead < MOST_AHEAD) this.#request.resume()
        yield chunk
        continue
      }
      const state = this.#look()
      if (state === 'whole') return
      if (state !== 'running') throw brokenOff()
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  /** It changes while somebody waits. */
  #look(): State {
    return this.#state
  }

  /**
   * Nobody wants the rest any more. The answer may be out before the viewer has said all; he reads it then, and is let
   * go if he goes on for too long.
   */
  refuse(): void {
    if (this.#state === 'whole' || this.#state === 'broken') return
    if (this.#state === 'unread') this.#listen()
    this.#state = 'refused'
    this.#ready.length = 0
    this.#wake()
    this.#request.resume()
    if (this.#response.writableFinished) this.#linger()
    else this.#response.once('finish', () => this.#linger())
  }

  #listen(): void {
    const request = this.#request
    this.#state = 'running'
    const broken = (): void => this.#settle('broken')
    request.on('data', (chunk: Buffer) => {
      if (this.#state !== 'running') return
      this.#ready.push(chunk)
      this.#ahead += chunk.length
      if (this.#ahead >= MOST_AHEAD) request.pause()
      this.#wake()
    })
    request.once('end', () => this.#settle('whole'))
    if (request.readableEnded || request.destroyed) broken()
    request.once('aborted', broken).once('error', broken).once('close', broken)
  }

  #settle(state: 'whole' | 'broken'): void {
    if (this.#state === 'running' || this.#state === 'refused') this.#state = state
    this.#wake()
  }

  #linger(): void {
    if (this.#state !== 'refused') return
    const request = this.#request
    // RFC 9113 §8.1: an answer that is complete asks for no more of the request.
    if ('stream' in request) return void request.stream.close(NO_ERROR)
    const late = setTimeout(() => request.socket.destroy(), LINGER)
    request.once('end', () => clearTimeout(late)).once('close', () => clearTimeout(late))
  }
}

function brokenOff(): SluiceError {
  return new SluiceError('viewer-left', 'the viewer broke the request off', { side: 'viewer' })
}

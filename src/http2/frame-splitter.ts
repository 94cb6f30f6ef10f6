import {
  ConnectionError,
  DATA,
  FRAME_BYTES,
  FRAME_HEAD,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
  SETTINGS,
} from './codes.ts'

/** RFC 9113 §3.4. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Told where a frame stands and how much it carries; no more are told when it says so. */
export type OnFrame = (bytes: Buffer, at: number, length: number) => 'go-on' | 'stop'

/** Takes what comes apart into frames, and keeps what is not a whole one. */
export class FrameSplitter {
  #begun = false
  #rest: Buffer | undefined

  /** What the rest is the beginning of; where that cannot be told yet, a head. */
  get partial(): 'nothing' | 'head' | 'data' {
    const rest = this.#rest
    if (rest === undefined) return this.#begun ? 'nothing' : 'head'
    return this.#begun && rest.length >= FRAME_HEAD && rest[3] === DATA ? 'data' : 'head'
  }

  /** With nothing, what was kept is looked at again. */
  take(chunk: Buffer, onFrame: OnFrame): void {
    const rest = this.#rest
    const bytes = rest === undefined ? chunk : chunk.length === 0 ? rest : Buffer.concat([rest, chunk])
    this.#rest = undefined
    let at = 0
    if (!this.#begun) {
      at = this.#preface(bytes)
      if (!this.#begun) return this.#keep(bytes, 0)
    }
    while (bytes.length - at >= FRAME_HEAD) {
      const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
      if (length > FRAME_BYTES) throw new ConnectionError(FRAME_SIZE_ERROR, 'a frame is too large')
      const end = at + FRAME_HEAD + length
      if (end > bytes.length) break
      const next = onFrame(bytes, at, length)
      at = end
      if (next === 'stop') break
    }
    this.#keep(bytes, at)
  }

  /** It is followed by SETTINGS. */
  #preface(bytes: Buffer): number {
    const size = Math.min(bytes.length, PREFACE.length)
    if (!bytes.subarray(0, size).equals(PREFACE.subarray(0, size)))
      throw new ConnectionError(PROTOCOL_ERROR, 'this is not HTTP/2')
    if (bytes.length < PREFACE.length + FRAME_HEAD) return 0
    if (bytes[PREFACE.length + 3] !== SETTINGS)
      throw new ConnectionError(PROTOCOL_ERROR, 'the first frame is not SETTINGS')
    this.#begun = true
    return PREFACE.length
  }

  /** As a copy, since what it came in is larger and would be kept whole. */
  #keep(bytes: Buffer, at: number): void {
    if (at < bytes.length)
      this.#rest = at === 0 && bytes.length > FRAME_BYTES ? bytes : Buffer.from(bytes.subarray(at))
  }
}

import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'

/** `finish` and `close`: nothing more happens to it. `drain`: it takes more. `error`, which ends a process in which nobody listens. */
export type AnswerEvent = 'finish' | 'close' | 'drain' | 'error'

/**
 * One answer over HTTP/2, with as much of HTTP/1.1's ways as the steps use. Node's own imitation of them costs a small
 * answer as much as all the steps together.
 */
export class Http2Answer {
  readonly stream: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream
  }

  /** Whatever becomes of a stream, interim answers are tried while no other is out. */
  get writable(): true {
    return true
  }

  get headersSent(): boolean {
    return this.stream.headersSent
  }

  /** Whether all of it was handed on. */
  get writableFinished(): boolean {
    return this.stream.writableFinished
  }

  /** `headers` is flat, and may have several lines of one name. Does nothing when the viewer is gone. */
  writeHead(status: number, headers: readonly string[]): void {
    const { stream } = this
    if (stream.destroyed || stream.closed) return
    stream.respond(oneLineEach(status, headers))
  }

  writeContinue(): void {
    const { stream } = this
    if (!stream.destroyed && !stream.closed) stream.additionalHeaders({ ':status': 100 })
  }

  /** False when no more should be written before `drain`. */
  write(chunk: Uint8Array): boolean {
    const { stream } = this
    return !stream.destroyed && !stream.writableEnded && stream.write(chunk)
  }

  end(chunk?: Uint8Array): void {
    const { stream } = this
    if (stream.destroyed) return
    // Of an answer to HEAD, Node has ended the stream before there was a head.
    if (chunk === undefined || stream.writableEnded) stream.end()
    else stream.end(chunk)
  }

  on(event: AnswerEvent, listener: () => void): this {
    this.stream.on(eventOf(event), listener)
    return this
  }

  once(event: AnswerEvent, listener: () => void): this {
    this.stream.once(eventOf(event), listener)
    return this
  }

  off(event: AnswerEvent, listener: () => void): this {
    this.stream.off(eventOf(event), listener)
    return this
  }
}

/** A stream that was reset counts as finished before it closes, so only its end tells. */
function eventOf(event: AnswerEvent): string {
  return event === 'finish' ? 'close' : event
}

/**
 * Of several lines of one name Node's HTTP/2 keeps the last, or throws where a field may stand once only; so they are
 * made one as RFC 9110 §5.3 has it, but for Set-Cookie, of which each is its own.
 */
function oneLineEach(status: number, headers: readonly string[]): OutgoingHttpHeaders {
  // A field may have the name of a thing that other objects have.
  const merged = Object.create(null) as OutgoingHttpHeaders // nothing is in it
  merged[':status'] = status
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = nameOf(headers[at] ?? '')
    const value = headers[at + 1] ?? ''
    if (OF_CONNECTIONS.has(name)) continue
    const before = merged[name]
    if (before === undefined) merged[name] = name === 'set-cookie' ? [value] : value
    else if (Array.isArray(before)) before.push(value)
    else merged[name] = `${before}, ${value}`
  }
  return merged
}

/** RFC 9113 §8.2.2: what has them is malformed. */
const OF_CONNECTIONS = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Answers have a few dozen names; more than these are put into lower case each time. */
const MOST_NAMES = 256

const names = new Map<string, string>()

function nameOf(field: string): string {
  const known = names.get(field)
  if (known !== undefined) return known
  const name = field.toLowerCase()
  if (names.size < MOST_NAMES && field.length <= 64) names.set(field, name)
  return name
}

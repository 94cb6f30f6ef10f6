import { KiB, SluiceError, type Milliseconds } from '../core/index.ts'
import { away, errorOf, type Connection } from './request.ts'

/** One event of a server-sent stream (HTML Living Standard, section 9.2). */
export interface StreamedEvent {
  /** The last id that the stream named, this event's own included; empty when it named none. */
  id: string
  /** `message` unless the stream says otherwise. */
  type: string
  data: string
}

/** Comments come each 15 s, so a connection that is silent for three of them has died without a word. */
const SILENCE: Milliseconds = 45_000
/** Past this many characters a line or an event is not one of ours. */
const LONGEST = 256 * KiB

export interface StreamWanted {
  path: string
  lastEventId: string | undefined
  signal: AbortSignal
}

/**
 * The events of one connection, until the server ends it. Throws SluiceError: the server's own, or `control-away`
 * when nothing answers or the connection is lost.
 */
export async function* streamEvents(
  connection: Connection,
  { path, lastEventId, signal }: StreamWanted,
): AsyncGenerator<StreamedEvent> {
  const silence = new Silence(SILENCE)
  try {
    const response = await fetch(`${connection.url.replace(/\/+$/, '')}${path}`, {
      headers: {
        accept: 'text/event-stream',
        authorization: connection.authorization,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      signal: AbortSignal.any([signal, silence.signal]),
    })
    if (!response.ok || !response.body) {
      throw errorOf(response.status, await response.json().catch(() => undefined))
    }
    const reader = new EventReader()
    const decoder = new TextDecoder()
    for await (const chunk of response.body) {
      silence.heard()
      yield* reader.push(decoder.decode(chunk, { stream: true }))
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof SluiceError ? error : away(connection.url, error)
  } finally {
    silence.end()
  }
}

/** Aborts its signal when nothing was heard for a span. */
export class Silence {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(span: Milliseconds) {
    this.#timer = setTimeout(() => this.#controller.abort(new Error('it fell silent')), span)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  heard(): void {
    this.#timer.refresh()
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}

/** Takes a stream apart, wherever its chunks were cut. */
export class EventReader {
  #rest = ''
  #id = ''
  #type = ''
  #data: string[] = []
  #length = 0

  push(text: string): StreamedEvent[] {
    const events: StreamedEvent[] = []
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > LONGEST) throw endless('a line')
    for (const line of lines) {
      if (line === '') this.#dispatch(events)
      else this.#field(line)
    }
    return events
  }

  #dispatch(events: StreamedEvent[]): void {
    if (this.#data.length > 0)
      events.push({ id: this.#id, type: this.#type || 'message', data: this.#data.join('\n') })
    this.#type = ''
    this.#data = []
    this.#length = 0
  }

  #field(line: string): void {
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') this.#append(value)
    else if (name === 'event') this.#type = value
    else if (name === 'id' && !value.includes('\0')) this.#id = value
  }
  #append(value: string): void {
    this.#length += value.length + 1
    if (this.#length > LONGEST) throw endless('an event')
    this.#data.push(value)
  }
}

function endless(what: string): SluiceError {
  const message = `the server sent ${what} without end: is this address Sluice's control port?`
  return new SluiceError('bad-stream', message, { side: 'upstream' })
}

import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { Agent, get as httpsGet } from 'node:https'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'

export type Protocol = 'HTTP/1.1' | 'HTTP/2'
export const PROTOCOLS: readonly Protocol[] = ['HTTP/1.1', 'HTTP/2']

/** One viewer of an edge that speaks TLS, on a connection of his own; what he has so far can be looked at. */
export class StoryViewer {
  readonly protocol: Protocol
  status: number | undefined
  headers: IncomingHttpHeaders = {}
  body = ''
  /** Resolves when nothing more comes: with the whole, or with what had come when it was cut. */
  readonly end: Promise<'whole' | 'cut'>
  #left = false
  #request: ClientRequest | undefined
  #session: ClientHttp2Session | undefined
  #body: IncomingMessage | ClientHttp2Stream | undefined

  /** With `reads: 'nothing'` not a byte of the body is taken until `read` is called. */
  constructor(url: string, protocol: Protocol, options: { reads?: 'all' | 'nothing' } = {}) {
    this.protocol = protocol
    const { origin, pathname } = new URL(url)
    const reads = options.reads ?? 'all'
    this.end =
      protocol === 'HTTP/1.1' ? this.#overHttp1(url, reads) : this.#overHttp2(origin, pathname, reads)
  }

  read(): void {
    this.#body?.setEncoding('latin1').on('data', (text: string) => (this.body += text))
  }

  leave(): void {
    this.#left = true
    this.#request?.destroy()
    this.#session?.destroy()
  }

  #overHttp1(url: string, reads: 'all' | 'nothing'): Promise<'whole' | 'cut'> {
    return new Promise(resolve => {
      const agent = new Agent({ rejectUnauthorized: false })
      this.#request = httpsGet(url, { agent }, response => {
        this.status = response.statusCode
        this.headers = response.headers
        this.#body = response
        response.on('error', () => {}).on('close', () => resolve(response.complete ? 'whole' : 'cut'))
        if (reads === 'all') this.read()
      })
      this.#request.on('error', () => resolve('cut'))
    })
  }

  #overHttp2(origin: string, at: string, reads: 'all' | 'nothing'): Promise<'whole' | 'cut'> {
    return new Promise(resolve => {
      const session = connectHttp2(origin, { rejectUnauthorized: false })
      this.#session = session.on('error', () => {})
      const stream = session.request({ ':path': at })
      let ended = false
      stream.on('response', headers => {
        this.status = headers[':status']
        this.headers = headers
        this.#body = stream
        if (reads === 'all') this.read()
      })
      stream.on('error', () => {}).on('end', () => (ended = true))
      stream.on('close', () => {
        // A stream whose session its own end destroys looks as if it had ended well.
        resolve(ended && stream.rstCode === 0 && !this.#left ? 'whole' : 'cut')
        session.destroy()
      })
    })
  }
}

/** As many of each protocol, all at once. */
export function crowdOf(
  each: number,
  url: string,
  options: { reads?: 'all' | 'nothing' } = {},
): StoryViewer[] {
  return PROTOCOLS.flatMap(protocol =>
    Array.from({ length: each }, () => new StoryViewer(url, protocol, options)),
  )
}

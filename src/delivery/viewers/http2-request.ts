import {
  Http2ServerRequest,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'

/** Who is at the other end of a connection; of one that is gone nobody knows. */
interface Peer {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly encrypted: true
}

const GONE: Peer = { remoteAddress: undefined, remotePort: undefined, encrypted: true }

/** Asking Node for an address costs more than all else here, and it stays the same. */
const peers = new WeakMap<ServerHttp2Session, Peer>()

/** A request over HTTP/2 of which nothing follows its head, as most are; Node's own kind is a stream as well. */
export class BodilessRequest {
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly method: string
  url: string

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]) {
    this.stream = stream
    this.headers = headers
    this.rawHeaders = rawHeaders
    this.method = headers[':method'] ?? ''
    this.url = headers[':path'] ?? ''
  }

  get httpVersion(): '2.0' {
    return '2.0'
  }

  /** As Node's kind has it, whose type says that there always is one. */
  get authority(): string {
    const { ':authority': authority, host = '' } = this.headers
    return authority ?? host
  }

  get socket(): Peer {
    // A stream that is destroyed has no session any more, whatever its type says.
    const session = this.stream.session as ServerHttp2Session | undefined
    if (session === undefined || session.destroyed) return GONE
    let peer = peers.get(session)
    if (peer === undefined) {
      const { remoteAddress, remotePort } = session.socket
      peers.set(session, (peer = { remoteAddress, remotePort, encrypted: true }))
    }
    return peer
  }
}

export type Http2Request = Http2ServerRequest | BodilessRequest

/** What a stream asks for; `rawHeaders` is flat, its names in lower case. */
export function requestOf(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: string[],
): Http2Request {
  return stream.endAfterHeaders
    ? new BodilessRequest(stream, headers, rawHeaders)
    : new Http2ServerRequest(stream, headers, {}, rawHeaders)
}

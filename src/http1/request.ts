import type { Socket } from 'node:net'
import type { RequestHead } from './head.ts'

/** A request of which nothing follows its head. */
export class Http1Request {
  readonly httpVersion = '1.1'
  readonly socket: Socket
  readonly method: 'GET' | 'HEAD'
  url: string
  readonly headers: Readonly<Record<string, string>>
  readonly rawHeaders: readonly string[]

  constructor(socket: Socket, head: RequestHead) {
    this.socket = socket
    this.method = head.method
    this.url = head.target
    this.headers = head.headers
    this.rawHeaders = head.rawHeaders
  }
}

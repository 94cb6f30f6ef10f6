import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import {
  connect,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { onTestFinished } from 'vitest'
import { Departures } from '../../src/core/index.ts'
import {
  Http2Connection,
  type Http2Limits,
  type Http2Request,
  type Http2Stream,
} from '../../src/http2/index.ts'

export const LIMITS: Http2Limits = {
  streams: 128,
  head: { fields: 512, bytes: 80 * 1024 },
  request: 30_000,
  idle: 65_000,
  stalled: 75_000,
}

export type Handle = (request: Http2Request, answer: Http2Stream) => void

export interface Opened {
  connection: Http2Connection
  faults: string[]
}

export function speak(socket: Socket, handle: Handle, limits: Partial<Http2Limits> = {}): Opened {
  const faults: string[] = []
  const connection = new Http2Connection(socket, {
    departures: new Departures(() => {}),
    limits: { ...LIMITS, ...limits },
    onRequest: handle,
    onFault: ({ message }) => faults.push(message),
  })
  connection.start()
  return { connection, faults }
}

export interface Bench {
  client: ClientHttp2Session
  /** The server's side of the client's connection. */
  opened: Promise<Opened>
}

/** A server without TLS, and Node's own client. */
export async function bench(handle: Handle, limits: Partial<Http2Limits> = {}): Promise<Bench> {
  let told: (opened: Opened) => void = () => {}
  const opened = new Promise<Opened>(resolve => (told = resolve))
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    told(speak(socket, handle, limits))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // listening on TCP
  const client = connect(`http://127.0.0.1:${port}`)
  client.on('error', () => {})
  onTestFinished(() => {
    client.destroy()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(client, 'connect')
  return { client, opened }
}

export interface Answer {
  headers: IncomingHttpHeaders
  body: Buffer
  trailers?: unknown
}

export async function ask(
  client: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer,
): Promise<Answer> {
  const stream = client.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return { headers: answer, body: Buffer.concat(parts) }
}

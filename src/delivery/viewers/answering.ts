import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Http1Answer, Http1Connection } from '../../http1/index.ts'

/** Connections that bring plain requests, or did before Node took them over. */
const plain = new WeakMap<Socket, Http1Connection>()

/** Lets `answering` know who reads a connection. */
export function readBy(socket: Socket, connection: Http1Connection): void {
  plain.set(socket, connection)
}

/** The answer that a connection of HTTP/1.1 waits for. */
export function answering(socket: Socket): ServerResponse | Http1Answer | undefined {
  // Node keeps it here, and looks for it here itself; it is not in its types.
  const ofNode = (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined
  return ofNode ?? plain.get(socket)?.answering
}

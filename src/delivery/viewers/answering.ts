import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The answer that a connection of HTTP/1.1 waits for. Node keeps it here, and looks for it here itself. */
export function answering(socket: Socket): ServerResponse | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined // not in Node's types
}

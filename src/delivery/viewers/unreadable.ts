import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { codeOf } from '../../core/index.ts'
import { answering } from './answering.ts'
import { LONGEST_URL } from './limits.ts'
import type { TurnedAway, TurnedAwayReason } from './turned-away.ts'

/** The last request with a body on a connection. What breaks in the body is no request of its own. */
export type BodiesUnderWay = WeakMap<Socket, IncomingMessage>

interface Unreadable {
  status: string
  reason: TurnedAwayReason
}

/**
 * What cannot be read as HTTP has no end, so nothing behind it can be read either: the connection is said to end, and
 * ends. A proxy before us would otherwise send somebody else's request on it.
 */
export function refuseUnreadable(
  error: Error,
  socket: Socket,
  { bodies, turnedAway }: { bodies: BodiesUnderWay; turnedAway: TurnedAway },
): void {
  const code = codeOf(error) ?? ''
  // Where TLS has not begun, nothing can be said, and the end would wait for it for ever.
  if (!OF_HTTP.test(code) || !socket.writable) return void socket.destroy()
  const { status, reason } = UNREADABLE[code] ?? MALFORMED
  const pending = answering(socket)
  const body = bodies.get(socket)
  const inBody = body !== undefined && !body.complete
  if (code !== 'HPE_CLOSED_CONNECTION') turnedAway.add(reason)
  // Whoever waits for the answer to an earlier request gets that one, and none to this.
  if (pending && !inBody) return void pending.once('finish', () => socket.destroySoon())
  // A second answer to one request would be taken for that to the next.
  if (pending ? pending.headersSent : inBody || code === 'HPE_CLOSED_CONNECTION') return socket.destroySoon()
  const line = code === 'HPE_HEADER_OVERFLOW' && hasLongTarget(error) ? '414 URI Too Long' : status
  socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}

/** Node's parser and its time limits; other errors are the connection's own. */
const OF_HTTP = /^(?:HPE|ERR_HTTP)_/

const MALFORMED: Unreadable = { status: '400 Bad Request', reason: 'malformed' }

const UNREADABLE: Readonly<Record<string, Unreadable>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', reason: 'slow-head' },
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', reason: 'large-head' },
}

/** Whether the head is too large because its first line is; told where the packet that overflowed begins the request. */
function hasLongTarget(error: Error): boolean {
  const packet = 'rawPacket' in error && Buffer.isBuffer(error.rawPacket) ? error.rawPacket : undefined
  if (!packet || !/^[A-Z]{3,16} \S/.test(packet.toString('latin1', 0, 20))) return false
  const end = packet.indexOf('\n')
  return end < 0 || end > LONGEST_URL
}

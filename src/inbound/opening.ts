import type { Socket } from 'node:net'
import { readProxyHeader } from './proxy-header.ts'

/**
 * Reads the header that a trusted proxy may send first, and puts back what follows it. `then` is called once, with
 * the address that the proxy named; never when the connection ends before. The socket is paused by then.
 */
export function readOpening(socket: Socket, then: (address: string | undefined) => void): void {
  let seen = Buffer.alloc(0)
  const take = (bytes: Buffer): void => {
    seen = Buffer.concat([seen, bytes])
    const header = readProxyHeader(seen)
    if (header.kind === 'more') return
    if (header.kind === 'bad') return void socket.destroy()
    socket.off('data', take).pause()
    const rest = header.kind === 'header' ? seen.subarray(header.length) : seen
    if (rest.length > 0) socket.unshift(rest)
    then(header.kind === 'header' ? header.address : undefined)
  }
  socket.on('data', take)
}

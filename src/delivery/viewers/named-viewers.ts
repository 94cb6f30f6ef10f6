import type { Server, Socket } from 'node:net'
import { Server as TlsServer, type TLSSocket } from 'node:tls'
import type { TrustedProxies } from '../viewer.ts'

/** Tells connections that are open apart. TLS knows another socket than the listener, between the same ends. */
export function endsOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

/**
 * What is returned keeps whom a proxy has named on a connection of this server, before anybody reads HTTP from it. The name is
 * the connection's as long as somebody knows it, and no other one's: neither what else the proxy opens nor the end of any
 * connection makes its viewer one who may name himself.
 */
export function nameViewers(
  server: Server,
  { named }: TrustedProxies,
): (socket: Socket, address: string) => void {
  if (!(server instanceof TlsServer)) return (socket, address) => void named.set(socket, address)
  /** Those whose handshake is under way. */
  const before = new Map<string, { address: string }>()
  server.prependListener('secureConnection', (secured: TLSSocket) => {
    const ends = endsOf(secured)
    const name = before.get(ends)
    if (name === undefined) return
    before.delete(ends)
    named.set(secured, name.address)
  })
  return (socket, address) => {
    const ends = endsOf(socket)
    const name = { address }
    before.set(ends, name)
    socket.once('close', () => {
      // Another one may have come between the same ends before this one was known to be gone.
      if (before.get(ends) === name) before.delete(ends)
    })
  }
}

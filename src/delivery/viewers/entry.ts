import { Server as TlsServer } from 'node:tls'
import { BlockList, type Server, type Socket } from 'node:net'
import type { Milliseconds } from '../../core/index.ts'
import { type ConnectionCount, plainAddress, readOpening } from '../../inbound/index.ts'
import type { TurnedAway } from './turned-away.ts'
import type { TrustedProxies } from '../viewer.ts'
import { nameViewers } from './named-viewers.ts'

export interface EntryOptions {
  /** Shared by the ports of a process, so that its caps hold for all of them together. */
  count: ConnectionCount
  proxies: TrustedProxies
  turnedAway: TurnedAway
  /** Until the header of a trusted proxy has come, or something that is none. */
  within: Milliseconds
}

/** Whoever is on this machine is not held to what one address may have. */
const OWN_MACHINE = new BlockList()
OWN_MACHINE.addSubnet('127.0.0.0', 8, 'ipv4')
OWN_MACHINE.addAddress('::1', 'ipv6')

/**
 * Stands before whatever takes a server's connections: counts them, and reads what a trusted proxy says first (PROXY
 * protocol, SEAMS 9), before TLS and before HTTP. Nobody else's first bytes are looked at.
 */
export function guardEntry(server: Server, options: EntryOptions): void {
  const takers = server.listeners('connection')
  server.removeAllListeners('connection')
  const name = nameViewers(server, options.proxies)
  const take = (socket: Socket): void => {
    for (const taker of takers) taker.call(server, socket)
  }
  server.on('connection', (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress ?? '')
    const proxied = options.proxies.has(address)
    const leave = admit(socket, proxied ? undefined : address, options)
    if (!leave) return
    if (!proxied) return take(socket)
    readProxied(socket, leave, options, named => {
      if (named !== undefined) name(socket, named)
      take(socket)
      // TLS reads by itself.
      if (!(server instanceof TlsServer)) socket.resume()
    })
  })
}

/** Takes a place for a socket until it closes; without one the socket is closed at once. */
function admit(
  socket: Socket,
  address: string | undefined,
  { count, turnedAway }: EntryOptions,
): (() => void) | undefined {
  const counted = address === undefined || isOwn(address) ? undefined : address
  const leave = count.admit(counted)
  if (leave) {
    socket.once('close', leave)
    return leave
  }
  turnedAway.add(count.full ? 'full' : 'address-full')
  socket.on('error', () => {})
  socket.destroy()
  return undefined
}

function readProxied(
  socket: Socket,
  leave: () => void,
  options: EntryOptions,
  take: (named: string | undefined) => void,
): void {
  const { proxies, turnedAway } = options
  let passed = false
  const fail = (): void => void socket.destroy()
  const late = setTimeout(fail, options.within)
  socket.on('error', fail).once('end', fail)
  socket.once('close', () => {
    clearTimeout(late)
    if (!passed) turnedAway.add('proxy-header')
  })
  readOpening(socket, named => {
    passed = true
    clearTimeout(late)
    if (named !== undefined) {
      // From here on the place is the viewer's.
      leave()
      if (!admit(socket, proxies.has(named) ? undefined : named, options)) return
    }
    socket.off('error', fail).off('end', fail)
    take(named)
  })
}

function isOwn(address: string): boolean {
  return OWN_MACHINE.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}

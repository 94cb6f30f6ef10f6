import { isIP, type Socket } from 'node:net'
import { Peer } from '../http2/index.ts'
import { plainAddress, trustProxies } from '../inbound/index.ts'
import type { Incoming } from './exchange.ts'

/** Who asks, as far as it can be trusted. */
export interface Viewer {
  address: string
  scheme: 'http' | 'https'
  /** As sent, with its port. */
  authority: string
  /** Without port, lower case. */
  host: string
}

export type ViewerResult = { kind: 'viewer'; viewer: Viewer } | { kind: 'bad'; why: string }

/**
 * Proxies whose X-Forwarded-* and PROXY protocol count; from anyone else they are ignored (SEAMS 9). One object for the
 * ports and the steps of a process.
 */
export interface TrustedProxies {
  has(address: string): boolean
  /** Of a connection on which a proxy has named its viewer by PROXY protocol: the address, by the socket that HTTP is read from. */
  readonly named: WeakMap<Socket, string>
}

export function compileTrustedProxies(cidrs: readonly string[]): TrustedProxies {
  const named = new WeakMap<Socket, string>()
  if (cidrs.length === 0) return { has: () => false, named }
  const trusted = trustProxies(cidrs)
  return { has: address => trusted.has(address), named }
}

/** A name has at most 253 characters (RFC 1035 §2.3.4); a longer one would only fill logs. */
const LONGEST_AUTHORITY = 260

/** `target` is what stands before the path in a target of absolute form. */
export function readViewer(request: Incoming, trusted: TrustedProxies, target?: string): ViewerResult {
  const { headers, socket } = request
  let authority = authorityOf(request, target)
  if (typeof authority !== 'string') return { kind: 'bad', ...authority }
  let scheme: Viewer['scheme'] = 'encrypted' in socket && socket.encrypted ? 'https' : 'http'
  let address = plainAddress(socket.remoteAddress ?? '')
  if (trusted.has(address)) {
    address = trusted.named.get(socket instanceof Peer ? socket.socket : socket) ?? address
    // A proxy that passes connections on looks into no request: what these say is the viewer's own invention.
    if (trusted.has(address)) {
      address = forwardedFor(headers['x-forwarded-for'], trusted) ?? address
      const proto = headers['x-forwarded-proto']
      if (proto === 'http' || proto === 'https') scheme = proto
      const host = headers['x-forwarded-host']
      if (typeof host === 'string' && host !== '') authority = host
    }
  }
  const [, name = '', port = ''] =
    authority.length > LONGEST_AUTHORITY ? [] : (AUTHORITY.exec(authority) ?? [])
  if (name === '') return { kind: 'bad', why: authority === '' ? 'no Host' : 'a Host that is none' }
  return { kind: 'viewer', viewer: { address, scheme, authority: name + port, host: name.toLowerCase() } }
}

/** Name or address, without the dot that may end a name, and port. A name and password before them are refused. */
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*[A-Za-z0-9_-])\.?(:\d{1,5})?$/

/** Which of two Host fields counts must not be left to chance (RFC 9112 §3.2), nor which of target and Host (§3.2.2). */
function authorityOf(request: Incoming, target: string | undefined): string | { why: string } {
  const { host = '' } = request.headers
  if ('stream' in request) {
    // Undefined where neither is sent, whatever its type says.
    const { authority = '' } = request
    if (host !== '' && !names(authority, host)) return { why: 'a Host that differs from its :authority' }
    return authority
  }
  if (countHosts(request.rawHeaders) > 1) return { why: 'two Host headers' }
  if (target !== undefined && host !== '' && !names(target, host)) {
    return { why: 'a target with another host than its Host header' }
  }
  return target ?? host
}

function names(authority: string, host: string): boolean {
  return authority === host || comparable(authority) === comparable(host)
}

function comparable(authority: string): string {
  return authority.toLowerCase().replace(/\.?(?::(?:80|443)?)?$/, '')
}

/** The nearest hop that is not one of ours: a list grows on the right, and what stands left of it may be invented. */
function forwardedFor(header: string | string[] | undefined, trusted: TrustedProxies): string | undefined {
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map(hop => hop.trim())
  for (const hop of hops.reverse()) {
    if (isIP(hop) === 0) return undefined
    if (!trusted.has(hop)) return plainAddress(hop)
  }
  return undefined
}

/** Node keeps the first of two. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count
}

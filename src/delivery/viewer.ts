import { BlockList, isIP } from 'node:net'
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

/** Proxies whose X-Forwarded-* count; from anyone else these headers are ignored (SEAMS 9). */
export interface TrustedProxies {
  has(address: string): boolean
}

export function compileTrustedProxies(cidrs: readonly string[]): TrustedProxies {
  if (cidrs.length === 0) return { has: () => false }
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [network = '', bits] = cidr.split('/')
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(network, family)
    else list.addSubnet(network, Number(bits), family)
  }
  return { has: address => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') }
}

/** A name has at most 253 characters (RFC 1035 §2.3.4); a longer one would only fill logs. */
const LONGEST_AUTHORITY = 260

export function readViewer(request: Incoming, trusted: TrustedProxies): ViewerResult {
  const { headers, socket } = request
  const hosts = 'stream' in request ? 1 : countHosts(request.rawHeaders)
  if (hosts > 1) return { kind: 'bad', why: 'two Host headers' }
  let authority = ('authority' in request && request.authority) || headers.host || ''
  let scheme: Viewer['scheme'] = 'encrypted' in socket && socket.encrypted ? 'https' : 'http'
  let address = unmapped(socket.remoteAddress ?? '')
  if (trusted.has(address)) {
    address = forwardedFor(headers['x-forwarded-for'], trusted) ?? address
    const proto = headers['x-forwarded-proto']
    if (proto === 'http' || proto === 'https') scheme = proto
    const host = headers['x-forwarded-host']
    if (typeof host === 'string' && host !== '') authority = host
  }
  const match =
    authority.length > LONGEST_AUTHORITY
      ? null
      : /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(authority)
  if (!match) return { kind: 'bad', why: authority === '' ? 'no Host' : 'a Host that is none' }
  return { kind: 'viewer', viewer: { address, scheme, authority, host: (match[1] ?? '').toLowerCase() } }
}

/** The nearest hop that is not one of ours: a list grows on the right, and what stands left of it may be invented. */
function forwardedFor(header: string | string[] | undefined, trusted: TrustedProxies): string | undefined {
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map(hop => hop.trim())
  for (const hop of hops.reverse()) {
    if (isIP(hop) === 0) return undefined
    if (!trusted.has(hop)) return unmapped(hop)
  }
  return undefined
}

/** `::ffff:192.0.2.1` is how a dual-stack socket names an IPv4 peer. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** Node keeps the first of two Host headers; which one counts must not be left to chance (RFC 9112 §3.2). */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count
}

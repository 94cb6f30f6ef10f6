import { isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { plainAddress, type TrustedProxies } from '../inbound/index.ts'
import type { Scheme } from '../routing/index.ts'

/** Who asks over HTTP, and what for. */
export interface Asker {
  address: string
  scheme: Scheme
  /** Without port, lower case. */
  host: string
}

/** Proxies say whose request they pass on; nobody else is believed. */
export function askerOf({ socket, headers }: IncomingMessage, trusted: TrustedProxies): Asker {
  const direct = plainAddress(socket.remoteAddress ?? '')
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  const host = hostOf(headers.host)
  if (!trusted.has(direct)) return { address: direct, scheme, host }
  const proto = field(headers['x-forwarded-proto'])
  return {
    address: forwardedFor(field(headers['x-forwarded-for']), trusted) ?? direct,
    scheme: proto === 'http' || proto === 'https' ? proto : scheme,
    host: hostOf(field(headers['x-forwarded-host']) ?? headers.host),
  }
}

/** The nearest hop that is not one of ours. */
function forwardedFor(said: string | undefined, trusted: TrustedProxies): string | undefined {
  const hops = (said ?? '').split(',').map(hop => plainAddress(hop.trim()))
  for (const hop of hops.reverse()) {
    if (isIP(hop) === 0) return undefined
    if (!trusted.has(hop)) return hop
  }
  return undefined
}

function field(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value
}

function hostOf(authority: string | undefined): string {
  return (authority ?? '').toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
}

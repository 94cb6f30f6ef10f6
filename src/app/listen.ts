import { SluiceError, type Listen } from '../core/index.ts'

/** Where a port alone listens: viewers' ports on all interfaces, everything else on loopback (INTERFACE.md, "Names and ports"). */
export type Reach = 'everywhere' | 'loopback'

export type ListenResult = { kind: 'ok'; listen: Listen } | { kind: 'bad'; why: string }

/** Reads `8080`, `127.0.0.1:8080`, `[::1]:8080`, `media.example:8080`. `host` undefined means all interfaces. */
export function parseListen(text: string, reach: Reach): ListenResult {
  const match = /^(?:(?:\[([0-9a-fA-F:.%]+)\]|([^\s:[\]/@]+)):)?(\d{1,5})$/.exec(text.trim())
  const port = Number(match?.[3])
  if (!match || port > 65_535) {
    return { kind: 'bad', why: 'use a port from 0 to 65535, or host:port' }
  }
  const host = match[1] ?? match[2] ?? (reach === 'loopback' ? '127.0.0.1' : undefined)
  return { kind: 'ok', listen: host === undefined || host === '*' ? { port } : { host, port } }
}

/** `8080` or `127.0.0.1:8080`, as people write it. */
export function formatListen(listen: Listen): string {
  if (listen.host === undefined) return String(listen.port)
  return `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`
}

/** An address that answers on this machine for something that listens there: all interfaces are reached by 127.0.0.1. */
export function urlOf(scheme: string, listen: Listen): string {
  const everywhere = listen.host === undefined || listen.host === '::' || listen.host === '0.0.0.0'
  const host = everywhere ? '127.0.0.1' : (listen.host ?? '')
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${listen.port}`
}

/** Why a port cannot be listened on, as one sentence that names the port and the flag to change. */
export function listenRefusal(
  listen: Listen,
  flag: string,
  what: string,
  code: string | undefined,
): SluiceError {
  const where = formatListen(listen)
  switch (code) {
    case 'EADDRINUSE':
      return refusal(
        'port-taken',
        `Port ${listen.port} (${what}) is taken by another program: end that one, or choose another port with ${flag}, such as ${flag} 0 for any free one.`,
      )
    case 'EACCES':
      return refusal(
        'port-needs-rights',
        `Port ${listen.port} (${what}) needs rights that this user does not have: choose a port above 1023 with ${flag}, or grant Node the right to bind low ports.`,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return refusal(
        'no-such-address',
        `${where} (${what}) is no address of this machine: give another host, or the port alone, with ${flag}.`,
      )
    default:
      return refusal(
        'cannot-listen',
        `Nothing can listen on ${where} (${what}), ${code ?? 'for an unknown reason'}: choose another with ${flag}.`,
      )
  }
}

function refusal(code: string, sentence: string): SluiceError {
  return new SluiceError(code, sentence, { side: 'operator' })
}

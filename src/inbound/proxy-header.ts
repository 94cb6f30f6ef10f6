import { isIP } from 'node:net'
import { plainAddress } from './proxies.ts'

/** What a trusted proxy says before the connection's own bytes (PROXY protocol, versions 1 and 2). */
export type ProxyHeader =
  | { kind: 'more' }
  | { kind: 'none' }
  /** `address` is undefined when the proxy speaks for itself (`LOCAL`, `UNKNOWN`). */
  | { kind: 'header'; address: string | undefined; length: number }
  | { kind: 'bad' }

const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V1 = Buffer.from('PROXY ', 'latin1')
const LONGEST_V1 = 107
/** Addresses and some extensions; the protocol would allow 64 KiB. */
const LONGEST_V2 = 4096

/**
 * Reads the beginning of a connection. RTMP begins with 3, TLS with 22 and no method of HTTP with `PROXY `, so none of
 * them is taken for a header.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, V2)) return bytes.length < 16 ? { kind: 'more' } : readV2(bytes)
  if (startsLike(bytes, V1)) return readV1(bytes)
  return { kind: bytes.length === 0 ? 'more' : 'none' }
}

/** Whether `bytes` begin with `start`, or may yet. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return length > 0 && bytes.subarray(0, length).equals(start.subarray(0, length))
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, LONGEST_V1).indexOf('\r\n')
  if (end < 0) return { kind: bytes.length < LONGEST_V1 ? 'more' : 'bad' }
  const [, family, source = '', target = '', ...ports] = bytes.toString('latin1', 0, end).split(' ')
  const length = end + 2
  if (family === 'UNKNOWN') return { kind: 'header', address: undefined, length }
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : -1
  const whole = isIP(source) === version && isIP(target) === version && ports.length === 2
  return whole && ports.every(isPort)
    ? { kind: 'header', address: plainAddress(source), length }
    : { kind: 'bad' }
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) < 65_536
}

function readV2(bytes: Buffer): ProxyHeader {
  const [version = 0, family = 0] = bytes.subarray(12, 14)
  const length = 16 + bytes.readUInt16BE(14)
  if (version >> 4 !== 2 || (version & 0x0f) > 1 || length > LONGEST_V2) return { kind: 'bad' }
  if (bytes.length < length) return { kind: 'more' }
  if ((version & 0x0f) === 0) return { kind: 'header', address: undefined, length }
  if (family === 0x11 && length >= 28) {
    return { kind: 'header', address: [...bytes.subarray(16, 20)].join('.'), length }
  }
  if (family === 0x21 && length >= 52) {
    const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(16 + 2 * index).toString(16))
    return { kind: 'header', address: shortest(groups), length }
  }
  // Another family names no address that anything here could compare.
  return { kind: 'header', address: undefined, length }
}

/** The spelling that sockets use (RFC 5952), so that one address is counted once. */
function shortest(groups: string[]): string {
  const address = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (mapped === null) return address
  const [high, low] = [parseInt(mapped[1] ?? '0', 16), parseInt(mapped[2] ?? '0', 16)]
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

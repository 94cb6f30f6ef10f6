import { fieldValue, listMembers, withoutFields, type FlatHeaders } from './headers.ts'

/** Fields that belong to one connection (RFC 9110 §7.6.1) and those that would re-frame a message. */
export const HOP_BY_HOP = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** The fields that may travel on: less hop-by-hop ones and those that Connection names. */
export function endToEnd(headers: FlatHeaders): string[] {
  const named = listMembers(fieldValue(headers, 'connection') ?? '').map(name => name.toLowerCase())
  return withoutFields(headers, new Set([...HOP_BY_HOP, ...named]))
}

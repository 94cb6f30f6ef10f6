import { parseAddress } from '../signing/index.ts'

/** Whose latency is kept as one: the length of a network of an IPv4 address, and of an IPv6 address. */
export const NETWORK_BITS = { 4: 24, 6: 48 } as const

/** An address in network order: 4 bytes or 16. */
export type AddressBytes = readonly number[]

/** `192.0.2.0/24`, `2001:db8:1::/48`: the one name of the network in which an address is; undefined of what is none. */
export function networkOf(address: string): string | undefined {
  const bytes = parseAddress(address)
  return bytes && nameOfNetwork(bytes)
}

/** Of 4 bytes or 16. */
export function nameOfNetwork(bytes: AddressBytes): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.0/24`
  const group = (at: number): string => (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16)
  return `${group(0)}:${group(2)}:${group(4)}::/48`
}

/** As it is written; not shortened. */
export function textOfAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups: string[] = []
  for (let at = 0; at < 16; at += 2)
    groups.push((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16))
  return groups.join(':')
}

/** What `networkOf` gives, and nothing else. */
export const NETWORK_PATTERN = '^(?:(?:\\d{1,3}\\.){3}0/24|[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){2}::/48)$'

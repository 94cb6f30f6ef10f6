import type { AddressBytes } from '../networks.ts'

/** The network of a client, as its resolver says it (RFC 7871). */
export interface Subnet {
  family: 0 | 1 | 2
  /** How many bits the resolver tells; with 0 it says that the client's address is not to be used. */
  source: number
  /** 4 bytes or 16, filled up with zeros; empty of a family that is none. */
  address: AddressBytes
}

export type SubnetResult = { kind: 'subnet'; subnet: Subnet } | { kind: 'malformed'; why: string }

const HEAD = 4

/** RFC 7871 §6: family, source and scope length, and as many bytes of address as the source length needs. */
export function readSubnet(data: Uint8Array): SubnetResult {
  const [high = 0, low = 0, source = 0, scope = 0] = data
  if (data.length < HEAD) return malformed('a client subnet that is cut')
  const family = (high << 8) | low
  // What asks not to be told of may have no family at all.
  if (family === 0 && source === 0 && scope === 0 && data.length === HEAD)
    return { kind: 'subnet', subnet: { family: 0, source: 0, address: [] } }
  if (family !== 1 && family !== 2) return malformed('a client subnet of an unknown family')
  const length = family === 1 ? 4 : 16
  if (source > length * 8) return malformed('a client subnet that is too long')
  if (scope !== 0) return malformed('a scope in a question')
  const told = data.subarray(HEAD)
  if (told.length !== Math.ceil(source / 8))
    return malformed('a client subnet of another length than it says')
  const last = told.at(-1) ?? 0
  if (source % 8 !== 0 && (last & (0xff >> (source % 8))) !== 0)
    return malformed('a client subnet with bits behind its end')
  const address = [...told, ...new Array<number>(length - told.length).fill(0)]
  return { kind: 'subnet', subnet: { family, source, address } }
}

/** As it came, with the scope. */
export function writeSubnet({ family, source, address }: Subnet, scope: number): Buffer {
  return Buffer.from([0, family, source, scope, ...address.slice(0, Math.ceil(source / 8))])
}

function malformed(why: string): SubnetResult {
  return { kind: 'malformed', why }
}

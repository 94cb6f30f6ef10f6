import { hostname, networkInterfaces } from 'node:os'
import type { Listen } from '../core/index.ts'

/** How other machines reach something that listens here. */
export interface Reach {
  /** https://host:port. */
  url: string
  /** What it is to be known by: addresses and names of this machine. */
  names: string[]
}

/** Addresses of this machine that others may know, IPv4 first; those of one link alone are left out. */
export function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  const outward = all.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
  const ordered = outward.sort((one, other) => one.family.localeCompare(other.family))
  return ordered.map(({ address }) => address)
}

/** Undefined where only this machine can come. */
export function reachOf(
  { host, port }: Listen,
  machine: { addresses: string[]; name: string } = { addresses: ownAddresses(), name: hostname() },
): Reach | undefined {
  if (host !== undefined && isLoopback(host)) return undefined
  const everywhere = host === undefined || host === '::' || host === '0.0.0.0'
  const names = everywhere ? [...machine.addresses, machine.name] : [host]
  const [first = machine.name] = names
  const written = first.includes(':') ? `[${first}]` : first
  return { url: `https://${written}:${port}`, names: [...new Set(names)].filter(name => !name.includes('%')) }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

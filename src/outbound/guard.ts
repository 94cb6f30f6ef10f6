import { lookup as resolveName, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { SluiceError, systemClock } from '../core/index.ts'
import { cidrHolds, parseAddress, parseCidr, type Address, type Cidr } from '../signing/index.ts'
import { rememberedLookups, type Resolve } from './name-lookups.ts'

/**
 * Which addresses requests that leave the CDN may go to (SEAMS 27). It is asked after name resolution, at connect, so
 * that no name can be turned to another address in between: what a name meant before is judged again each time.
 */
export interface Guard {
  /** For `lookup` of node:net, node:http and undici: resolves, and fails with `address-refused` for what may not be. */
  lookup: LookupFunction
  /** As `lookup`, for connections to this port: our own ports are refused too. */
  lookupFor(port: number): LookupFunction
  /** Undefined when this address and port may be connected to; else a sentence that says why not and how to mend it. */
  refusal(address: string, port: number): string | undefined
}

export interface GuardOptions {
  /** `origins.allow`: ranges (CIDR) of loopback addresses that may be asked. */
  allow: readonly string[]
  /** The ports that this installation listens on; on no address of this machine may they be asked. */
  ownPorts: readonly number[]
  /** Resolves names, anew each time; the system's own way, remembered for half a minute, unless a test has another. */
  resolve?: Resolve
  /** The addresses of this machine beside loopback. */
  localAddresses?: () => readonly string[]
}

const ranges = (...texts: string[]): Cidr[] => texts.flatMap(text => parseCidr(text) ?? [])

const LOOPBACK = ranges('127.0.0.0/8', '::1/128')
/** Nobody's origin is there, but each holds something that must not be asked: cloud metadata above all. */
const NEVER: readonly { what: string; in: Cidr[] }[] = [
  // fd00:ec2::254 is what 169.254.169.254 is, on IPv6.
  { what: 'a link-local address', in: ranges('169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128') },
  // Of Azure, Alibaba and Oracle, who have theirs elsewhere.
  {
    what: "an address of a cloud's metadata",
    in: ranges('168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32'),
  },
  // Systems connect to these as if they were loopback.
  { what: 'an unspecified address', in: ranges('0.0.0.0/8', '::/128') },
  { what: 'a multicast or broadcast address', in: ranges('224.0.0.0/4', '255.255.255.255/32', 'ff00::/8') },
]
/**
 * IPv6 forms that hold an IPv4 address to which a gateway or the system goes on, and its first byte there (RFC 6052,
 * RFC 8215, RFC 4291, RFC 2765; 6to4 of RFC 3056).
 */
const EMBEDDING: readonly { in: Cidr[]; at: number }[] = [
  { in: ranges('64:ff9b::/96', '64:ff9b:1::/48', '::/96', '::ffff:0:0:0/96'), at: 12 },
  { in: ranges('2002::/16'), at: 2 },
]

export function createGuard(options: GuardOptions): Guard {
  const allowed = ranges(...options.allow)
  const ownPorts = new Set(options.ownPorts)
  const local = options.localAddresses ?? interfaceAddresses
  const resolve = options.resolve ?? rememberedLookups(askSystem, systemClock)

  function refusal(text: string, port?: number): string | undefined {
    const address = parseAddress(text)
    if (address === undefined) return `${text} is no address`
    const meant = embedded(address) ?? address
    for (const { what, in: list } of NEVER) {
      if (holds(list, meant)) return `${text} is ${what}: no origin may be there, give it another address`
    }
    const loopback = holds(LOOPBACK, meant)
    if (port !== undefined && ownPorts.has(port) && (loopback || isLocal(meant, local()))) {
      return `${text} port ${port} is Sluice itself: an origin is another server, or the origin of the kind built-in`
    }
    if (loopback && !holds(allowed, meant)) {
      return `${text} is on this machine: list it in origins.allow (--allow-origin ${text}) if an origin is meant to be there`
    }
    return undefined
  }

  const lookupFor =
    (port: number | undefined): LookupFunction =>
    (name, { all, family }, callback) => {
      resolve(name, (error, found = []) => {
        if (error) return callback(error, [])
        const wanted = family === 4 || family === 6 ? found.filter(each => each.family === family) : found
        const open = wanted.filter(({ address }) => refusal(address, port) === undefined)
        const [first] = open
        if (first === undefined) return callback(refused(name, wanted, port), [])
        if (all === true) callback(null, open)
        else callback(null, first.address, first.family)
      })
    }

  function refused(name: string, found: readonly LookupAddress[], port: number | undefined): Error {
    const [first] = found
    if (first === undefined) return notFound(name)
    return addressRefused(
      `${name} resolves to no address that may be asked: ${refusal(first.address, port) ?? ''}`,
    )
  }

  return { lookup: lookupFor(undefined), lookupFor, refusal }
}

function askSystem(name: string, answer: Parameters<Resolve>[1]): void {
  resolveName(name, { all: true }, answer)
}

/** What a guard's refusal is thrown as. */
export function addressRefused(sentence: string): SluiceError {
  return new SluiceError('address-refused', sentence, { side: 'upstream', kind: 'unavailable' })
}

/**
 * Why no connection may be opened to a host that is written as an address: node:net resolves nothing then, and asks no
 * `lookup`. Brackets around IPv6 are taken off. Undefined for a name.
 */
export function literalRefusal(guard: Guard, host: string, port: number): string | undefined {
  const address = host.replace(/^\[(.*)\]$/, '$1')
  return isIP(address) === 0 ? undefined : guard.refusal(address, port)
}

function notFound(name: string): Error {
  return new SluiceError('ENOTFOUND', `${name} has no address`, { side: 'upstream', kind: 'unavailable' })
}

function holds(list: readonly Cidr[], address: Address): boolean {
  return list.some(range => cidrHolds(range, address))
}

function embedded(address: Address): Address | undefined {
  // `::` and `::1` are addresses of their own.
  if (address.length !== 16 || address.slice(0, 15).every(byte => byte === 0)) return undefined
  const form = EMBEDDING.find(each => holds(each.in, address))
  return form && address.slice(form.at, form.at + 4)
}

function isLocal(address: Address, local: readonly string[]): boolean {
  return local.some(text => parseAddress(text)?.join() === address.join())
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(list => (list ?? []).map(({ address }) => address))
}

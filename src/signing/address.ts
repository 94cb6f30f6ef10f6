/** An address in network order: 4 bytes for IPv4 (and for IPv6 that maps it), else 16. */
export type Address = readonly number[]

/** A range of addresses. CloudFront knows IPv4 only; IPv6 is an extension. */
export interface Cidr {
  readonly text: string
  readonly network: Address
  readonly prefix: number
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** Reads an address as sockets report it: `::ffff:192.0.2.1` is 192.0.2.1, a zone (`fe80::1%eth0`) is dropped. */
export function parseAddress(text: string): Address | undefined {
  return unmap(bytesOf(text.replace(/%[^%]*$/, '')))
}

/** Reads `192.0.2.0/24`, `2001:db8::/32`, or one address alone; undefined when it is none of them. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', prefixText, ...more] = text.split('/')
  if (more.length > 0 || (prefixText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(prefixText)))
    return undefined
  const bytes = bytesOf(address)
  if (bytes === undefined) return undefined
  const prefix = prefixText === undefined ? bytes.length * 8 : Number(prefixText)
  if (prefix > bytes.length * 8) return undefined
  const network = unmap(bytes)
  if (network === undefined || network.length === bytes.length) return { text, network: bytes, prefix }
  return prefix < 96 ? { text, network: bytes, prefix } : { text, network, prefix: prefix - 96 }
}

/** Bits of the network behind the prefix do not count, as in `192.0.2.7/24`. */
export function cidrHolds({ network, prefix }: Cidr, address: Address): boolean {
  if (network.length !== address.length) return false
  for (let bit = 0; bit < prefix; bit += 8) {
    const kept = Math.min(8, prefix - bit)
    const mask = (0xff << (8 - kept)) & 0xff
    if (((network[bit / 8] ?? 0) & mask) !== ((address[bit / 8] ?? 0) & mask)) return false
  }
  return true
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?=\d)|$)){4}$/

/** The URL standard reads between brackets what RFC 4291 section 2.2 writes, and knows no zones. */
function isIPv6(text: string): boolean {
  return /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`)
}

function bytesOf(text: string): Address | undefined {
  if (IPV4.test(text)) return text.split('.').map(Number)
  if (!isIPv6(text)) return undefined
  const [head = '', tail] = text.split('::')
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  return [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back]
}

/** Bytes of one side of `::`; the last group may be an IPv4 address. isIPv6 has proved that it is well formed. */
function groups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

function unmap(bytes: Address | undefined): Address | undefined {
  const mapped = bytes?.length === 16 && MAPPED.every((byte, at) => bytes[at] === byte)
  return mapped ? bytes?.slice(12) : bytes
}

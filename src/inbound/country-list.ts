import { parseAddress, parseCidr } from '../signing/index.ts'
import { readCountry, readLocation, type Place, type PlaceLookup } from './country-database.ts'

/** Networks of one length: by their first bits, each as one character. */
interface OfLength {
  bits: number
  places: Map<string, Place>
}

/**
 * Reads lines of `network,country` or `network,country,latitude,longitude`: `1.0.0.0/24,AU`, `2001:db8::/32,NZ,-36.9,174.8`;
 * who says where in degrees may leave the country out. Of networks within each other the smaller one counts. Empty lines,
 * those that begin with `#`, quotes, further columns and a first line of names are passed over. Throws a sentence that
 * names the first line that is none.
 */
export function readCountryList(text: string): PlaceLookup {
  const tables = { 4: new Map<number, OfLength>(), 16: new Map<number, OfLength>() }
  let at = 0
  for (const line of text.split('\n')) {
    at++
    const [network = '', country = '', ...further] = line
      .split(',')
      .map(each => each.trim().replace(/^"(.*)"$/, '$1'))
    if (network === '' || network.startsWith('#')) continue
    const cidr = parseCidr(network)
    const place = readPlace(country, further)
    if (cidr === undefined || place === undefined) {
      if (at === 1) continue
      throw new Error(`line ${at} is none of "network,country", such as "192.0.2.0/24,NZ"`)
    }
    const table = tables[cidr.network.length === 4 ? 4 : 16]
    let known = table.get(cidr.prefix)
    if (known === undefined) table.set(cidr.prefix, (known = { bits: cidr.prefix, places: new Map() }))
    known.places.set(firstBits(cidr.network, cidr.prefix), place)
  }
  if (tables[4].size === 0 && tables[16].size === 0) throw new Error('it names no network')
  const longestFirst = (table: Map<number, OfLength>): OfLength[] =>
    [...table.values()].sort((one, other) => other.bits - one.bits)
  const [four, six] = [longestFirst(tables[4]), longestFirst(tables[16])]
  return address => {
    const parsed = parseAddress(address)
    if (parsed === undefined) return undefined
    for (const { bits, places } of parsed.length === 4 ? four : six) {
      const place = places.get(firstBits(parsed, bits))
      if (place !== undefined) return place
    }
    return undefined
  }
}

/** Columns that are no numbers say something else. */
function readPlace(said: string, [latitude = '', longitude = '']: readonly string[]): Place | undefined {
  const country = readCountry(said)
  const isSaid = latitude !== '' && longitude !== ''
  const location = isSaid ? readLocation(Number(latitude), Number(longitude)) : undefined
  if (country === undefined && (said !== '' || location === undefined)) return undefined
  return { ...(country !== undefined && { country }), ...(location && { location }) }
}

/** What is behind them does not count. */
function firstBits(address: readonly number[], bits: number): string {
  let text = ''
  for (let bit = 0; bit < bits; bit += 8) {
    const kept = Math.min(8, bits - bit)
    text += String.fromCharCode((address[bit / 8] ?? 0) & ((0xff << (8 - kept)) & 0xff))
  }
  return text
}

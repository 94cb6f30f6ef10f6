import { Reader, type Response } from 'mmdb-lib'

/** Where an address is. */
export interface Place {
  /** ISO 3166-1 alpha-2, in capitals. */
  country?: string
  /** Degrees, north and east. */
  location?: { latitude: number; longitude: number }
}

/** Where an address is, by what a file says; undefined where it says nothing. */
export type PlaceLookup = (address: string) => Place | undefined

/** Stands before the last part of such a database, which is at most this long (MaxMind DB format 2.0, "Database metadata"). */
const MARK = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
const LONGEST_END = 128 * 1024

export function isCountryDatabase(content: Buffer): boolean {
  return content.subarray(-LONGEST_END).includes(MARK)
}

/** The door to mmdb-lib. Throws of what is no database that can be read. */
export function readCountryDatabase(content: Buffer): PlaceLookup {
  const reader = new Reader<Response>(content)
  const { nodeCount, recordSize } = reader.metadata
  // Two records for each node; what is cut before its end would only be found out by some addresses.
  if (!((nodeCount * recordSize) / 4 < content.length)) throw new Error('the database is cut')
  return address => placeOf(reader.get(address))
}

/** Databases of cities say besides where that is: `{"location": {"latitude": -36.9, "longitude": 174.8}}`. */
function placeOf(record: unknown): Place | undefined {
  const country = countryOf(record)
  const { location: said } = (record ?? {}) as { location?: { latitude?: unknown; longitude?: unknown } } // looked at below
  const location = readLocation(said?.latitude, said?.longitude)
  if (country === undefined && location === undefined) return undefined
  return { ...(country !== undefined && { country }), ...(location && { location }) }
}

/** Degrees, as numbers. */
export function readLocation(latitude: unknown, longitude: unknown): Place['location'] {
  if (typeof latitude !== 'number' || typeof longitude !== 'number') return undefined
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return undefined
  return { latitude, longitude }
}

/** As MaxMind has it, and as those that have the country alone: `{"country": "NZ"}`, `{"country_code": "NZ"}`. */
function countryOf(record: unknown): string | undefined {
  if (typeof record !== 'object' || record === null) return undefined
  const { country, country_code: code } = record as Record<string, unknown> // each is looked at below
  const named =
    typeof country === 'object' && country !== null ? (country as { iso_code?: unknown }).iso_code : country
  return [named, code].map(readCountry).find(each => each !== undefined)
}

/** ISO 3166-1 alpha-2, in capitals. */
export function readCountry(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z]{2}$/.test(value) ? value.toUpperCase() : undefined
}

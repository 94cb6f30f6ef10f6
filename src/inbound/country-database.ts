import { Reader, type Response } from 'mmdb-lib'

/** In which country an address is, by what a file says; undefined where it says nothing. */
export type CountryLookup = (address: string) => string | undefined

/** Stands before the last part of such a database, which is at most this long (MaxMind DB format 2.0, "Database metadata"). */
const MARK = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
const LONGEST_END = 128 * 1024

export function isCountryDatabase(content: Buffer): boolean {
  return content.subarray(-LONGEST_END).includes(MARK)
}

/** The door to mmdb-lib. Throws of what is no database that can be read. */
export function readCountryDatabase(content: Buffer): CountryLookup {
  const reader = new Reader<Response>(content)
  const { nodeCount, recordSize } = reader.metadata
  // Two records for each node; what is cut before its end would only be found out by some addresses.
  if (!((nodeCount * recordSize) / 4 < content.length)) throw new Error('the database is cut')
  return address => countryOf(reader.get(address))
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

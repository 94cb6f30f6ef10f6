import { randomBytes } from 'node:crypto'

/** What signs requests as AWS has it. */
export interface AccessKey {
  /** Told to everybody; clients take 16 to 128 letters, digits and `_`. */
  id: string
  secret: string
}

/** Of the alphabet of RFC 4648 base32, which AWS's have too; not with its prefixes, by which leaked keys are looked for. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The id has 80 random bits, the secret 240 in the 40 characters that tools expect. */
export function newAccessKey(): AccessKey {
  const letters = [...randomBytes(16)].map(byte => LETTERS[byte % LETTERS.length])
  return { id: `SLCE${letters.join('')}`, secret: randomBytes(30).toString('base64url') }
}

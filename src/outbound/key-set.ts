import { SluiceError } from '../core/index.ts'
import type { PublicJwk } from '../distribution/index.ts'

/** More keys than anybody rotates through; the rest of a longer set is left out. */
const MOST_KEYS = 100

/** Members that only private or shared keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
const SECRET = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** As long as `PublicJwk` lets them be. */
const LONGEST = { kid: 256, alg: 16, use: 16, crv: 16, n: 2048, e: 16, x: 128, y: 128 } as const

/**
 * The public signature keys of a JSON Web Key Set (RFC 7517 §5). Keys of other kinds and for other uses are left out,
 * as its §5 asks, and so is a key that is told with its private half, since anybody may sign with it. Throws a
 * sentence when the text is no such set.
 */
export function readKeySet(text: string): PublicJwk[] {
  const keys = keysIn(text)
  if (keys === undefined)
    throw new SluiceError(
      'bad-key-set',
      'what it answered is no JSON Web Key Set, an object with a list of keys',
      {
        side: 'upstream',
      },
    )
  return keys.flatMap(readKey).slice(0, MOST_KEYS)
}

function keysIn(text: string): unknown[] | undefined {
  try {
    const set: unknown = JSON.parse(text)
    if (typeof set !== 'object' || set === null || !('keys' in set)) return undefined
    return Array.isArray(set.keys) ? set.keys : undefined
  } catch {
    return undefined
  }
}

function readKey(value: unknown): PublicJwk[] {
  if (typeof value !== 'object' || value === null) return []
  const members = new Map<string, unknown>(Object.entries(value))
  const kty = members.get('kty')
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return []
  if (SECRET.some(name => members.has(name))) return []
  const operations = members.get('key_ops')
  if (Array.isArray(operations) && !operations.includes('verify')) return []
  const jwk: PublicJwk = { kty }
  for (const [name, longest] of entriesOf(LONGEST)) {
    const member = members.get(name)
    if (member === undefined) continue
    if (typeof member !== 'string' || member.length > longest) return []
    jwk[name] = member
  }
  return jwk.use === undefined || jwk.use === 'sig' ? [jwk] : []
}

function entriesOf<Name extends string>(lengths: Readonly<Record<Name, number>>): [Name, number][] {
  return Object.entries(lengths) as [Name, number][] // its own names, which Object.entries forgets
}

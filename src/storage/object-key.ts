import { SluiceError } from '../core/index.ts'
import type { ObjectKey } from './contract.ts'

// No leading dot: neither `.`, `..` nor a hidden file can ever be named.
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/
const LONGEST = 800

/**
 * The only maker of object keys: joins parts with `/` and checks every segment. Throws SluiceError `bad-object-key`.
 */
export function objectKey(...parts: string[]): ObjectKey {
  const key = parts.join('/')
  if (key.length > LONGEST || !key.split('/').every(segment => SEGMENT.test(segment))) {
    throw new SluiceError(
      'bad-object-key',
      `${JSON.stringify(key.slice(0, 80))} cannot be the key of an object`,
    )
  }
  return key as ObjectKey // checked above; this is the maker
}

/** Splits a folder prefix (`assets/a1/`) into its checked segments; the empty prefix means everything. */
export function prefixSegments(prefix: string): string[] {
  if (prefix === '') return []
  if (!prefix.endsWith('/')) {
    throw new SluiceError(
      'bad-object-key',
      `a prefix of objects ends in "/", ${JSON.stringify(prefix.slice(0, 80))} does not`,
    )
  }
  return objectKey(prefix.slice(0, -1)).split('/')
}

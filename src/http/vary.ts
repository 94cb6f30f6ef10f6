import { createHash } from 'node:crypto'
import { fieldValue, listMembers, type FlatHeaders } from './headers.ts'

/** What an answer varies by (RFC 9110 §12.5.5): names in lower case, each once, in order. */
export type Varying = { kind: 'by'; names: readonly string[] } | { kind: 'anything' }

export function varying(headers: FlatHeaders): Varying {
  const value = fieldValue(headers, 'vary')
  if (value === undefined) return BY_NOTHING
  const names = listMembers(value).map(name => name.toLowerCase())
  if (names.includes('*')) return { kind: 'anything' }
  return { kind: 'by', names: [...new Set(names)].sort() }
}

const BY_NOTHING: Varying = { kind: 'by', names: [] }

/**
 * Stands for the values that a request has of these fields, for the secondary key (RFC 9111 §4.1). A digest, since
 * Cookie or Authorization must not lie about in a key; one that is absent is not one that is empty.
 */
export function selectionOf(names: readonly string[], request: FlatHeaders): string {
  const values = names.map(name => normalise(name, fieldValue(request, name)))
  return createHash('sha256').update(JSON.stringify(values)).digest('base64url')
}

/** Spellings that mean the same: whitespace around commas; of languages also their case and order. */
function normalise(name: string, value: string | undefined): string | null {
  if (value === undefined) return null
  if (name === 'accept-language') return listMembers(value.toLowerCase().replace(/\s/g, '')).sort().join()
  return value.includes('"') ? value.trim() : value.trim().replace(/[ \t]*,[ \t]*/g, ',')
}

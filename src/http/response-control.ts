import { parseCacheControl, type Directives } from './cache-control.ts'
import { fieldValue, type FlatHeaders } from './headers.ts'
import { parseDictionary, type Item } from './structured.ts'

/** What an origin says to this cache, and in which field: the first targeted one counts, with nothing beside it. */
export interface ResponseControl {
  directives: Directives
  /** `cache-control` alone has `Expires` beside it. */
  from: 'targeted' | 'cache-control'
}

/** Our target list (RFC 9213 §2.2). `Sluice-Cache-Control` is another thing: what nodes tell each other. */
const TARGETED = ['sluice-cdn-cache-control', 'cdn-cache-control'] as const

export function responseControl(headers: FlatHeaders): ResponseControl {
  for (const name of TARGETED) {
    const value = fieldValue(headers, name)
    const directives = value === undefined ? undefined : parseTargeted(value)
    if (directives !== undefined) return { directives, from: 'targeted' }
  }
  return { directives: parseCacheControl(fieldValue(headers, 'cache-control') ?? ''), from: 'cache-control' }
}

/** Directives whose value is a number of seconds (RFC 9111 §5.2.2, RFC 5861). */
const SECONDS = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])

/** RFC 9213 §2.1: one that is empty, no dictionary, or has a lifetime of another type than Integer, is ignored. */
function parseTargeted(value: string): Directives | undefined {
  const members = parseDictionary(value)
  if (members === undefined || members.size === 0) return undefined
  const directives = new Map<string, string>()
  for (const [name, item] of members) {
    if (SECONDS.has(name) && item.kind !== 'integer') return undefined
    const text = argumentOf(item)
    if (text !== undefined) directives.set(name, text)
  }
  return directives
}

/** Undefined when it says that the directive is not given. */
function argumentOf(item: Item): string | undefined {
  switch (item.kind) {
    case 'integer':
      return String(item.value)
    case 'text':
      return item.value
    case 'boolean':
      return item.value ? '' : undefined
    case 'other':
      return ''
  }
}

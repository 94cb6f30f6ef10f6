import { createHash } from 'node:crypto'
import type { CanonicalPath, DistributionId } from '../core/index.ts'

/** What is stored under. Begins with the distribution's id, never with Host or scheme (SEAMS 4). */
export type CacheKey = string & { readonly key: 'cache' }

export type KeyedQuery = 'none' | 'all' | readonly string[] | { readonly except: readonly string[] }

/** `variant` is what `variantOf` made of the keyed header fields; empty when there are none. */
export function cacheKey(
  distribution: DistributionId,
  path: CanonicalPath,
  query: string,
  variant = '',
): CacheKey {
  const whose = variant === '' ? distribution : `${distribution} ${variant}`
  return (query === '' ? `${whose} ${path}` : `${whose} ${path}?${query}`) as CacheKey
}

/**
 * Stands for the values of keyed header fields, in the order in which a behaviour names them; one that is absent is
 * not one that is empty. A digest, since a key is short, and an Authorization must not lie about in it.
 */
export function variantOf(values: readonly (string | undefined)[]): string {
  if (values.length === 0) return ''
  const text = JSON.stringify(values.map(value => value ?? null))
  return createHash('sha256').update(text).digest('base64url')
}

/** The part of a query that enters the key and goes upstream: parameters keep their order and encoding. */
export function keyedQuery(query: string, keyed: KeyedQuery): string {
  if (query === '' || keyed === 'all') return query
  if (keyed === 'none') return ''
  return 'except' in keyed
    ? only(query, name => !keyed.except.includes(name))
    : only(query, name => keyed.includes(name))
}

/**
 * The low-latency directives `_HLS_*` of a playlist apart from what else its query holds, both as sent: they always
 * go upstream, whatever is keyed (SEAMS 19). Elsewhere they are parameters like any other.
 */
export function splitDirectives(query: string, path: CanonicalPath): { directives: string; rest: string } {
  if (!query.includes('_HLS_') || !path.endsWith('.m3u8')) return { directives: '', rest: query }
  return {
    directives: only(query, name => name.startsWith('_HLS_')),
    rest: only(query, name => !name.startsWith('_HLS_')),
  }
}

function only(query: string, wanted: (name: string) => boolean): string {
  return query
    .split('&')
    .filter(parameter => wanted(parameter.split('=', 1)[0] ?? ''))
    .join('&')
}

import type { CanonicalPath, DistributionId } from '../core/index.ts'

/** What is stored under. Begins with the distribution's id, never with Host or scheme (SEAMS 4). */
export type CacheKey = string & { readonly key: 'cache' }

export type KeyedQuery = 'none' | 'all' | readonly string[]

export function cacheKey(distribution: DistributionId, path: CanonicalPath, query: string): CacheKey {
  return (query === '' ? `${distribution} ${path}` : `${distribution} ${path}?${query}`) as CacheKey
}

/**
 * The part of a query that enters the key and goes upstream: parameters keep their order and encoding. The
 * low-latency directives `_HLS_*` of a playlist always count (SEAMS 19).
 */
export function keyedQuery(query: string, keyed: KeyedQuery, path: CanonicalPath): string {
  if (query === '' || keyed === 'all') return query
  const playlist = path.endsWith('.m3u8')
  if (keyed === 'none' && !(playlist && query.includes('_HLS_'))) return ''
  return query
    .split('&')
    .filter(parameter => {
      const name = parameter.split('=', 1)[0] ?? ''
      return (playlist && name.startsWith('_HLS_')) || (keyed !== 'none' && keyed.includes(name))
    })
    .join('&')
}

import type { CanonicalPath } from '../core/index.ts'
import { cacheKey, keyedQuery, splitDirectives, variantOf } from '../http/index.ts'
import { stripSigning } from '../signing/index.ts'
import { known, type Exchange } from './exchange.ts'
import { ownValue, sendable } from './upstream/forwarding.ts'
import type { Source } from './upstream/source.ts'

/** Sets whom to ask, what of the request goes there, and the key that both have in common. */
export function keyBy(x: Exchange, source: Source): void {
  const { path, query } = known(x.target, 'the target')
  const { distribution } = known(x.served, 'the distribution')
  x.source = source
  if (query !== '') {
    const { directives, rest } = splitDirectives(x.ownQuery ?? stripSigning(query), path)
    x.query = keyedQuery(rest, source.query)
    if (directives !== '' && heedsDirectives(x, source, path)) x.directives = directives
  }
  if (source.headers.length > 0) keyHeaders(x, source.headers)
  x.key = cacheKey(distribution.id, path, x.query, x.variant)
}

/**
 * Of the built-in origin, directives mean something for the media playlists of channels alone: an asset's playlist
 * would be stored once for each number that somebody makes up, and a channel's entry playlist held once for each. What
 * they mean to another server is not known (SEAMS 19); a bucket holds no questions.
 */
function heedsDirectives(x: Exchange, { origin }: Source, path: CanonicalPath): boolean {
  if (origin.kind !== 'built-in') return origin.kind === 'http'
  const { channel } = x
  return channel !== undefined && path !== `${channel}/index.m3u8`
}

export function keyHeaders(x: Exchange, names: readonly string[]): void {
  const values = names.map(name => {
    const value = x.spent.has(name) ? undefined : x.header(name)
    return value !== undefined && sendable(value) ? ownValue(x, name, value) : undefined
  })
  x.variant = variantOf(values)
  x.forwarded = names.flatMap((name, at) => {
    const value = values[at]
    return value === undefined ? [] : [name, value]
  })
}

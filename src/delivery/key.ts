import type { CanonicalPath } from '../core/index.ts'
import { cacheKey, keyedQuery, splitDirectives, variantOf, type CacheKey } from '../http/index.ts'
import { stripSigning } from '../signing/index.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { ownValue, sendable } from './upstream/forwarding.ts'
import { lookup } from './lookup.ts'
import { sendError } from './answer/refusal.ts'
import type { Source } from './upstream/source.ts'

/** What the object is stored under: nothing that signs a request ever enters it, so all viewers share one object. */
export const key: Step = (x: Exchange) => {
  const { path, query } = known(x.target, 'the target')
  const { distribution } = known(x.served, 'the distribution')
  const behaviour = known(x.behaviour, 'the behaviour')
  const source = x.node.sourceOf(behaviour)
  if (source === undefined) {
    x.node.log.error({ id: x.id, origin: behaviour.originId, path: x.loggedPath }, 'there is no such origin')
    return sendError(x, 502, 'BadGateway', 'The origin of this path does not exist')
  }
  x.source = source
  if (query !== '') {
    const { directives, rest } = splitDirectives(x.ownQuery ?? stripSigning(query), path)
    x.query = keyedQuery(rest, source.query)
    if (directives !== '' && heedsDirectives(x, source, path)) x.directives = directives
  }
  if (source.headers.length > 0) keyHeaders(x, source.headers)
  x.key = cacheKey(distribution.id, path, x.query, x.variant)
  return lookup
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

/**
 * The keys under which this request, and one with nothing keyed, would find what lies at a path: those that are surely
 * gone from disk after it has changed. `query` as sent.
 */
export function keysAt(x: Exchange, path: CanonicalPath, query: string): CacheKey[] {
  const served = known(x.served, 'the distribution')
  const source = x.node.sourceOf(served.behaviour(path))
  if (source === undefined) return []
  if (source.headers.length > 0) keyHeaders(x, source.headers)
  const own = keyedQuery(stripSigning(query), source.query)
  const keys = ['', own].flatMap(each =>
    ['', x.variant].map(variant => cacheKey(served.distribution.id, path, each, variant)),
  )
  return [...new Set(keys)]
}

function keyHeaders(x: Exchange, names: readonly string[]): void {
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

import type { CanonicalPath } from '../core/index.ts'
import { namesAny, namesIt, type Named } from '../distribution/index.ts'
import { cacheKey, keyedQuery, settledCookies, splitDirectives, variantOf } from '../http/index.ts'
import { stripSigning } from '../signing/index.ts'
import { known, type Exchange } from './exchange.ts'
import { ownCookies, ownValue, sendable } from './upstream/forwarding.ts'
import type { Source } from './upstream/source.ts'
import { isWritten, writtenField } from './upstream/written-fields.ts'

/** Sets whom to ask, what of the request goes there, and the key that both have in common. */
export function keyBy(x: Exchange, source: Source): void {
  const { path } = known(x.target, 'the target')
  const { distribution } = known(x.served, 'the distribution')
  x.source = source
  const own = ownQueryOf(x)
  if (own !== '') {
    const { directives, rest } = splitDirectives(own, path)
    x.query = keyedQuery(rest, source.query)
    x.sentQuery = source.sends === source.query ? x.query : keyedQuery(rest, source.sends)
    if (directives !== '' && heedsDirectives(x, source, path)) x.directives = directives
  }
  if (source.keysFields) keyFields(x, source)
  if (x.named !== undefined) keyBehaviour(x, path)
  // What another origin has said is nothing that this one says.
  if (x.elsewhere !== undefined) x.variant = variantOf([x.variant, `origin ${x.elsewhere.said}`])
  x.key = cacheKey(distribution.id, path, x.query, x.variant)
}

/** The query without whatever has let the viewer in: his own, or a function's. */
export function ownQueryOf(x: Exchange): string {
  const { query } = known(x.target, 'the target')
  return x.ownQuery ?? (query === '' ? '' : stripSigning(query))
}

/** What a function has sent to a path under another behaviour is not what lies there: it may be of another origin. */
function keyBehaviour(x: Exchange, path: CanonicalPath): void {
  const { pattern } = known(x.behaviour, 'the behaviour')
  if (x.served?.behaviour(path) !== x.behaviour) x.variant = variantOf([x.variant, `behaviour ${pattern}`])
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

/** Fields, cookies and Host that are keyed: what tells variants apart, and what goes upstream of them. */
export function keyFields(x: Exchange, { headers, cookies, host }: Source): void {
  const values = headers.map(name => keyedValue(x, name))
  const forwarded = headers.flatMap((name, at) => {
    const value = values[at]
    return value === undefined ? [] : [name, value]
  })
  if (namesAny(cookies)) {
    const kept = keptCookies(x, cookies)
    values.push(kept === undefined ? undefined : `cookies ${kept}`)
    if (kept !== undefined) forwarded.push('cookie', kept)
  }
  if (host === 'viewer') {
    const authority = known(x.viewer, 'the viewer').authority.toLowerCase()
    values.push(`host ${authority}`)
    forwarded.push('host', authority)
  }
  if (x.request.method === 'OPTIONS') values.push('method OPTIONS')
  x.variant = variantOf(values)
  x.forwarded = forwarded
}

function keyedValue(x: Exchange, name: string): string | undefined {
  const value = isWritten(name) ? writtenField(x, name) : x.spent.has(name) ? undefined : x.header(name)
  return value !== undefined && sendable(value) ? ownValue(x, name, value) : undefined
}

function keptCookies(x: Exchange, cookies: Named): string | undefined {
  const own = ownCookies(x)
  return own === undefined ? undefined : settledCookies(own, name => namesIt(cookies, name))
}

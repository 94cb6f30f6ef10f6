import type { CanonicalPath } from '../core/index.ts'
import { cacheKey, keyedQuery, splitDirectives } from '../http/index.ts'
import { stripSigning } from '../signing/index.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { lookup } from './lookup.ts'

/** What the object is stored under: nothing that signs a request ever enters it, so all viewers share one object. */
export const key: Step = (x: Exchange) => {
  const { path, query } = known(x.target, 'the target')
  const { distribution } = known(x.served, 'the distribution')
  const behaviour = known(x.behaviour, 'the behaviour')
  if (query !== '') {
    const { directives, rest } = splitDirectives(stripSigning(query), path)
    x.query = keyedQuery(rest, behaviour.query)
    x.directives = isMediaPlaylist(x, path) ? directives : ''
  }
  x.key = cacheKey(distribution.id, path, x.query)
  return lookup
}

/**
 * Directives mean something for the media playlists of channels alone; an asset's playlist would be stored once for
 * each number that somebody makes up, and a channel's entry playlist held once for each.
 */
function isMediaPlaylist({ node }: Exchange, path: CanonicalPath): boolean {
  const channel = node.channelOf(path)
  return channel !== undefined && path !== `${channel}/index.m3u8`
}

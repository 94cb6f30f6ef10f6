import type { CanonicalPath } from '../core/index.ts'
import { cacheKey, keyedQuery, type CacheKey } from '../http/index.ts'
import { stripSigning } from '../signing/index.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { keyBy, keyFields } from './keyed.ts'
import { lookup } from './lookup.ts'
import { sendError } from './answer/refusal.ts'

/** What the object is stored under: nothing that signs a request ever enters it, so all viewers share one object. */
export const key: Step = (x: Exchange) => {
  const behaviour = known(x.behaviour, 'the behaviour')
  const source = x.origins
  if (source === undefined) {
    x.node.log.error({ id: x.id, origin: behaviour.originId, path: x.loggedPath }, 'there is no such origin')
    return sendError(x, 502, 'BadGateway', 'The origin of this path does not exist')
  }
  keyBy(x, source)
  return lookup
}

/**
 * The keys under which this request, and one with nothing keyed, would find what lies at a path: those that are surely
 * gone from disk after it has changed. `query` as sent.
 */
export function keysAt(x: Exchange, path: CanonicalPath, query: string): CacheKey[] {
  const served = known(x.served, 'the distribution')
  const source = x.node.sourceOf(served.behaviour(path))
  if (source === undefined) return []
  if (source.keysFields) keyFields(x, source)
  const own = keyedQuery(stripSigning(query), source.query)
  const keys = ['', own].flatMap(each =>
    ['', x.variant].map(variant => cacheKey(served.distribution.id, path, each, variant)),
  )
  return [...new Set(keys)]
}

import type { Directives } from './cache-control.ts'
import { fields, listMembers, withoutFields, type FlatHeaders } from './headers.ts'

/**
 * The fields that `no-cache` or `private` names: whoever asked gets them, nobody after him (RFC 9111 §5.2.2.4,
 * §5.2.2.7). Names in lower case.
 */
export function unsharedFields(directives: Directives): string[] {
  const named = [directives.get('no-cache'), directives.get('private')]
  return named.flatMap(value => listMembers(value ?? '').map(name => name.toLowerCase()))
}

/** What a 304 may not change: it describes the body that is stored, and which one that is (RFC 9111 §3.2). */
const OF_THE_BODY = new Set([
  ...['content-length', 'content-encoding', 'content-range', 'etag'],
  ...['content-md5', 'digest', 'content-digest', 'repr-digest'],
])

/** The stored fields freshened by those of a 304 (RFC 9111 §3.2, §4.3.4): each field that it has replaces all of its name. */
export function freshenedFields(stored: FlatHeaders, news: FlatHeaders): string[] {
  const taken = withoutFields(news, OF_THE_BODY)
  // Age of the first fetch says nothing about this one.
  const replaced = new Set(['age'])
  for (const [name] of fields(taken)) replaced.add(name.toLowerCase())
  return [...withoutFields(stored, replaced), ...taken]
}

import type { CarrierResult } from './carrier.ts'
import { assemble, isParameter, type Parameter } from './parameters.ts'

/** Spares the split for the queries of most requests. */
const MAYBE = /Policy|Expires|Signature|Key-Pair-Id|Hash-Algorithm/

/** Whether there may be a grant in a query; false is certain. */
export function mayBeSigned(query: string): boolean {
  return query !== '' && MAYBE.test(query)
}

/** The grant in a query as sent; its parameters may stand in any order and anywhere. */
export function readQuery(query: string): CarrierResult {
  if (!mayBeSigned(query)) return { kind: 'none' }
  const values = new Map<Parameter, string>()
  let twice: Parameter | undefined
  for (const pair of query.split('&')) {
    const name = nameOf(pair)
    if (!isParameter(name)) continue
    if (values.has(name)) twice ??= name
    else values.set(name, pair.slice(name.length + 1))
  }
  return values.size === 0 ? { kind: 'none' } : assemble({ values, twice }, 'query')
}

/** The query without its signing parameters; the others keep order and encoding, since canned policies sign them. */
export function stripSigning(query: string): string {
  if (!mayBeSigned(query)) return query
  return without(query, isParameter)
}

/** The query without what players add by themselves: low-latency directives and client data (SEAMS 5). */
export function stripPlayer(query: string): string {
  if (!query.includes('_HLS_') && !query.includes('CMCD')) return query
  return without(query, name => name.startsWith('_HLS_') || name === 'CMCD')
}

function without(query: string, dropped: (name: string) => boolean): string {
  return query
    .split('&')
    .filter(pair => !dropped(nameOf(pair)))
    .join('&')
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=')
  return equals < 0 ? pair : pair.slice(0, equals)
}

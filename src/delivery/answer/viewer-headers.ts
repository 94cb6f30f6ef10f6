import { fields, fieldValue, parseCacheControl, type FlatHeaders, withoutFields } from '../../http/index.ts'
import { saysWhoReads } from './cors.ts'

/**
 * The fields of an upstream answer that go on to viewers, in one flat list that is made once per stored object. What
 * nodes say among themselves stays among them, and a gated answer says `private`: otherwise a proxy in between would
 * hand a member's film to anyone (SEAMS 10).
 */
export function viewerHeaders(headers: FlatHeaders, gate: 'open' | 'gated'): string[] {
  const out: string[] = []
  const ownCors = gate === 'open' && saysWhoReads(headers)
  for (const [name, value] of fields(headers)) {
    const lower = name.toLowerCase()
    if (DROPPED.has(lower) || lower.startsWith('sluice-')) continue
    if (OF_CORS.has(lower) && !ownCors) continue
    if (gate === 'gated' && (lower === 'cache-control' || speaksToCaches(lower))) continue
    out.push(name, value)
  }
  if (gate === 'gated') out.push('Cache-Control', privately(fieldValue(headers, 'cache-control') ?? ''))
  return out
}

/** The length that an answer is passed on with; beside a 204 there must be none (RFC 9110 §8.6), whatever its origin says. */
export function passedLength(status: number, headers: FlatHeaders): string[] {
  const length = status === 204 ? undefined : fieldValue(headers, 'content-length')
  return length === undefined ? [] : ['Content-Length', length]
}

/** Each has a value of this node's own, or is set for each answer. */
const DROPPED = new Set([
  'age',
  'content-length',
  'x-cache',
  'cache-status',
  'x-sluice-id',
  'x-sluice-pop',
  'via',
])

const OF_CORS: ReadonlySet<string> = new Set([
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
])

/** Fields that outrank `private` at some cache or other (RFC 9213, Edge Architecture, nginx). */
export function speaksToCaches(name: string): boolean {
  return /(?:^|-)cdn-cache-control$|^(?:surrogate-control|edge-control|x-accel-expires)$/.test(name)
}

/** Keeps what tells a browser how long, drops what speaks to shared caches. */
export function privately(control: string): string {
  const kept = ['private']
  for (const [name, value] of parseCacheControl(control)) {
    if (['public', 's-maxage', 'private', 'proxy-revalidate'].includes(name)) continue
    kept.push(value === '' ? name : `${name}=${value}`)
  }
  return kept.join(', ')
}

interface Prepared {
  open?: readonly string[]
  gated?: readonly string[]
}

const prepared = new WeakMap<FlatHeaders, Prepared>()

/** Of what is kept here we serve the ranges, whether its origin does so or not. */
const OF_ITS_ORIGIN: ReadonlySet<string> = new Set(['accept-ranges'])

/** The prepared fields of a stored object or a fill; whoever asks for the same list after the first only appends what changes. */
export function preparedHeaders(
  source: { readonly headers: FlatHeaders },
  gate: 'open' | 'gated',
): readonly string[] {
  let lists = prepared.get(source.headers)
  if (!lists) prepared.set(source.headers, (lists = {}))
  return (lists[gate] ??= storedHeaders(source.headers, gate))
}

/** The same, made anew. */
export function storedHeaders(headers: FlatHeaders, gate: 'open' | 'gated'): string[] {
  return withoutFields(viewerHeaders(headers, gate), OF_ITS_ORIGIN)
}

import {
  dashed,
  namesAny,
  namesIt,
  viewerFieldRefusal,
  type Behaviour,
  type HttpOrigin,
  type Origin,
} from '../../distribution/index.ts'
import { endToEnd, fields, type FlatHeaders } from '../../http/index.ts'
import { withoutGrants } from '../../signing/index.ts'
import type { Exchange, Incoming } from '../exchange.ts'
import { AWS_SIGNATURE_FIELDS } from './origin-bucket.ts'

/** What of a viewer's goes to an origin beside what is keyed; an answer may vary by it. */
export interface Forwarding {
  /** Names in lower case. */
  selects: (name: string) => boolean
  /** Of the origin's answers: whether Set-Cookie comes back. */
  cookies: 'none' | 'all'
  /** Whether the origin is told who asks, and how. */
  viewer: 'told' | 'untold'
}

/**
 * What a viewer's fields may not decide where his question is asked for others too: which representation is fetched
 * whole is the cache's word alone, and what speaks to caches would speak for the next tier's viewers.
 */
const NEVER = new Set(['cache-control', 'pragma', 'max-forwards', 'content-length', 'content-type'])

/** Make another request of a GET at servers that heed them; only who names one may want that (CloudFront). */
const OTHER_METHODS = /^x-(?:http-)?method(?:-override)?$/

/** What `viewerFieldRefusal` keeps from operators' lists, since behaviours have words of their own for it. */
const BY_BEHAVIOUR = new Set(['cookie', 'accept-encoding'])

/** Undefined when nothing of a viewer's goes there unkeyed. */
export function forwardingOf(behaviour: Behaviour, origin: Origin): Forwarding | undefined {
  if (origin.kind === 'built-in') return undefined
  const keyed = new Set(behaviour.headers)
  const named = namedBy(behaviour, origin)
  // Behind a gate cookies are grants.
  const cookies =
    origin.kind === 'http' && behaviour.gate === null && namesAny(behaviour.cookies) ? 'all' : 'none'
  if (named === undefined && cookies === 'none') return undefined
  const selects = (name: string): boolean => {
    const plain = dashed(name)
    if (keyed.has(name) || keyed.has(plain) || NEVER.has(plain)) return false
    if (name === 'cookie') return cookies === 'all'
    if (TOLD.has(name)) return named !== undefined
    if (name === 'accept-encoding') return !behaviour.compress && named?.(name) === true
    if (behaviour.forward === 'all' && OTHER_METHODS.test(plain)) return false
    return !BY_BEHAVIOUR.has(plain) && viewerFieldRefusal(name) === undefined && named?.(name) === true
  }
  return { selects: remembered(selects), cookies, viewer: named === undefined ? 'untold' : 'told' }
}

/** A bucket gets what is named, and nothing by which a viewer would sign in our place. */
function namedBy({ forward }: Behaviour, origin: Origin): ((name: string) => boolean) | undefined {
  if (!namesAny(forward)) return undefined
  if (origin.kind === 's3') {
    if (forward === 'all') return undefined
    const own = new Set<string>(['authorization', ...AWS_SIGNATURE_FIELDS])
    return name => namesIt(forward, name) && !own.has(name)
  }
  const secrets = new Set([...secretsOf(origin)].map(dashed))
  return name => namesIt(forward, name) && !secrets.has(dashed(name))
}

/** Fields in whose place the origin's secrets stand. */
export function secretsOf(origin: Origin): ReadonlySet<string> {
  const headers: HttpOrigin['headers'] = origin.kind === 'http' ? origin.headers : []
  return new Set(headers.map(({ name }) => name.toLowerCase()))
}

/** The same of all origins of a request's behaviour. */
export function secretsOfAll({ source }: Exchange): ReadonlySet<string> {
  const members = source?.members ?? []
  return new Set(members.flatMap(member => (member ? [...secretsOf(member.origin)] : [])))
}

/** Viewers send a few dozen names; more than these are looked at anew each time. */
const MOST_NAMES = 256

function remembered(selects: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>()
  return name => {
    const before = known.get(name)
    if (before !== undefined) return before
    const answer = selects(name)
    if (known.size < MOST_NAMES && name.length <= 64) known.set(name, answer)
    return answer
  }
}

/** What goes with a viewer's question unkeyed: fields of his own, names in lower case, and what is said of him. */
export function selectedFields(x: Exchange, forwarding: Forwarding): FlatHeaders {
  const selected: string[] = []
  for (const [name, value] of fields(endToEnd(joinedFields(x.request)))) {
    if (!forwarding.selects(name) || TOLD.has(name) || x.spent.has(name) || !sendable(value)) continue
    const own = ownValue(x, name, value)
    if (own !== undefined) selected.push(name, own)
  }
  return forwarding.viewer === 'told' ? [...selected, ...toldForAll(x)] : selected
}

/** A value less what lets somebody in here, which is nobody else's to see; undefined when nothing is left. */
export function ownValue({ node }: Exchange, name: string, value: string): string | undefined {
  return withoutGrants(name, value, () => node.snapshot?.issuers.map(({ cookie }) => cookie) ?? [])
}

/** Names in lower case. An answer may vary by them as by a viewer's own. */
export const TOLD: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'])

/** What the next tier is told of the viewer. */
export function toldOfViewer({ viewer }: Exchange): string[] {
  if (viewer === undefined) return []
  const { address, scheme, authority } = viewer
  return ['x-forwarded-for', address, 'x-forwarded-proto', scheme, 'x-forwarded-host', authority]
}

/**
 * The same with a question whose answer others get too: of the host a name of the distribution, without its port, and
 * its own domain for any other. Viewers write there what they like, and some pages link to what they were told.
 */
function toldForAll({ viewer, served }: Exchange): string[] {
  if (viewer === undefined || served === undefined) return []
  const { address, scheme, host } = viewer
  const { domain, aliases } = served.distribution
  const name = aliases.some(alias => alias.toLowerCase() === host) ? host : domain
  return ['x-forwarded-for', address, 'x-forwarded-proto', scheme, 'x-forwarded-host', name]
}

/** A value that no request may hold counts as none (RFC 9110 §5.5); HTTP/2 lets some through. */
export function sendable(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}

/** A viewer's fields as Node has joined them, names in lower case, pseudo-fields of HTTP/2 left out. */
export function joinedFields({ headers }: Incoming): string[] {
  const flat: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':')) continue
    flat.push(name, typeof value === 'string' ? value : value.join(', '))
  }
  return flat
}

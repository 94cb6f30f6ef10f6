import {
  dashed,
  namesAny,
  namesIt,
  viewerFieldRefusal,
  type Behaviour,
  type HttpOrigin,
  type Origin,
} from '../../distribution/index.ts'
import {
  acceptsCoding,
  endToEnd,
  fields,
  fieldValue,
  pickCookies,
  withoutFields,
  type Coding,
  type FlatHeaders,
} from '../../http/index.ts'
import { withoutGrants } from '../../signing/index.ts'
import type { Exchange, Incoming } from '../exchange.ts'
import { AWS_SIGNATURE_FIELDS } from './origin-bucket.ts'
import { isWritten, writtenField } from './written-fields.ts'

/** What of a viewer's goes to an origin beside what is keyed; an answer may vary by it. */
export interface Forwarding {
  /** Names in lower case. */
  selects: (name: string) => boolean
  /** Which cookies do; undefined when none does. */
  cookies: ((name: string) => boolean) | undefined
  /** What the edge itself writes of the viewer, in lower case. */
  told: readonly string[]
  /** In which it may answer, where the viewer takes them. */
  codings: readonly Coding[]
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
  const cookies = origin.kind === 'http' ? unkeyedCookies(behaviour) : undefined
  const told = origin.kind === 'http' ? (behaviour.told ?? []).filter(name => !keyed.has(name)) : []
  const codings = behaviour.acceptEncoding ?? []
  const nothing = named === undefined && cookies === undefined
  if (nothing && told.length === 0 && codings.length === 0) return undefined
  const selects = (name: string): boolean => {
    const plain = dashed(name)
    if (keyed.has(name) || keyed.has(plain) || NEVER.has(plain)) return false
    if (isWritten(plain)) return told.includes(name)
    if (name === 'cookie') return cookies !== undefined
    if (TOLD.has(name)) return named !== undefined
    if (name === 'accept-encoding')
      return codings.length > 0 || (!behaviour.compress && named?.(name) === true)
    if (!Array.isArray(behaviour.forward) && OTHER_METHODS.test(plain)) return false
    return !BY_BEHAVIOUR.has(plain) && viewerFieldRefusal(name) === undefined && named?.(name) === true
  }
  const viewer = named === undefined ? 'untold' : 'told'
  return { selects: remembered(selects), cookies, told, codings, viewer }
}

/** What is keyed goes there anyway. */
function unkeyedCookies({ keyedCookies = 'none', cookies }: Behaviour): Forwarding['cookies'] {
  if (!namesAny(cookies) || keyedCookies === 'all') return undefined
  return name => namesIt(cookies, name) && !namesIt(keyedCookies, name)
}

/** Whether answers of an origin that is shown cookies may set some. */
export function setsCookies(behaviour: Behaviour): boolean {
  return namesAny(behaviour.keyedCookies) || namesAny(behaviour.cookies)
}

/** A bucket gets what is named, and nothing by which a viewer would sign in our place. */
function namedBy({ forward }: Behaviour, origin: Origin): ((name: string) => boolean) | undefined {
  if (!namesAny(forward)) return undefined
  if (origin.kind === 's3') {
    if (!Array.isArray(forward)) return undefined
    const own = new Set<string>(['authorization', ...AWS_SIGNATURE_FIELDS])
    return name => namesIt(forward, name) && !own.has(name)
  }
  const secrets = new Set([...secretsOf(origin)].map(dashed))
  const out = typeof forward === 'string' || Array.isArray(forward) ? [] : forward.except.map(dashed)
  return name => namesIt(forward, name) && !secrets.has(dashed(name)) && !out.includes(dashed(name))
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
  for (const [name, value] of fields(endToEnd(joinedFields(x)))) {
    if (!forwarding.selects(name) || TOLD.has(name) || x.spent.has(name) || !sendable(value)) continue
    if (name === 'cookie' || name === 'accept-encoding' || forwarding.told.includes(name)) continue
    const own = ownValue(x, name, value)
    if (own !== undefined) selected.push(name, own)
  }
  selected.push(...selectedCookies(x, forwarding), ...selectedCodings(x, forwarding))
  for (const name of forwarding.told) {
    const written = writtenField(x, name)
    if (written !== undefined && sendable(written)) selected.push(name, written)
  }
  return forwarding.viewer === 'told' ? [...selected, ...toldForAll(x)] : selected
}

function selectedCookies(x: Exchange, { cookies }: Forwarding): string[] {
  const own = cookies === undefined ? undefined : ownCookies(x)
  const picked = own === undefined || cookies === undefined ? undefined : pickCookies(own, cookies)
  return picked === undefined ? [] : ['cookie', picked]
}

/** Behind a gate too: whatever is a grant somewhere here is taken out. */
export function ownCookies(x: Exchange): string | undefined {
  const value = x.header('cookie')
  return value === undefined || !sendable(value) ? undefined : ownValue(x, 'cookie', value)
}

/** Which of the codings that may be asked for the viewer takes; as he says it himself where it is his to say. */
function selectedCodings(x: Exchange, { codings, selects }: Forwarding): string[] {
  const said = x.header('accept-encoding')
  if (said === undefined || !selects('accept-encoding') || !sendable(said)) return []
  if (codings.length === 0) return ['accept-encoding', said]
  const taken = x.request.httpVersion === '1.0' ? [] : codings.filter(each => acceptsCoding(said, each))
  return taken.length === 0 ? [] : ['accept-encoding', taken.join(',')]
}

/** What goes upstream of keyed and unkeyed fields together; of Cookie there is one (RFC 6265 §5.4). */
export function together(keyed: FlatHeaders, selected: FlatHeaders): FlatHeaders {
  const [one, other] = [fieldValue(keyed, 'cookie'), fieldValue(selected, 'cookie')]
  if (one === undefined || other === undefined) return [...keyed, ...selected]
  const others = withoutFields([...keyed, ...selected], COOKIE)
  return [...others, 'cookie', `${one}; ${other}`]
}

const COOKIE: ReadonlySet<string> = new Set(['cookie'])

/** Names of a viewer's fields by which an answer is judged: of one for the very cookies that are keyed nothing is special. */
export function judgedBy(names: readonly string[], selected: FlatHeaders): readonly string[] {
  if (!names.includes('cookie') || fieldValue(selected, 'cookie') !== undefined) return names
  return names.filter(name => name !== 'cookie')
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
export function joinedFields({ headers }: Pick<Incoming, 'headers'>): string[] {
  const flat: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':')) continue
    flat.push(name, typeof value === 'string' ? value : value.join(', '))
  }
  return flat
}

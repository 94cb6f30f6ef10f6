import { membersOf } from '../distribution/index.ts'
import { answersPreflights } from './answer/policied.ts'
import { isPreflight } from './answer/policy-cors.ts'
import { hasBody } from './relay/request-body.ts'
import type { Exchange } from './exchange.ts'

const GET = ['GET', 'HEAD']
const READ = [...GET, 'OPTIONS']
const ALL = [...READ, 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * Registered methods are spelt in capitals (RFC 9110 §9.1). HTTP/2 brings any other spelling too, and a server that does
 * not mind the case would take `trace` or `head` for what it is not here.
 */
const SPELLING = /^[A-Z][A-Z0-9_-]{0,31}$/

/** The first two are answered here; the others are about a connection, and show a viewer what an origin is sent. */
const NEVER_RELAYED: ReadonlySet<string> = new Set(['GET', 'HEAD', 'CONNECT', 'TRACE'])

/** As `Allow` lists them; others go on where these do, and what an origin makes of them it says itself. */
export function allowedOf(x: Exchange): string {
  if (x.behaviour?.methods === 'get') return GET.join(', ')
  return (mayWrite(x) ? ALL : READ).join(', ')
}

/** Whether there are behaviours that send requests of this method to their origin as they are, body and all. */
export function mayBeRelayed(method: string): boolean {
  return !NEVER_RELAYED.has(method) && SPELLING.test(method)
}

/**
 * Whether a request goes to the origin as it is, and its answer to nobody else. OPTIONS is among them where no gate is:
 * behind one it is answered here, for browsers send it without a grant (Fetch, "CORS-preflight fetch"), and so is what
 * a policy answers.
 */
export function isRelayed(x: Exchange): boolean {
  const method = x.request.method ?? ''
  // Nearly every request ends here.
  if (method === 'GET' || !mayBeRelayed(method)) return false
  return mayWrite(x) && !(method === 'OPTIONS' && (isAnsweredHere(x) || isKeptOptions(x)))
}

/**
 * Whether an OPTIONS is answered from store, or by the origin and kept. One with a body is about that body; of a group
 * only servers are asked.
 */
export function isKeptOptions(x: Exchange): boolean {
  const { behaviour, served, request } = x
  if (request.method !== 'OPTIONS' || behaviour?.keepOptions !== true || served === undefined) return false
  const isServers = membersOf(served.distribution, behaviour.originId).every(({ kind }) => kind === 'http')
  return isServers && !isAnsweredHere(x) && !hasBody(request)
}

function isAnsweredHere(x: Exchange): boolean {
  return x.gated || (isPreflight(x) && answersPreflights(x.behaviour ?? {}))
}

/** Only a server of somebody else's is ever written to, or talked to in another protocol; of a group the first alone. */
export function mayWrite({ served, behaviour }: Exchange): boolean {
  if (behaviour?.methods !== 'all' || served === undefined) return false
  return membersOf(served.distribution, behaviour.originId)[0]?.kind === 'http'
}

import { Lru } from '../../core/index.ts'
import { fieldValue, sameSite, type FlatHeaders } from '../../http/index.ts'
import type { Exchange } from '../exchange.ts'
import { allowedOf } from '../methods.ts'

/** What a page may read of our answers. */
const EXPOSED =
  'X-Sluice-Reason, X-Sluice-Id, X-Cache, Cache-Status, Age, Content-Length, Content-Range, ETag'

const OPEN: readonly string[] = ['Access-Control-Allow-Origin', '*', 'Access-Control-Expose-Headers', EXPOSED]
const BY_ORIGIN: readonly string[] = ['Vary', 'Origin']
const NOTHING: readonly string[] = []

/** Whether fields are the same list for many, and have nothing of one page's in them. */
export function isSteady(fields: readonly string[]): boolean {
  return fields === OPEN || fields === BY_ORIGIN || fields === NOTHING
}

/** Pages ask it with credentials, or they could not keep its cookies, and do not know what is gated. */
export const SESSION = '/.sluice/session'

/**
 * SEAMS 11. What is open to all is open to every page, without credentials. What is gated answers with credentials
 * to same-site pages, localhost and the listed origins, and to nobody else.
 */
export function corsHeaders(x: Exchange): readonly string[] {
  // Where an operator's policy says who may read, that says it alone.
  if (x.rules?.cors !== undefined) return NOTHING
  if (!x.gated && x.target?.path !== SESSION) return OPEN
  const origin = x.header('origin')
  if (origin === undefined || !mayReadGated(origin, x.viewer?.host ?? '', x.behaviour?.corsOrigins ?? [])) {
    return BY_ORIGIN
  }
  return [
    'Access-Control-Allow-Origin',
    origin,
    'Access-Control-Allow-Credentials',
    'true',
    'Access-Control-Expose-Headers',
    EXPOSED,
    'Vary',
    'Origin',
  ]
}

/** Whether a site that stands open behind us says itself who may read its answer; that word counts, with or without credentials. */
export function saysWhoReads(headers: FlatHeaders): boolean {
  let says = said.get(headers)
  if (says === undefined)
    said.set(headers, (says = fieldValue(headers, 'access-control-allow-origin') !== undefined))
  return says
}

const said = new WeakMap<FlatHeaders, boolean>()

/** What goes with an origin's answer beside what it says itself. */
export function corsBeside(x: Exchange, headers: FlatHeaders): readonly string[] {
  return corsOf(x, saysWhoReads(headers) ? 'says-who-reads' : 'says-nothing')
}

/** The same of an answer of which is known whether it says who may read it. */
export function corsOf(x: Exchange, answer: 'says-who-reads' | 'says-nothing'): readonly string[] {
  return !x.gated && answer === 'says-who-reads' ? NOTHING : corsHeaders(x)
}

/** The answer to a preflight; never gated, since browsers send it without credentials (Fetch, "CORS-preflight fetch"). */
export function preflightHeaders(x: Exchange): string[] {
  if (x.rules?.cors !== undefined) return []
  return [
    ...corsHeaders(x),
    'Access-Control-Allow-Methods',
    allowedOf(x),
    'Access-Control-Allow-Headers',
    x.header('access-control-request-headers') ?? 'Range',
    'Access-Control-Max-Age',
    '86400',
  ]
}

/** Whether a page of this origin may read what stands behind a gate of this host; `listed` are the behaviour's origins. */
export function mayReadGated(origin: string, host: string, listed: readonly string[]): boolean {
  if (listed.includes(origin)) return true
  if (origin.length > LONGEST_REMEMBERED) return isNear(origin, host)
  const pair = `${origin} ${host}`
  let near = known.get(pair)
  if (near === undefined) known.set(pair, (near = isNear(origin, host)))
  return near
}

/** The page of a film says the same with each segment, and to read it costs more than to find the segment. */
const known = new Lru<string, boolean>({ max: 1_000 })
/** A host has at most 253 characters. */
const LONGEST_REMEMBERED = 300

function isNear(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, hostname } = new URL(origin)
  if (protocol !== 'http:' && protocol !== 'https:') return false
  if (hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '127.0.0.1') return true
  return sameSite(hostname, host)
}

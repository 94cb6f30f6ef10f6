import type { FunctionEvent } from '../../distribution/index.ts'
import { fields, type FlatHeaders } from '../../http/index.ts'
import { unusable, type Unusable } from './seen.ts'

/**
 * Neither shown nor to be added (CloudFront, "Restrictions on all edge functions"): those of a connection, those that
 * speak to caches between, and what only CloudFront, or here only nodes, may say.
 */
const DISALLOWED =
  /^(?:connection|expect|keep-alive|proxy-authenticate|proxy-authorization|proxy-connection|te|trailer|upgrade|http2-settings|x-accel-(?:buffering|charset|limit-rate|redirect)|x-amz-cf-.*|x-amzn-(?:auth|cf-billing|cf-id|cf-xff|errortype|fle-profile|header-count|header-order|lambda-integration-tag|requestid)|x-cache|cache-status|cdn-loop|x-edge-.*|x-forwarded-proto|x-real-ip|(?:x-)?sluice-.*)$/

/** To be read, and neither added, changed nor taken away. */
const READ_ONLY: Readonly<Record<FunctionEvent, ReadonlySet<string>>> = {
  'viewer-request': new Set(['content-length', 'host', 'transfer-encoding', 'via']),
  'origin-request': new Set([
    ...['accept-encoding', 'content-length', 'if-modified-since', 'if-none-match', 'if-range'],
    // Which bytes are fetched is the cache's word alone.
    ...['if-unmodified-since', 'range', 'transfer-encoding', 'via'],
  ]),
  'origin-response': new Set(['transfer-encoding', 'via']),
  'playlist-response': new Set(['transfer-encoding', 'via']),
  'viewer-response': new Set(['warning', 'transfer-encoding', 'via']),
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
/** RFC 9110 §5.5, a byte for each character. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** As much as an origin may answer with. */
const LARGEST = 32 * 1024
const MOST = 256

/** Whether functions never see a field of this name, in lower case. */
export function isHidden(name: string): boolean {
  return DISALLOWED.test(name) || name.startsWith(':')
}

/** The fields that functions are shown, names in lower case. */
export function shown(headers: FlatHeaders): string[] {
  const out: string[] = []
  for (const [name, value] of fields(headers)) {
    const lower = name.toLowerCase()
    if (!isHidden(lower)) out.push(lower, value)
  }
  return out
}

/** What is wrong with the fields that a function gives; `before` is what it was shown, none for an answer of its own. */
export function headerFault(
  event: FunctionEvent,
  before: FlatHeaders,
  after: FlatHeaders,
): Unusable | undefined {
  if (after.length > 2 * MOST) return fault(`more than ${MOST} headers`)
  let size = 0
  for (const [name, value] of fields(after)) {
    if (!NAME.test(name)) return fault('a header whose name is none')
    if (!VALUE.test(value)) return fault(`a value of ${name} with characters that no header holds`)
    if (DISALLOWED.test(name.toLowerCase())) return fault(`${name}, which functions may not set`)
    size += name.length + value.length
  }
  if (size > LARGEST) return fault(`headers of more than ${LARGEST} bytes`)
  for (const name of READ_ONLY[event]) {
    if (!isSame(before, after, name)) return fault(`${name}, which can only be read here`)
  }
  return undefined
}

/** Whether both have the same lines of a field, in the same order. */
function isSame(before: FlatHeaders, after: FlatHeaders, name: string): boolean {
  let [one, other] = [nextOf(before, name, 0), nextOf(after, name, 0)]
  while (one < before.length && other < after.length) {
    if (before[one + 1] !== after[other + 1]) return false
    one = nextOf(before, name, one + 2)
    other = nextOf(after, name, other + 2)
  }
  return one >= before.length && other >= after.length
}

/** Where the field stands next, from a place on; the end where it does not. */
function nextOf(headers: FlatHeaders, name: string, from: number): number {
  for (let at = from; at < headers.length; at += 2) {
    const each = headers[at] ?? ''
    if (each.length === name.length && each.toLowerCase() === name) return at
  }
  return headers.length
}

function fault(what: string): Unusable {
  return unusable('function-header', `it gave ${what}`)
}

/** `x-frame-options` → `X-Frame-Options`: how names go out. */
export function titled(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, letter => letter.toUpperCase())
}

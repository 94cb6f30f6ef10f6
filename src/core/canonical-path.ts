/**
 * One spelling for every path (SEAMS 1). Behaviour match, cache key, invalidation and origin request all see the
 * canonical path and nothing decodes again, so `/%6Dembers/x` meets the gate of `/members/*` and no two spellings
 * of one object are cached apart.
 */
export type CanonicalPath = string & { readonly path: 'canonical' }

export type CanonicalResult = { kind: 'ok'; path: CanonicalPath } | { kind: 'bad'; why: BadPath }

export type BadPath =
  'not-absolute' | 'control-byte' | 'bad-escape' | 'backslash' | 'dot-segment' | 'encoded-slash' | 'non-ascii'

const PLAIN = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\/?$/
const UNRESERVED = /[A-Za-z0-9._~-]/
/**
 * Behind an escaped slash too, where a behaviour keeps those: an origin that decodes them would walk up. And with
 * parameters behind them: Tomcat and Jetty drop what follows a `;` and then walk up by `..;a=b` as well.
 */
const DOTS = /(?:^|\/|%2F|%5C)\.{1,2}(?:\/|;|%3B|%2F|%5C|$)/
/** What RFC 3986 section 3.3 does not let stand in a path. Some origins end a path at "#", so it must not pass raw. */
const ILLEGAL = /["#<>?[\]^`{|}]/

export interface CanonicalOptions {
  /** A behaviour may pass `%2f` and `%5c` on to its origin; they stay escaped. */
  encodedSlashes?: 'refuse' | 'keep'
}

/** Makes the canonical path of a request target without its query. Never decodes what is reserved. */
export function canonicalPath(raw: string, options: CanonicalOptions = {}): CanonicalResult {
  // Nearly every media request is already canonical; one test spares the walk below.
  if (PLAIN.test(raw)) return { kind: 'ok', path: raw as CanonicalPath }
  if (!raw.startsWith('/')) return { kind: 'bad', why: 'not-absolute' }
  let path = ''
  for (let at = 0; at < raw.length; at++) {
    const char = raw.charAt(at)
    const code = raw.charCodeAt(at)
    if (code < 0x21 || code === 0x7f) return { kind: 'bad', why: 'control-byte' }
    if (code > 0x7f) return { kind: 'bad', why: 'non-ascii' }
    if (char === '\\') return { kind: 'bad', why: 'backslash' }
    if (char !== '%') {
      path += ILLEGAL.test(char) ? escapeOf(code) : char
      continue
    }
    const hex = raw.slice(at + 1, at + 3)
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return { kind: 'bad', why: 'bad-escape' }
    const byte = parseInt(hex, 16)
    if (byte < 0x20 || byte === 0x7f) return { kind: 'bad', why: 'control-byte' }
    const decoded = String.fromCharCode(byte)
    if ((decoded === '/' || decoded === '\\') && options.encodedSlashes !== 'keep') {
      return { kind: 'bad', why: 'encoded-slash' }
    }
    path += UNRESERVED.test(decoded) ? decoded : `%${hex.toUpperCase()}`
    at += 2
  }
  if (DOTS.test(path)) return { kind: 'bad', why: 'dot-segment' }
  return { kind: 'ok', path: path as CanonicalPath }
}

/**
 * The spelling in which a pattern with `*` and `?` meets canonical paths, so that `/%6Dembers/*` gates what it says
 * and `/für/*` can be written as it is read.
 */
export function canonicalPattern(pattern: string): string {
  return pattern
    .replace(/[^\u0021-\u007e]+|["#<>[\]^`{|}]/gu, found =>
      encodeURIComponent(found.replace(/\p{Surrogate}/gu, '\ufffd')),
    )
    .replace(/%[0-9A-Fa-f]{2}/g, escape => {
      const decoded = String.fromCharCode(parseInt(escape.slice(1), 16))
      return UNRESERVED.test(decoded) ? decoded : escape.toUpperCase()
    })
}

const DELIMITERS = /%(?:21|24|26|27|28|29|2A|2B|2C|3A|3B|3D|40)/g

/**
 * A canonical path in the one form in which it is held against patterns and invalidations. RFC 3986 §2.2 lets `!` and
 * `%21` be two paths, so both go to the origin as sent; an origin that takes them for one would otherwise serve
 * behind `/vip!/*` what was asked for as `/vip%21/x`.
 */
export function comparablePath(path: string): string {
  return path.includes('%') ? path.replace(DELIMITERS, escape => decodeURIComponent(escape)) : path
}

function escapeOf(code: number): string {
  return `%${code.toString(16).toUpperCase()}`
}

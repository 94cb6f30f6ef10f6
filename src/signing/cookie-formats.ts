import type { Hash } from './hash.ts'

/** The cookies of one grant by name, in the order in which AWS's command line prints them. */
export interface SignedCookies {
  'CloudFront-Policy': string
  'CloudFront-Signature': string
  'CloudFront-Key-Pair-Id': string
  /** Absent means SHA-1. */
  'CloudFront-Hash-Algorithm'?: 'SHA256'
}

export const COOKIE_NAMES: readonly (keyof SignedCookies)[] = [
  'CloudFront-Policy',
  'CloudFront-Signature',
  'CloudFront-Key-Pair-Id',
  'CloudFront-Hash-Algorithm',
]

/** What the cookies of one grant are made of, in CloudFront's base64. */
export interface CookieGrant {
  policy: string
  signature: string
  keyId: string
  hash: Hash
}

export function grantCookies({ policy, signature, keyId, hash }: CookieGrant): SignedCookies {
  return {
    'CloudFront-Policy': policy,
    'CloudFront-Signature': signature,
    'CloudFront-Key-Pair-Id': keyId,
    ...(hash === 'sha256' ? { 'CloudFront-Hash-Algorithm': 'SHA256' } : {}),
  }
}

/** Attributes of the lines that a site sets; `Secure` is the caller's to decide with `mayBeSecure`. */
export interface CookieAttributes {
  /** `/` unless given. Browsers compare prefixes, so a `*` in it would match nothing. */
  path?: string
  /** The parent that site and media share: `example.com`. The host alone when absent. */
  domain?: string
  secure?: boolean
  /** `Lax` unless given, which serves where site and media have one parent; `None` is for other people's pages. */
  sameSite?: 'Strict' | 'Lax' | 'None'
  /** One jar for each site that embeds the media (CHIPS); `Secure` belongs to it. */
  partitioned?: boolean
}

/** Browsers refuse `Secure` cookies over plain http, but for the names that never leave the machine. */
export function mayBeSecure(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || hostname.endsWith('.localhost')
}

/** One value of a Set-Cookie header for each cookie. They die with the browser's session, as CloudFront recommends. */
export function setCookieValues(cookies: SignedCookies, attributes: CookieAttributes = {}): string[] {
  const tail = tailOf(attributes)
  return Object.entries(cookies).map(([name, value]) => [`${name}=${value}`, ...tail].join('; '))
}

/** The same for log-out: browsers drop a cookie only when Domain, Path and Partitioned are those that it was set with. */
export function clearCookieValues(attributes: CookieAttributes = {}): string[] {
  const tail = tailOf(attributes)
  return COOKIE_NAMES.map(name => [`${name}=`, ...tail, 'Max-Age=0'].join('; '))
}

function tailOf({ path = '/', domain, secure, sameSite = 'Lax', partitioned }: CookieAttributes): string[] {
  return [
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    `Path=${path}`,
    ...(secure === true ? ['Secure'] : []),
    'HttpOnly',
    `SameSite=${sameSite}`,
    ...(partitioned === true ? ['Partitioned'] : []),
  ]
}

/** How `sluice sign cookies --format` prints them. */
export type CookieFormat = 'json' | 'curl' | 'set-cookie'

export function renderCookies(
  cookies: SignedCookies,
  format: CookieFormat,
  attributes: CookieAttributes = {},
): string {
  switch (format) {
    case 'json':
      return JSON.stringify(cookies)
    case 'curl':
      // Holds nothing that a shell would change, so it can be pasted and can stand in `curl $(…) URL` alike.
      return Object.entries(cookies)
        .map(([name, value]) => `-b ${name}=${value}`)
        .join(' ')
    case 'set-cookie':
      return setCookieValues(cookies, attributes)
        .map(value => `Set-Cookie: ${value}`)
        .join('\n')
  }
}

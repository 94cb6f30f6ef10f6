import type { SignedCookies } from './produce.ts'

/** Attributes of the lines that a site sets; `Secure` is the caller's to decide with `mayBeSecure`. */
export interface CookieAttributes {
  /** `/` unless given. Browsers compare prefixes, so a `*` in it would match nothing. */
  path?: string
  /** The parent that site and media share: `example.com`. The host alone when absent. */
  domain?: string
  secure?: boolean
}

/** Browsers refuse `Secure` cookies over plain http, but for the names that never leave the machine. */
export function mayBeSecure(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || hostname.endsWith('.localhost')
}

/** One value of a Set-Cookie header for each cookie. They die with the browser's session, as CloudFront recommends. */
export function setCookieValues(cookies: SignedCookies, attributes: CookieAttributes = {}): string[] {
  const { path = '/', domain, secure } = attributes
  const tail = [
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    `Path=${path}`,
    ...(secure === true ? ['Secure'] : []),
    'HttpOnly',
    'SameSite=Lax',
  ]
  return Object.entries(cookies).map(([name, value]) => [`${name}=${value}`, ...tail].join('; '))
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

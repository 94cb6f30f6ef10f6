import { readFile } from 'node:fs/promises'
import { clearCookieLines, importKey, setCookieLines, signCookies, signUrl } from 'sluice/sign'

/** Hours, not days: signed cookies cannot be called back. */
const LIFETIME_SECONDS = 2 * 60 * 60

/** The Set-Cookie lines that open the members' area of the media server: one policy with a wildcard for all its files. */
export async function openingLines() {
  const { origin, area } = settings()
  const cookies = await signCookies(await key(), {
    resource: `${origin}${area}*`,
    expires: inSeconds(LIFETIME_SECONDS),
  })
  return setCookieLines(cookies, attributes())
}

/** The lines that take them away: the same Domain and Path, or the browser keeps them. */
export function closingLines() {
  return clearCookieLines(attributes())
}

/** One file for a quarter of an hour, for who can send no cookies: a download manager, a mail. */
export async function downloadUrl(path) {
  return signUrl(await key(), `${settings().origin}${path}`, { expires: inSeconds(900), policy: 'custom' })
}

/** Site and media server are siblings, and a sibling can only set cookies for the parent. */
function attributes() {
  const { cookieDomain, area } = settings()
  return { domain: cookieDomain, path: area, secure: true, sameSite: 'Lax' }
}

function inSeconds(seconds) {
  return Date.now() / 1000 + seconds
}

let imported

/** Read at the first log-in and kept; the private key never leaves the server. */
function key() {
  imported ??= readFile(need('MEDIA_KEY_FILE'), 'utf8').then(privateKey =>
    importKey({ keyPairId: need('MEDIA_KEY_ID'), privateKey }),
  )
  return imported
}

function settings() {
  const { origin, hostname } = new URL(need('MEDIA_URL'))
  return {
    origin,
    area: process.env.MEDIA_AREA ?? '/members/',
    cookieDomain: process.env.COOKIE_DOMAIN ?? hostname.split('.').slice(1).join('.'),
  }
}

function need(name) {
  if (!process.env[name]) throw new Error(`${name} is not set; the README says what it is.`)
  return process.env[name]
}

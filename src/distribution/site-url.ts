import { canonicalPath } from '../core/index.ts'

export type SiteUrl = { kind: 'good'; url: string; host: string } | { kind: 'bad'; why: string }

/** A server's address as it is stored: lower-case host, no default port, no slash at the end. */
export function readSiteUrl(text: string): SiteUrl {
  if (!/^https?:\/\//i.test(text)) return bad('is no address: begin it with https:// or http://')
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return bad('holds a space or a control character: take it out')
  if (/^https?:\/\/[^/?#]*@/i.test(text)) {
    return bad('holds a name or password: take it out, and send a secret header or sign by an access')
  }
  if (text.includes('?') || text.includes('#')) return bad('holds a query or fragment: end it before that')
  if (!URL.canParse(text)) return bad('is no address: write it as https://site.example')
  const url = new URL(text)
  // As written, since the parser walks dot segments and mends backslashes without a word.
  const path = /^https?:\/\/[^/\\]*(.*)$/i.exec(text)?.[1] ?? ''
  const canonical = canonicalPath(path === '' ? '/' : path)
  if (canonical.kind === 'bad') return bad(`has a path that no request can have (${canonical.why}): mend it`)
  const prefix = canonical.path.replace(/\/+$/, '')
  return { kind: 'good', url: `${url.protocol}//${url.host}${prefix}`, host: url.host }
}

function bad(why: string): SiteUrl {
  return { kind: 'bad', why }
}

import { stripSigning } from './carrier-query.ts'
import { isParameter } from './parameters.ts'
import { takePathToken } from './path-token.ts'

const PREFIX = 'CloudFront-'

/**
 * The value of a viewer's field as others may see it: cookies less those that let him in somewhere, and the address of
 * the page that he comes from less a signature or token in it. Undefined when nothing is left. `name` in lower case;
 * `tokenCookies` are the cookies in which issuers' tokens come.
 */
export function withoutGrants(
  name: string,
  value: string,
  tokenCookies: () => readonly string[],
): string | undefined {
  if (name === 'cookie') return withoutGrantCookies(value, tokenCookies())
  return name === 'referer' ? withoutSignature(value) : value
}

function withoutGrantCookies(header: string, tokenCookies: readonly string[]): string | undefined {
  const pairs = header.split(';')
  const kept = pairs.filter(pair => {
    const name = (pair.split('=', 1)[0] ?? '').trim()
    return (
      !tokenCookies.includes(name) && !(name.startsWith(PREFIX) && isParameter(name.slice(PREFIX.length)))
    )
  })
  if (kept.length === pairs.length) return header
  return kept.length === 0 ? undefined : kept.join(';').trim()
}

/** Scheme and authority, path, query. */
const URL_PARTS = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/i

/** A browser that was let in by its URL names that URL to whatever the page loads (RFC 9110 §10.1.3). */
function withoutSignature(referer: string): string | undefined {
  const [, site = '', path = '', query = ''] = URL_PARTS.exec(referer) ?? []
  const taken = takePathToken(path)
  const own = stripSigning(query)
  if (own === query && taken.rest === path && taken.lookalike === undefined) return referer
  const rest = taken.lookalike ?? taken.rest
  return `${site}${rest}${own === '' ? '' : `?${own}`}`
}

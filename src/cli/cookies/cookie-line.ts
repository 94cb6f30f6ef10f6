/** One Set-Cookie line as a browser reads it (RFC 6265bis §5.6). */
export interface CookieLine {
  name: string
  value: string
  /** Lower case, without its leading dot; undefined for a cookie of one host. */
  domain: string | undefined
  /** As written; undefined where none is given or it does not begin with a slash. */
  path: string | undefined
  secure: boolean
  partitioned: boolean
  sameSite: 'strict' | 'lax' | 'none' | undefined
  /** Seconds; before `expires`. */
  maxAge: number | undefined
  /** Milliseconds since 1970. */
  expires: number | undefined
}

/** The last of two attributes of one name counts; what is not known is passed over. */
export function parseCookieLine(line: string): CookieLine {
  const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
  const equals = pair.indexOf('=')
  const cookie: CookieLine = {
    name: equals < 0 ? '' : pair.slice(0, equals).trim(),
    value: pair.slice(equals + 1).trim(),
    ...{ domain: undefined, path: undefined, secure: false, partitioned: false, sameSite: undefined },
    ...{ maxAge: undefined, expires: undefined },
  }
  for (const attribute of attributes) {
    const at = attribute.indexOf('=')
    const name = (at < 0 ? attribute : attribute.slice(0, at)).trim().toLowerCase()
    apply(cookie, name, at < 0 ? '' : attribute.slice(at + 1).trim())
  }
  return cookie
}

function apply(cookie: CookieLine, name: string, value: string): void {
  switch (name) {
    case 'domain':
      cookie.domain = value === '' ? undefined : value.replace(/^\./, '').toLowerCase()
      return
    case 'path':
      cookie.path = value.startsWith('/') ? value : undefined
      return
    case 'secure':
      cookie.secure = true
      return
    case 'partitioned':
      cookie.partitioned = true
      return
    case 'samesite': {
      const word = value.toLowerCase()
      cookie.sameSite = word === 'strict' || word === 'lax' || word === 'none' ? word : undefined
      return
    }
    case 'max-age':
      if (/^-?\d+$/.test(value)) cookie.maxAge = Number(value)
      return
    case 'expires': {
      const time = Date.parse(value)
      if (!Number.isNaN(time)) cookie.expires = time
    }
  }
}

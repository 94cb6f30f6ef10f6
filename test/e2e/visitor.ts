import { request } from 'node:http'

/** A cookie as a browser keeps it. */
export interface KeptCookie {
  name: string
  value: string
  /** With the dot that says "and all names below it"; the bare host for a host-only cookie. */
  domain: string
  path: string
  secure: boolean
  httpOnly: boolean
  sameSite: string
}

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** Somebody with a browser, as far as HTTP goes: keeps cookies by Domain and Path (RFC 6265 section 5), fills in forms. */
export interface Visitor {
  get(url: string): Promise<Answer>
  /** Sends the one form of a page that has a field or button of this name, with its hidden fields. */
  submit(page: Answer, url: string, fields: Record<string, string>): Promise<Answer>
  cookies(): KeptCookie[]
}

export function createVisitor(): Visitor {
  let jar: KeptCookie[] = []
  const go = async (method: string, url: string, form?: URLSearchParams): Promise<Answer> => {
    const { answer, setCookies } = await exchange(method, url, cookieHeader(jar, url), form)
    for (const line of setCookies) jar = keep(jar, line, url)
    return answer
  }
  return {
    get: url => go('GET', url),
    submit: (page, url, fields) => {
      const form = /<form[^>]* action="([^"]+)"[\s\S]*?<\/form>/.exec(page.body)
      if (form === null) throw new Error(`There is no form in ${page.body}`)
      const hidden = [...form[0].matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)]
      const values = hidden.map(([, name = '', value = '']) => [name, value])
      const body = new URLSearchParams([...values, ...Object.entries(fields)])
      return go('POST', new URL(form[1] ?? '', url).href, body)
    },
    cookies: () => jar,
  }
}

/** Asks once with these very cookies, `name=value` each, and keeps nothing. */
export async function ask(url: string, cookies: readonly string[] = []): Promise<Answer> {
  return (await exchange('GET', url, cookies.join('; '))).answer
}

/** One request to loopback under the URL's name, which no resolver has to know. */
function exchange(
  method: string,
  url: string,
  cookie: string,
  form?: URLSearchParams,
): Promise<{ answer: Answer; setCookies: string[] }> {
  const { host, port, pathname, search, origin } = new URL(url)
  const headers = {
    host,
    ...(cookie === '' ? {} : { cookie }),
    ...(form === undefined ? {} : { origin, 'content-type': 'application/x-www-form-urlencoded' }),
  }
  return new Promise((resolve, reject) => {
    const asked = request({ method, host: '127.0.0.1', port, path: pathname + search, headers }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { 'set-cookie': setCookies = [], ...others } = response.headers
        const single = Object.entries(others).map(([name, value]) => [name, String(value)])
        const answer = {
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(single) as Answer['headers'],
          body,
        } // pairs of texts
        resolve({ answer, setCookies })
      })
    })
    asked.on('error', reject)
    asked.end(form?.toString())
  })
}

function keep(jar: readonly KeptCookie[], line: string, url: string): KeptCookie[] {
  const [pair = '', ...attributes] = line.split(';').map(each => each.trim())
  const given = new Map(
    attributes.map(each => {
      const [name = '', value = ''] = each.split('=')
      return [name.toLowerCase(), value]
    }),
  )
  const domain = given.get('domain')
  const cookie: KeptCookie = {
    name: pair.slice(0, pair.indexOf('=')),
    value: pair.slice(pair.indexOf('=') + 1),
    domain: domain === undefined ? new URL(url).hostname : `.${domain.replace(/^\./, '')}`,
    path: given.get('path') ?? '/',
    secure: given.has('secure'),
    httpOnly: given.has('httponly'),
    sameSite: given.get('samesite') ?? '',
  }
  const others = jar.filter(
    each => each.name !== cookie.name || each.domain !== cookie.domain || each.path !== cookie.path,
  )
  const ends = given.get('expires')
  const dead = given.get('max-age') === '0' || (ends !== undefined && Date.parse(ends) < Date.now())
  return dead ? others : [...others, cookie]
}

function cookieHeader(jar: readonly KeptCookie[], url: string): string {
  const { hostname, pathname } = new URL(url)
  return jar
    .filter(
      ({ domain }) => hostname === domain || (domain.startsWith('.') && `.${hostname}`.endsWith(domain)),
    )
    .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ')
}

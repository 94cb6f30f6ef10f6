import { createHmac } from 'node:crypto'
import { clearCookieLines, setCookieLines, signCookies, signUrl } from 'sluice/sign'
import { same } from './same.js'

/** Hours, not days: signed cookies cannot be called back. */
const LOGIN_SECONDS = 2 * 60 * 60
const DOWNLOAD_SECONDS = 10 * 60

const AREA = '/members/'
const INSTALLER = '/downloads/installer.bin'

/** Where people log in: the one page of the site that has to know them. */
export function createDoor(settings, sessionSecret) {
  const { area, cookieDomain, key } = settings
  const attributes = { domain: cookieDomain, path: AREA, sameSite: 'Lax' }
  const sign = text => createHmac('sha256', sessionSecret).update(text).digest('base64url')
  const ownCookie = (value, seconds) =>
    `door=${value}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`

  /** One policy opens all that lies below /members/, whatever the pages link to there. */
  async function logIn(response, now) {
    const expires = now + LOGIN_SECONDS
    const cookies = await signCookies(key, { resource: `${area}${AREA}*`, expires })
    const lines = setCookieLines(cookies, attributes)
    go(response, `${area}${AREA}index.html`, [
      ...lines,
      ownCookie(`${expires}.${sign(String(expires))}`, LOGIN_SECONDS),
    ])
  }

  /** One file, for whoever holds the link: a canned policy, which is the URL itself and a time. */
  async function download(response, now) {
    go(response, await signUrl(key, `${area}${INSTALLER}`, { expires: now + DOWNLOAD_SECONDS }))
  }

  function isMember(request, now) {
    const [, until = '0', signature = ''] =
      /(?:^|;\s*)door=(\d+)\.([\w-]+)/.exec(request.headers.cookie ?? '') ?? []
    return same(signature, sign(until)) && Number(until) > now
  }

  return async (request, response) => {
    const now = Math.floor(Date.now() / 1000)
    const member = isMember(request, now)
    switch (`${request.method} ${request.url}`) {
      case 'GET /':
        return page(response, 200, member ? inside(area) : OUTSIDE)
      case 'GET /download':
        return member ? download(response, now) : page(response, 403, OUTSIDE)
      case 'POST /login': {
        if (!isOurs(request)) return page(response, 403, '<p>This form belongs to another site.</p>')
        const form = await readForm(request)
        const right = ['user', 'password'].map(each => same(form.get(each) ?? '', settings[each]))
        if (!right.includes(false)) return logIn(response, now)
        return page(response, 401, `<p role="alert">User or password is not right.</p>${OUTSIDE}`)
      }
      case 'POST /logout':
        if (!isOurs(request)) return page(response, 403, '<p>This form belongs to another site.</p>')
        return go(response, '/', [...clearCookieLines(attributes), ownCookie('', 0)])
      default:
        return page(response, 404, '<p>There is nothing here.</p>')
    }
  }
}

/** Browsers say with each POST where its form comes from. */
function isOurs({ headers }) {
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host
}

async function readForm(request) {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > 2000) break
  }
  return new URLSearchParams(text)
}

function go(response, to, cookieLines = []) {
  response.writeHead(303, { Location: to, 'Set-Cookie': cookieLines, 'Cache-Control': 'no-store' }).end()
}

const OUTSIDE = `<form method="post" action="/login">
<label>User <input name="user" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form>`

const inside = area => `<p>You are logged in. <a href="${area}${AREA}index.html">To the area</a></p>
<form method="post" action="/logout"><button>Log out</button></form>`

function page(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>The door</title>
<h1>The door</h1>
${body}</html>
`)
}

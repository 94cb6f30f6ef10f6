import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const NAME = 'session'
const LIFETIME_MS = 12 * 60 * 60 * 1000

/** Who is logged in, kept in a cookie that only this process can sign: a restart logs everybody out. */
export function createSessions(secret = randomBytes(32)) {
  const sign = text => createHmac('sha256', secret).update(text).digest('base64url')
  return {
    start(res, user, now = Date.now()) {
      const text = Buffer.from(JSON.stringify({ user, until: now + LIFETIME_MS })).toString('base64url')
      res.cookie(NAME, `${text}.${sign(text)}`, attributes())
    },
    end(res) {
      res.clearCookie(NAME, attributes())
    },
    /** The user's name; undefined for everybody else. */
    userOf(req, now = Date.now()) {
      const [text = '', signature = ''] = cookieOf(req, NAME).split('.')
      if (!same(signature, sign(text))) return undefined
      const { user, until } = JSON.parse(Buffer.from(text, 'base64url').toString())
      return until > now ? user : undefined
    },
  }
}

/** Compares without telling by its time how much of it was right. */
export function same(given, right) {
  const digest = text => createHmac('sha256', 'same').update(text).digest()
  return timingSafeEqual(digest(given), digest(right))
}

function attributes() {
  return { path: '/', secure: true, httpOnly: true, sameSite: 'lax' }
}

function cookieOf(req, name) {
  const cookies = (req.headers.cookie ?? '').split(';').map(each => each.trim().split('='))
  return cookies.find(([each]) => each === name)?.[1] ?? ''
}

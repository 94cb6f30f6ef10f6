// Who is a member. Put your own log-in here; this one knows a single user, from the environment.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const LIFETIME_MS = 12 * 60 * 60 * 1000

// Routes are bundled apart and share what hangs on globalThis. A restart logs everybody out.
const secret = (globalThis.sessionSecret ??= randomBytes(32))

export function isMember(user, password) {
  if (!process.env.DEMO_PASSWORD) throw new Error('DEMO_PASSWORD is not set: choose one for the demo user.')
  const right = [same(user, process.env.DEMO_USER ?? 'demo'), same(password, process.env.DEMO_PASSWORD)]
  return !right.includes(false)
}

export function sessionLine(user) {
  const text = Buffer.from(JSON.stringify({ user, until: Date.now() + LIFETIME_MS })).toString('base64url')
  return `session=${text}.${mac(text)}; Path=/; Secure; HttpOnly; SameSite=Lax`
}

export function endLine() {
  return 'session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0'
}

/** The user's name; undefined for everybody else. */
export function userOf(request) {
  const [, text = '', signature = ''] =
    /(?:^|; )session=([\w-]+)\.([\w-]+)/.exec(request.headers.get('cookie') ?? '') ?? []
  if (!same(signature, mac(text))) return undefined
  const { user, until } = JSON.parse(Buffer.from(text, 'base64url').toString())
  return until > Date.now() ? user : undefined
}

/** Browsers say with each POST where its form stood; a form of somebody else's site logs nobody in or out. */
export function isOwnForm(request) {
  const from = request.headers.get('origin')
  return URL.canParse(from ?? '') && new URL(from).host === request.headers.get('host')
}

/** Compares without telling by its time how much of it was right. */
function same(given, right) {
  const digest = text => createHmac('sha256', secret).update(String(text)).digest()
  return timingSafeEqual(digest(given), digest(right))
}

function mac(text) {
  return createHmac('sha256', secret).update(text).digest('base64url')
}

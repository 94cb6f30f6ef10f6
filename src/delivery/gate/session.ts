import { canonicalPath, type CanonicalPath } from '../../core/index.ts'
import { decodeCloudFront, encodeCloudFront, stripSigning, type Carrier } from '../../signing/index.ts'
import type { Admission, Asked, CookieToken } from './admission.ts'
import { admit } from './admit.ts'
import { preflightHeaders, corsHeaders } from '../answer/cors.ts'
import { known, type Exchange, type Step } from '../exchange.ts'
import { record } from '../record.ts'
import { refuse, sendError } from '../answer/refusal.ts'

/**
 * `GET /.sluice/session?path=/members/talk/` with a grant for what lies there: gives it back as cookies that a page of
 * another site can use (SEAMS 12). They are of this host alone, in a jar of the embedding site's own (CHIPS), and end
 * with the browser's session.
 */
export const session: Step = (x: Exchange) => {
  const asked = readAsked(x)
  const { matcher } = x.node
  if (!matcher)
    return sendError(x, 503, 'NotReady', 'This node has no configuration yet', ['Retry-After', '1'])
  x.served = matcher.distribution(known(x.viewer, 'the viewer').host)
  if (!x.served) return refuse(x, 'unknown-host')
  if (asked !== undefined) x.behaviour = x.served.behaviour(asked.path)

  if (x.request.method === 'OPTIONS')
    return answer(x, ['Allow', 'GET, HEAD, OPTIONS', ...preflightHeaders(x)])
  if (x.request.method !== 'GET' && x.request.method !== 'HEAD') return refuse(x, 'method')
  if (asked === undefined || x.behaviour === undefined)
    return refuse(x, 'bad-path', { message: 'Name one folder or path: /.sluice/session?path=/members/talk/' })
  // A page may ask for every film without knowing which are gated.
  if (!x.behaviour.gate) return answer(x, corsHeaders(x))
  if (!keepsSecure(x)) return refuse(x, 'https-only')
  const admission = admit(x, x.behaviour, asked)
  return admission instanceof Promise
    ? admission.then(each => give(x, each, asked.path))
    : give(x, admission, asked.path)
}

/** What the session shall open: the path as the page wrote it, and canonical. */
interface Folder extends Asked {
  path: CanonicalPath
}

/** Browsers ignore a longer attribute (RFC 6265bis §5.6), and cookies larger than this as a whole. */
const LONGEST_PATH = 1024
const LARGEST_COOKIE = 4096

/** Undefined when no path is named, or none that can be made canonical and stand in a cookie. */
function readAsked(x: Exchange): Folder | undefined {
  const { query, token, jwt } = known(x.target, 'the target')
  const pairs = query.split('&')
  const [named, twice] = pairs.filter(pair => pair.startsWith('path='))
  if (named === undefined || twice !== undefined) return undefined
  const rawPath = decodeOnce(named.slice('path='.length))
  const canonical = rawPath === undefined ? undefined : canonicalPath(rawPath)
  if (rawPath === undefined || canonical?.kind !== 'ok') return undefined
  if (canonical.path.includes(';') || canonical.path.length > LONGEST_PATH) return undefined
  // What is asked for has no query; the grant is all of ours that counts.
  const grant = pairs.filter(pair => stripSigning(pair) === '').join('&')
  return { rawPath, path: canonical.path, query: grant, token, jwt }
}

/** As a page writes a path into a query; what may stand raw in a query but not in a path is escaped again. */
function decodeOnce(value: string): string | undefined {
  try {
    return decodeURIComponent(value).replace(/[\u0020\u0080-\u{10ffff}]+/gu, encodeURIComponent)
  } catch {
    return undefined
  }
}

/** Whether the browser would keep a `Secure` cookie of this answer: over plain http only on this machine (SEAMS 7). */
function keepsSecure(x: Exchange): boolean {
  const { scheme, host } = known(x.viewer, 'the viewer')
  if (scheme === 'https') return true
  const loopback = host === 'localhost' || host.endsWith('.localhost') || host === '127.0.0.1'
  return loopback && x.behaviour?.viewerProtocol === 'allow-all'
}

function give(x: Exchange, admission: Admission, path: CanonicalPath): undefined {
  if (admission.kind === 'refused') return refuse(x, admission.reason)
  x.grant = admission.grant
  const cookies = cookiesOf(admission.carrier)
  if (cookies.some(([name, value]) => name.length + value.length > LARGEST_COOKIE))
    return sendError(x, 400, 'InvalidRequest', 'The grant is larger than what browsers keep in a cookie')
  const attributes = `Path=${path}; Secure; HttpOnly; SameSite=None; Partitioned`
  return answer(
    x,
    corsHeaders(x),
    cookies.map(([name, value]) => `${name}=${value}; ${attributes}`),
  )
}

/** The grant as cookies carry it: its issuer's, or CloudFront's, written anew, since a URL may spell it otherwise. */
function cookiesOf(carrier: Carrier | CookieToken): [name: string, value: string][] {
  if (carrier.kind === 'token') return [[carrier.cookie, carrier.text]]
  const { statement, signature, keyId, hash } = carrier
  return [
    statement.kind === 'custom'
      ? ['CloudFront-Policy', plain(statement.policy)]
      : ['CloudFront-Expires', statement.expires],
    ['CloudFront-Signature', plain(signature)],
    ['CloudFront-Key-Pair-Id', keyId],
    ...(hash === 'sha256' ? [['CloudFront-Hash-Algorithm', 'SHA256'] as [string, string]] : []),
  ]
}

function plain(text: string): string {
  return encodeCloudFront(known(decodeCloudFront(text), 'what was verified'))
}

function answer(x: Exchange, headers: readonly string[], cookies: string[] = []): undefined {
  x.cache = 'Miss'
  x.head(204, [
    ...headers,
    ...cookies.flatMap(cookie => ['Set-Cookie', cookie]),
    'Cache-Control',
    'no-store',
    'Referrer-Policy',
    'no-referrer',
    ...x.node.signature(x.id),
  ])
  x.response.end()
  record(x)
}

import { authorize } from './gate/authorize.ts'
import { isLetIn } from './gate/geo.ts'
import { showInstead } from './lookup.ts'
import { preflightHeaders } from './answer/cors.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { allowedOf, isKeptOptions, isRelayed } from './methods.ts'
import { record } from './record.ts'
import { refuse, sendError } from './answer/refusal.ts'
import { isSpokenTooOld } from './viewers/name-terms.ts'

/** Host to distribution, path to its first matching behaviour, and what that behaviour says of protocol and method. */
export const match: Step = (x: Exchange) => {
  const { matcher } = x.node
  if (!matcher)
    return sendError(x, 503, 'NotReady', 'This node has no configuration yet', ['Retry-After', '1'])
  const viewer = known(x.viewer, 'the viewer')
  const target = known(x.target, 'the target')
  x.served = matcher.distribution(viewer.host)
  if (!x.served) return refuse(x, 'unknown-host')
  // Before the behaviour is found, so that a gate before the page counts for `/` as well.
  if (x.served.root !== undefined && target.path === '/') target.path = x.served.root
  x.behaviour = x.served.behaviour(target.path)

  const { distribution } = x.served
  // RFC 9110 §15.5.20: another connection, under this name, may do.
  if (distribution.minimumTls === '1.3' && isSpokenTooOld(x.request, distribution))
    return sendError(x, 421, 'MisdirectedRequest', 'This host is spoken to in TLS 1.3')
  if (distribution.geo !== undefined && !isLetIn(x)) return refuseThere(x)
  const { method } = x.request
  const reads = method === 'GET' || method === 'HEAD'
  if (!reads && x.behaviour.methods === 'get') return refuseMethod(x)
  const relayed = isRelayed(x)
  const kept = !reads && isKeptOptions(x)
  if (method === 'OPTIONS' && !relayed && !kept) return answerOptions(x)
  if (viewer.scheme === 'http') {
    if (x.behaviour.viewerProtocol === 'https-only') return refuse(x, 'https-only')
    if (x.behaviour.viewerProtocol === 'redirect-to-https') return redirectToHttps(x)
  }
  if (!reads && !relayed && !kept) return refuse(x, 'method')
  // Of what may be done there is no part, and no version that a viewer may have.
  if (kept) x.selects = false
  return authorize
}

/** CloudFront: before all else, and the distribution's page for a 403 may show. */
function refuseThere(x: Exchange): undefined | Promise<Step | undefined> {
  x.reason = 'geo'
  const { method } = x.request
  const refused = (): undefined => refuse(x, 'geo')
  if (method !== 'GET' && method !== 'HEAD') return refused()
  const headers = ['Cache-Control', 'no-store', 'X-Sluice-Reason', 'geo']
  return showInstead(x, { status: 403, headers, bornAt: x.node.clock.now() }, refused)
}

/** As CloudFront refuses what a distribution does not allow. */
function refuseMethod(x: Exchange): undefined {
  x.reason = 'method'
  return sendError(x, 403, 'AccessDenied', 'Only GET and HEAD are allowed here', [
    'X-Sluice-Reason',
    'method',
  ])
}

function answerOptions(x: Exchange): undefined {
  x.cache = 'Miss'
  x.head(204, ['Allow', allowedOf(x), ...preflightHeaders(x), ...x.node.signature(x.id)])
  x.response.end()
  record(x)
}

/** CloudFront: 301 for GET and HEAD, 307 for the rest. The port is kept out: HTTPS listens elsewhere by default. */
function redirectToHttps(x: Exchange): undefined {
  const { host } = known(x.viewer, 'the viewer')
  const safe = x.request.method === 'GET' || x.request.method === 'HEAD'
  sendError(x, safe ? 301 : 307, 'Redirect', 'Use HTTPS', [
    'Location',
    `https://${host}${x.request.url ?? '/'}`,
  ])
}

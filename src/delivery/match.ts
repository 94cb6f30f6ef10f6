import { authorize } from './gate/authorize.ts'
import { preflightHeaders } from './answer/cors.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { allowedOf, isRelayed } from './methods.ts'
import { record } from './record.ts'
import { refuse, sendError } from './answer/refusal.ts'

/** Host to distribution, path to its first matching behaviour, and what that behaviour says of protocol and method. */
export const match: Step = (x: Exchange) => {
  const { matcher } = x.node
  if (!matcher)
    return sendError(x, 503, 'NotReady', 'This node has no configuration yet', ['Retry-After', '1'])
  const viewer = known(x.viewer, 'the viewer')
  const target = known(x.target, 'the target')
  x.served = matcher.distribution(viewer.host)
  if (!x.served) return refuse(x, 'unknown-host')
  x.behaviour = x.served.behaviour(target.path)

  const relayed = isRelayed(x)
  if (x.request.method === 'OPTIONS' && !relayed) return answerOptions(x)
  if (viewer.scheme === 'http') {
    if (x.behaviour.viewerProtocol === 'https-only') return refuse(x, 'https-only')
    if (x.behaviour.viewerProtocol === 'redirect-to-https') return redirectToHttps(x)
  }
  if (x.request.method !== 'GET' && x.request.method !== 'HEAD' && !relayed) return refuse(x, 'method')
  return authorize
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

import { canonicalPath } from '../core/index.ts'
import { takePathToken, type TakenPath } from '../signing/index.ts'
import type { Exchange, SpelledToken, Step } from './exchange.ts'
import { knownHead } from './known-head.ts'
import { match } from './match.ts'
import { refuse, sendError } from './answer/refusal.ts'
import { faultOf, readAbsolute } from './request-head.ts'
import { takeTrace } from './trace.ts'
import { serveReserved } from './answer/reserved.ts'

/** First step: limits, who asks, path token off, canonical path (SEAMS 1). Nothing decodes the path again after it. */
export const read: Step = (x: Exchange) => {
  const { request, response } = x
  const fault = faultOf(request)
  if (fault) {
    if (fault.ends === 'connection' && !('stream' in response)) response.shouldKeepAlive = false
    return sendError(x, fault.status, fault.code, fault.message)
  }
  if (request.method === 'CONNECT' || request.method === 'TRACE') return refuse(x, 'method')
  let url = request.url ?? ''
  const absolute = url.startsWith('/') ? undefined : readAbsolute(url)
  if (absolute) url = request.url = absolute.path
  const head = knownHead(request, x.node.trustedProxies, absolute?.authority)
  const { viewer } = head
  if (viewer.kind === 'bad') return refuse(x, 'bad-host', { message: `The request has ${viewer.why}` })
  x.viewer = viewer.viewer
  x.selects = head.selects
  if (head.traced) takeTrace(x)
  if (head.loops) return refuse(x, 'loop')

  const queryAt = url.indexOf('?')
  const withToken = queryAt < 0 ? url : url.slice(0, queryAt)
  const taken = takeToken(x, withToken)
  const canonical = canonicalPath(taken.rest)
  if (canonical.kind === 'bad') return refuse(x, 'bad-path')
  x.target = {
    rawPath: taken.rest,
    path: canonical.path,
    query: queryAt < 0 ? '' : url.slice(queryAt + 1),
    token: taken.token,
    jwt: taken.jwt,
    lookalike: taken.lookalike,
  }
  if (canonical.path.startsWith('/.sluice/')) return serveReserved(x)
  return match
}

/** With which a token begins, as it is or escaped. */
const TILDE = 0x7e
const PERCENT = 0x25

type Taken = Omit<TakenPath, 'token'> & { token: SpelledToken | undefined }

/** A film is asked for under one token again and again, and what a token looks like does not change. */
function takeToken({ node }: Exchange, rawPath: string): Taken {
  const first = rawPath.charCodeAt(1)
  // Nearly no request has one, and to find that out by the pattern costs more than to route it.
  if (first !== TILDE && first !== PERCENT) return { token: undefined, rest: rawPath, lookalike: undefined }
  const slash = rawPath.indexOf('/', 1)
  const end = slash < 0 ? rawPath.length : slash
  const segment = rawPath.slice(0, end)
  const known = rawPath.startsWith('/~') ? node.pathTokens.get(segment) : undefined
  if (known) return { token: known, rest: rawPath.slice(end) || '/', lookalike: undefined }
  const { token, ...taken } = takePathToken(rawPath)
  if (token === undefined) return { ...taken, token }
  const spelled = { ...token, segment }
  node.pathTokens.set(segment, spelled)
  return { ...taken, token: spelled }
}

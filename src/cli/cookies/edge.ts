import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { TLSSocket } from 'node:tls'
import { messageOf, type Milliseconds } from '../../core/index.ts'
import type { RawUrl } from '../../http/index.ts'

/** What a server said to one request; its body is not read. */
export interface Answer {
  kind: 'answer'
  status: number
  headers: IncomingHttpHeaders
  /** Why a browser would not believe who answers; undefined when it would, and for plain http. */
  distrust: string | undefined
}

export type Asked = Answer | { kind: 'silent'; why: string }

const PATIENCE: Milliseconds = 10_000

/**
 * One request, its path and query exactly as given. Whoever answers is not checked before, but told in `distrust`: ask
 * without cookies first, and hand over cookies to those only who can be believed.
 */
export function ask(
  url: RawUrl,
  wanted: { method?: 'GET' | 'OPTIONS'; headers?: Record<string, string> } = {},
): Promise<Asked> {
  const { hostname, port } = new URL(`${url.scheme}://${url.authority}`)
  const options = {
    host: hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { port }),
    method: wanted.method ?? 'GET',
    path: `${url.path}${url.query === '' ? '' : `?${url.query}`}`,
    headers: { ...wanted.headers, host: url.authority },
    timeout: PATIENCE,
    agent: false,
    ...(isLocalName(url.host) ? { lookup: loopback } : {}),
  }
  return new Promise(resolve => {
    const silent = (error: unknown): void => resolve({ kind: 'silent', why: messageOf(error) })
    const answered = (response: IncomingMessage): void => {
      const { statusCode = 0, headers, socket } = response
      response.destroy()
      resolve({ kind: 'answer', status: statusCode, headers, distrust: distrustOf(socket) })
    }
    try {
      const request =
        url.scheme === 'https'
          ? requestHttps({ ...options, rejectUnauthorized: false }, answered)
          : requestHttp(options, answered)
      request.on('error', silent)
      request.on('timeout', () => request.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)))
      request.end()
    } catch (error) {
      silent(error)
    }
  })
}

function distrustOf(socket: unknown): string | undefined {
  if (!(socket instanceof TLSSocket) || socket.authorized) return undefined
  const { authorizationError } = socket
  return authorizationError instanceof Error ? authorizationError.message : String(authorizationError)
}

/** Names that browsers take for this machine, whatever a resolver says (RFC 6761 §6.3). */
export function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}

/** Whether browsers take plain http to this host for safe: it does not leave the machine. */
export function isThisMachine(host: string): boolean {
  return isLocalName(host) || /^127(\.\d{1,3}){3}$/.test(host) || host === '[::1]'
}

/** Node asks the system's resolver, which on Debian does not know these names (SEAMS 37). */
const loopback: LookupFunction = (_name, options, done) => {
  if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}

import { messageOf, SluiceError, type Milliseconds } from '../core/index.ts'
import type { NodeCredentials } from '../inbound/index.ts'
import { HttpLine, type HttpAnswer, type TlsTerms } from './exchange.ts'
import type { Membership } from './membership.ts'
import { CONTROL_NAME } from './node-names.ts'

/** One JSON request of a node to control. Nothing here retries; who owns the loop does. */
export interface NodeRequest {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: unknown
  signal: AbortSignal
  /** How long control was asked to hold the answer. */
  waitSeconds?: number
  /** In place of the time that answers are given otherwise. */
  within?: Milliseconds
}

export interface NodeAnswer {
  status: number
  /** By name in lower case. */
  headers: HttpAnswer['headers']
  body: unknown
}

export type ControlLink = (request: NodeRequest) => Promise<NodeAnswer>

/** Where control is for a node: on this machine, or where its membership says. */
export interface ControlPlace {
  controlUrl: string
  /** Of a node that has joined from another machine. */
  membership?: Membership | undefined
}

const TIME_LIMIT_MS = 10_000

/**
 * Asks control as a node. Throws SluiceError `control-away` when it does not answer, and asks the next one then, where
 * there are several; a status is not an error.
 */
export function controlLink(
  { controlUrl, membership }: ControlPlace,
  token: () => Promise<string>,
): ControlLink {
  const urls = (membership?.controls ?? [controlUrl]).map(url => url.replace(/\/+$/, ''))
  let shown = membership?.credentials
  let line = new HttpLine(shown && termsOf(shown))
  let at = 0
  return async request => {
    if (shown !== membership?.credentials) {
      shown = membership?.credentials
      line.close()
      line = new HttpLine(shown && termsOf(shown))
    }
    const url = urls[at % urls.length] ?? controlUrl
    const headers: Record<string, string> = { 'sluice-node': await token(), ...request.headers }
    if (request.body !== undefined) headers['content-type'] = 'application/json'
    try {
      const answer = await line.ask({
        ...{ method: request.method, url: `${url}${request.path}`, headers, signal: request.signal },
        within: request.within ?? TIME_LIMIT_MS + (request.waitSeconds ?? 0) * 1000,
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      })
      return {
        status: answer.status,
        headers: answer.headers,
        body: answer.text === '' ? undefined : JSON.parse(answer.text),
      }
    } catch (error) {
      if (!request.signal.aborted) at++
      throw new SluiceError('control-away', `control does not answer (${messageOf(error)})`, {
        side: 'upstream',
        kind: 'unavailable',
        cause: error,
      })
    }
  }
}

function termsOf({ certificate, key, authority }: NodeCredentials): TlsTerms {
  return { ca: authority, cert: certificate, key, servername: CONTROL_NAME }
}

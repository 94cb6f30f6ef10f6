import { messageOf, SluiceError } from '../core/index.ts'

/** One JSON request of a node to control. Nothing here retries; who owns the loop does. */
export interface NodeRequest {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: unknown
  signal: AbortSignal
  /** How long control was asked to hold the answer. */
  waitSeconds?: number
}

export interface NodeAnswer {
  status: number
  headers: Headers
  body: unknown
}

export type ControlLink = (request: NodeRequest) => Promise<NodeAnswer>

const TIME_LIMIT_MS = 10_000

/** Asks control as a node. Throws SluiceError `control-away` when it does not answer; a status is not an error. */
export function controlLink(controlUrl: string, token: () => Promise<string>): ControlLink {
  const base = controlUrl.replace(/\/+$/, '')
  return async request => {
    const limit = AbortSignal.timeout(TIME_LIMIT_MS + (request.waitSeconds ?? 0) * 1000)
    const headers: Record<string, string> = { 'sluice-node': await token(), ...request.headers }
    if (request.body !== undefined) headers['content-type'] = 'application/json'
    try {
      const response = await fetch(`${base}${request.path}`, {
        method: request.method,
        headers,
        signal: AbortSignal.any([request.signal, limit]),
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      })
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        body: text === '' ? undefined : JSON.parse(text),
      }
    } catch (error) {
      throw new SluiceError('control-away', `control does not answer (${messageOf(error)})`, {
        side: 'upstream',
        kind: 'unavailable',
        cause: error,
      })
    }
  }
}

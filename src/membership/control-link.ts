import { messageOf, reader, SluiceError, systemClock, Type, type Milliseconds } from '../core/index.ts'
import type { NodeCredentials } from '../inbound/index.ts'
import { Controls } from './controls.ts'
import { HttpLine, type HttpAnswer, type TlsTerms } from './exchange.ts'
import type { Membership } from './membership.ts'
import { CONTROL_NAME } from './node-names.ts'
import { CLOCK_FIELD, softwareVersion, VERSION_FIELD } from './software.ts'

/** One request of a node to control. Nothing here retries; who owns the loop does. */
export interface NodeRequest {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: unknown
  signal: AbortSignal
  /** How long control was asked to hold the answer. */
  waitSeconds?: number
  /** For an answer that is not held; 10 s unless given. */
  within?: Milliseconds
}

export interface NodeAnswer {
  status: number
  /** By name in lower case. */
  headers: HttpAnswer['headers']
  /** What the JSON says; bytes of anything else. */
  body: unknown
}

export type ControlLink = (request: NodeRequest) => Promise<NodeAnswer>

/** Where control is for a node: on this machine, or where its membership says. */
export interface ControlPlace {
  controlUrl: string
  /** Of a node that has joined from another machine. */
  membership?: Membership | undefined
}

/** What control sends blobs as. */
export const BLOB_TYPE = 'application/octet-stream'

const TIME_LIMIT: Milliseconds = 10_000
/** Control's status where its database is away. */
const UNABLE = 503

/**
 * Asks control as a node. Throws SluiceError `control-away` when it does not answer, and asks the next one then, where
 * there are several; a status is not an error.
 */
export function controlLink(
  { controlUrl, membership }: ControlPlace,
  token: () => Promise<string>,
  clock = systemClock,
): ControlLink {
  const controls = membership?.asked ?? new Controls([controlUrl])
  let shown = membership?.credentials
  let line = new HttpLine(shown && termsOf(shown))
  return async request => {
    if (shown !== membership?.credentials) {
      shown = membership?.credentials
      line.close()
      line = new HttpLine(shown && termsOf(shown))
    }
    const { url, moved } = controls
    const headers: Record<string, string> = {
      'sluice-node': await token(),
      [VERSION_FIELD]: softwareVersion(),
      [CLOCK_FIELD]: String(clock.now()),
      ...request.headers,
    }
    if (request.body !== undefined) headers['content-type'] = 'application/json'
    try {
      const answer = await line.ask({
        ...{ method: request.method, url: `${url}${request.path}`, headers },
        signals: [request.signal, moved],
        within: (request.within ?? TIME_LIMIT) + (request.waitSeconds ?? 0) * 1000,
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      })
      if (answer.status === UNABLE) controls.unable(url)
      return {
        status: answer.status,
        headers: answer.headers,
        body: bodyOf(answer),
      }
    } catch (error) {
      if (!request.signal.aborted) controls.failed(url)
      throw new SluiceError('control-away', `control does not answer (${messageOf(error)})`, {
        side: 'upstream',
        kind: 'unavailable',
        cause: error,
      })
    }
  }
}

function bodyOf({ headers, bytes }: HttpAnswer): unknown {
  if (bytes.length === 0) return undefined
  return headers['content-type'] === BLOB_TYPE ? bytes : JSON.parse(bytes.toString())
}

const readProblem = reader(
  Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) }),
  'the error',
)

/** What control has said in place of what it was asked for; `what` is for when it has given no reason. */
export function refusalOf({ status, body }: Pick<NodeAnswer, 'status' | 'body'>, what: string): SluiceError {
  try {
    const { code, message } = readProblem(body).error
    return new SluiceError(code, `control answered ${status} ${what}: ${message}`, { side: 'upstream' })
  } catch {
    return new SluiceError('refused', `control answered ${status} ${what}`, { side: 'upstream' })
  }
}

function termsOf({ certificate, key, authority }: NodeCredentials): TlsTerms {
  return { ca: authority, cert: certificate, key, servername: CONTROL_NAME }
}

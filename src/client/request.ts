import { messageOf, SluiceError, type ErrorKind, type Milliseconds } from '../core/index.ts'

export interface Connection {
  /** `http://127.0.0.1:9000`; a path after the port is kept. */
  url: string
  /** The value of `Authorization`. */
  authorization: string
}

export interface Ask {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  /** Undefined values are left out. */
  query?: Record<string, string | number | undefined>
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** How long the server was asked to wait, on top of the usual time limit. */
  waitSeconds?: number
}

export interface Answer {
  status: number
  /** Undefined when there was no body. */
  body: unknown
  headers: Headers
}

/** An answer that takes longer is a connection that died without a word. */
const TIME_LIMIT: Milliseconds = 30_000

/** One request with a JSON answer. Throws SluiceError: the server's own, or `control-away` when nothing answers. */
export async function ask(connection: Connection, wanted: Ask): Promise<Answer> {
  const response = await reach(connection, wanted)
  const body = await readBody(response, connection.url)
  if (response.ok || response.status === 304)
    return { status: response.status, body, headers: response.headers }
  throw errorOf(response.status, body)
}

async function reach(connection: Connection, wanted: Ask): Promise<Response> {
  const timeout = AbortSignal.timeout(TIME_LIMIT + (wanted.waitSeconds ?? 0) * 1000)
  const signal = wanted.signal ? AbortSignal.any([timeout, wanted.signal]) : timeout
  const headers: Record<string, string> = { authorization: connection.authorization, ...wanted.headers }
  if (wanted.body !== undefined) headers['content-type'] = 'application/json'
  try {
    return await fetch(urlOf(connection.url, wanted), {
      method: wanted.method,
      headers,
      signal,
      ...(wanted.body === undefined ? {} : { body: JSON.stringify(wanted.body) }),
    })
  } catch (error) {
    wanted.signal?.throwIfAborted()
    throw away(connection.url, error)
  }
}

function urlOf(base: string, wanted: Ask): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(wanted.query ?? {})) {
    if (value !== undefined) query.set(name, String(value))
  }
  const text = query.toString()
  return `${base.replace(/\/+$/, '')}${wanted.path}${text === '' ? '' : `?${text}`}`
}

async function readBody(response: Response, url: string): Promise<unknown> {
  let text: string
  try {
    text = await response.text()
  } catch (error) {
    throw away(url, error)
  }
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

export function away(url: string, cause: unknown): SluiceError {
  return new SluiceError(
    'control-away',
    `nothing answers at ${url}: start Sluice there or name another address with --control`,
    { side: 'upstream', kind: 'unavailable', cause: messageOf(cause) },
  )
}

const KINDS: Record<number, ErrorKind> = {
  400: 'usage',
  401: 'unauthorised',
  403: 'unauthorised',
  404: 'not-found',
  409: 'conflict',
  413: 'usage',
  415: 'usage',
  422: 'usage',
  503: 'unavailable',
}

/** The server's code and sentence as an error; a stranger's answer gets a sentence of ours. */
export function errorOf(status: number, body: unknown): SluiceError {
  const kind = KINDS[status] ?? 'failed'
  const said = failureIn(body)
  return new SluiceError(
    said?.code ?? `http-${status}`,
    said?.message ??
      `the server answered ${status} and did not say why: is this address Sluice's control port?`,
    { side: 'upstream', kind },
  )
}

function failureIn(body: unknown): { code: string; message: string } | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined
  const { error } = body
  if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error))
    return undefined
  if (typeof error.code !== 'string' || typeof error.message !== 'string') return undefined
  return { code: error.code, message: error.message }
}

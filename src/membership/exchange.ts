import { request as requestPlain } from 'node:http'
import { Agent, request as requestTls } from 'node:https'
import { MiB, SluiceError, type Milliseconds } from '../core/index.ts'

/** Whom one believes, and what one shows; PEM. */
export interface TlsTerms {
  ca?: string
  cert?: string
  key?: string
  /** The name that the other side has to prove. */
  servername?: string
  /** `anybody`: for what needs no secrecy and is checked by other means. */
  of?: 'anybody'
}

export interface HttpQuestion {
  method: 'GET' | 'POST'
  url: string
  headers: Record<string, string>
  body?: string
  /** Whichever of them aborts ends it. */
  signals?: readonly AbortSignal[]
  within: Milliseconds
}

export interface HttpAnswer {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  bytes: Buffer
}

/** A machine that is gone says nothing at all; another may be asked. */
const CONNECTED_WITHIN: Milliseconds = 4_000
/** Larger than any snapshot of ours. */
const LONGEST_ANSWER = 256 * MiB

/** Connections to control that are kept. */
export class HttpLine {
  readonly #agent: Agent
  readonly #tls: TlsTerms

  constructor(tls: TlsTerms = {}) {
    this.#tls = tls
    this.#agent = new Agent({ keepAlive: true, timeout: 60_000 })
  }

  /** One question. Rejects when there is no whole answer in time. */
  async ask(question: HttpQuestion): Promise<HttpAnswer> {
    const ending = endingOf(question)
    try {
      return await this.#ask(question, ending.signal)
    } finally {
      ending.forget()
    }
  }

  #ask({ method, url, headers, body }: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    const { of, ...terms } = this.#tls
    const bytes = body === undefined ? undefined : Buffer.from(body)
    const options = {
      method,
      headers: bytes === undefined ? headers : { ...headers, 'content-length': String(bytes.length) },
      signal,
    }
    return new Promise((resolve, reject) => {
      const asked = url.startsWith('https:')
        ? requestTls(url, {
            ...{ ...options, ...terms, agent: this.#agent },
            // Said, so that NODE_TLS_REJECT_UNAUTHORIZED does not unsay it.
            rejectUnauthorized: of !== 'anybody',
          })
        : requestPlain(url, options)
      asked.on('error', reject)
      asked.on('socket', socket => {
        if (!socket.connecting) return
        const late = setTimeout(() => asked.destroy(new Error('no connection in time')), CONNECTED_WITHIN)
        socket.once('connect', () => clearTimeout(late))
        asked.once('close', () => clearTimeout(late))
      })
      asked.on('response', answer => {
        const chunks: Buffer[] = []
        let length = 0
        answer.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          length += chunk.length
          if (length > LONGEST_ANSWER)
            answer.destroy(new SluiceError('too-long', 'the answer is longer than any of ours'))
        })
        answer.on('error', reject)
        answer.on('end', () => {
          const bytes = Buffer.concat(chunks)
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, bytes })
        })
      })
      asked.end(bytes)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** Not `AbortSignal.any`: of a signal that lives as long as the node it would keep something for each question. */
function endingOf({ signals = [], within }: HttpQuestion): { signal: AbortSignal; forget(): void } {
  const controller = new AbortController()
  const end = (): void => controller.abort()
  const late = setTimeout(() => controller.abort(new Error(`no answer in ${within / 1000} s`)), within)
  late.unref()
  for (const signal of signals) {
    if (signal.aborted) end()
    signal.addEventListener('abort', end)
  }
  return {
    signal: controller.signal,
    forget() {
      clearTimeout(late)
      for (const signal of signals) signal.removeEventListener('abort', end)
    },
  }
}

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
  signal?: AbortSignal
  within: Milliseconds
}

export interface HttpAnswer {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  text: string
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
  ask({ method, url, headers, body, signal, within }: HttpQuestion): Promise<HttpAnswer> {
    const { of, ...terms } = this.#tls
    const bytes = body === undefined ? undefined : Buffer.from(body)
    const options = {
      method,
      headers: bytes === undefined ? headers : { ...headers, 'content-length': String(bytes.length) },
      signal: AbortSignal.any([AbortSignal.timeout(within), ...(signal ? [signal] : [])]),
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
          const text = Buffer.concat(chunks).toString()
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text })
        })
      })
      asked.end(bytes)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

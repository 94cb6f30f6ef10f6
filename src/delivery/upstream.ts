import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'
import type { UpstreamAnswer } from '../cache/index.ts'
import {
  codeOf,
  KiB,
  SluiceError,
  type CanonicalPath,
  type Clock,
  type DistributionId,
  type Milliseconds,
} from '../core/index.ts'
import { endToEnd, fieldValue, type Validators } from '../http/index.ts'

/** What is asked of the next tier. */
export interface UpstreamQuestion {
  distributionId: DistributionId
  path: CanonicalPath
  query: string
  snapshotVersion: number
  sequence: number
  validators: Validators | undefined
  /** `brief` when something stale is at hand to fall back on. */
  patience: 'brief' | 'full'
}

export interface Upstream {
  /**
   * Rejects with SluiceError `upstream-unreachable`, `upstream-timeout`, `upstream-refused` or, when too many wait for
   * an answer already, `upstream-overloaded`; all of side `upstream`.
   */
  ask(question: UpstreamQuestion): Promise<UpstreamAnswer>
  close(): Promise<void>
}

export interface UpstreamOptions {
  url: string
  /** A fresh node token for each question. */
  token: () => Promise<string>
  clock: Clock
}

const HEADERS_TIMEOUT: Milliseconds = 30_000
const BODY_TIMEOUT: Milliseconds = 30_000
/** Questions without an answer; past that another one would only be late. */
const MOST_WAITING = 2_000
const REST_WITHIN: Milliseconds = 1_000
/**
 * A role that its supervisor starts again is back within about a second (SEAMS 34), so a refused connection is worth
 * waiting for: these pauses sum to 4 s. Only a question that got no answer at all is asked again.
 */
const PAUSES: readonly Milliseconds[] = [50, 100, 200, 400, 750, 1000, 1500]

/** The door to undici: one origin or regional node over kept-alive connections. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const pool = new Pool(options.url, {
    connections: 64,
    pipelining: 1,
    headersTimeout: HEADERS_TIMEOUT,
    bodyTimeout: BODY_TIMEOUT,
    connect: { timeout: 5_000 },
  })

  let waiting = 0

  async function patiently(question: UpstreamQuestion): Promise<UpstreamAnswer> {
    for (let attempt = 0; ; attempt++) {
      const wait = question.patience === 'full' ? PAUSES[attempt] : undefined
      try {
        const answer = await once(question)
        if (!isRefusedNode(answer)) return answer
        // The next tier does not know this node yet, or no longer; that is never the viewer's fault.
        answer.destroy()
        if (wait === undefined) throw refusedNode()
      } catch (error) {
        if (wait === undefined || !neverAnswered(error)) throw asUpstreamError(error)
      }
      await pause(wait)
    }
  }

  async function once(question: UpstreamQuestion): Promise<UpstreamAnswer> {
    const headers = ['Sluice-Node', await options.token(), 'Sluice-Distribution', question.distributionId]
    headers.push('Sluice-Version', String(question.snapshotVersion), 'Sluice-Seq', String(question.sequence))
    const { etag, lastModified } = question.validators ?? {}
    if (etag !== undefined) headers.push('If-None-Match', etag)
    else if (lastModified !== undefined) headers.push('If-Modified-Since', lastModified)
    const requestedAt = options.clock.now()
    const answer = await pool.request({
      method: 'GET',
      path: question.query === '' ? question.path : `${question.path}?${question.query}`,
      headers,
      responseHeaders: 'raw',
    })
    // `responseHeaders: 'raw'` makes it the flat list; undici's types do not follow the option.
    const fields = endToEnd(answer.headers as unknown as string[])
    const sequence = fieldValue(fields, 'sluice-seq')
    return {
      status: answer.statusCode,
      headers: fields,
      requestedAt,
      respondedAt: options.clock.now(),
      ...(sequence !== undefined && /^\d{1,15}$/.test(sequence) && { sequence: Number(sequence) }),
      body: answer.body,
      // What is left of a short body is read away so that the connection can serve again; one that is long or slow
      // is aborted.
      destroy: () =>
        void answer.body.dump({ limit: 64 * KiB, signal: AbortSignal.timeout(REST_WITHIN) }).catch(() => {}),
    }
  }

  return {
    async ask(question) {
      if (waiting >= MOST_WAITING) throw overloaded()
      waiting++
      try {
        return await patiently(question)
      } finally {
        waiting--
      }
    },
    close: () => pool.destroy(),
  }
}

function isRefusedNode(answer: UpstreamAnswer): boolean {
  return answer.status === 403 && fieldValue(answer.headers, 'x-sluice-reason') === 'not-a-node'
}

const NOT_ANSWERED = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** A GET may be asked again when nothing of an answer was seen (RFC 9110 §9.2.2). */
function neverAnswered(error: unknown): boolean {
  return NOT_ANSWERED.has(codeOf(error) ?? '')
}

function refusedNode(): SluiceError {
  return new SluiceError('upstream-refused', 'the next tier does not know this node', {
    side: 'upstream',
    kind: 'unavailable',
  })
}

function overloaded(): SluiceError {
  return new SluiceError('upstream-overloaded', `${MOST_WAITING} questions wait for the next tier already`, {
    side: 'upstream',
    kind: 'unavailable',
  })
}

function asUpstreamError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const timeout = /TIMEOUT/.test(codeOf(error) ?? '')
  return new SluiceError(
    timeout ? 'upstream-timeout' : 'upstream-unreachable',
    timeout ? 'the next tier did not answer in time' : 'the next tier cannot be reached',
    { side: 'upstream', kind: 'unavailable', cause: error },
  )
}

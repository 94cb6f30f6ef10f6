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
import { Places } from './places.ts'

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
  /** `held` may be answered seconds later, when what it asks for has come to be; it must not keep others waiting. */
  lane: 'prompt' | 'held'
  /** The channel that is asked for: one may not crowd out the others. */
  channel: string | undefined
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

const BODY_TIMEOUT: Milliseconds = 30_000
/** Questions of one lane without an answer; past that another one would only be late. */
const MOST_WAITING = 2_000
/** A held question has a connection of its own and waits three target durations (SEAMS 19), long ones included. */
const LANES = {
  prompt: { connections: 64, headersTimeout: 30_000 },
  held: { connections: MOST_WAITING, headersTimeout: 150_000 },
} satisfies Record<UpstreamQuestion['lane'], { connections: number; headersTimeout: Milliseconds }>
const REST_WITHIN: Milliseconds = 1_000
/**
 * A role that its supervisor starts again is back within about a second (SEAMS 34), so a refused connection is worth
 * waiting for: these pauses sum to 4 s. Only a question that got no answer at all is asked again.
 */
const PAUSES: readonly Milliseconds[] = [50, 100, 200, 400, 750, 1000, 1500]

/** The door to undici: one origin or regional node over kept-alive connections. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const open = (lane: UpstreamQuestion['lane']): Pool =>
    new Pool(options.url, {
      ...LANES[lane],
      pipelining: 1,
      bodyTimeout: BODY_TIMEOUT,
      connect: { timeout: 5_000 },
    })
  const pools = { prompt: open('prompt'), held: open('held') }
  const places = { prompt: new Places(MOST_WAITING), held: new Places(MOST_WAITING) }

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
    const answer = await pools[question.lane].request({
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
      const leave = places[question.lane].take(question.channel)
      if (leave === undefined) throw overloaded()
      try {
        return await patiently(question)
      } finally {
        leave()
      }
    },
    async close() {
      await Promise.all([pools.prompt.destroy(), pools.held.destroy()])
    },
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
  return new SluiceError('upstream-overloaded', 'too many questions wait for the next tier already', {
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

import { createHmac, randomBytes } from 'node:crypto'
import { request as plainRequest, type IncomingMessage } from 'node:http'
import { request as secureRequest } from 'node:https'
import { messageOf, type Bytes, type Milliseconds } from '../core/index.ts'
import { addressRefused, literalRefusal, type Guard } from '../outbound/index.ts'

const PREFIX = 'whsec_'
const SECRET: Bytes = 32
/** Of an answer, what is shown. */
const SHOWN: Bytes = 500
/** From the name's resolution to the answer. */
export const ANSWER_WITHIN: Milliseconds = 15_000

export function newSecret(): string {
  return `${PREFIX}${randomBytes(SECRET).toString('base64')}`
}

/** The header `webhook-signature` of Standard Webhooks 1.0; the timestamp in seconds. */
export function signatureOf(secret: string, of: { id: string; timestamp: number; body: string }): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
  const digest = createHmac('sha256', key).update(`${of.id}.${of.timestamp}.${of.body}`).digest('base64')
  return `v1,${digest}`
}

/** What became of one attempt. */
export type Sent = { kind: 'answered'; status: number; answer: string } | { kind: 'unanswered'; why: string }

export interface Message {
  url: string
  secret: string
  id: string
  /** Seconds since 1970. */
  timestamp: number
  body: string
}

/** Posts once, to an address that the guard allows; no redirect is followed. Never rejects. */
export async function send(message: Message, guard: Guard, signal: AbortSignal): Promise<Sent> {
  const { url, id, timestamp, body } = message
  try {
    const { protocol, hostname, port } = new URL(url)
    const secure = protocol === 'https:'
    const asked = port === '' ? (secure ? 443 : 80) : Number(port)
    const refusal = literalRefusal(guard, hostname, asked)
    if (refusal !== undefined) throw addressRefused(refusal)
    const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN)])
    return await new Promise<Sent>((resolve, reject) => {
      const sent = (secure ? secureRequest : plainRequest)(url, {
        method: 'POST',
        lookup: guard.lookupFor(asked),
        signal: within,
        agent: false,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'sluice',
          'webhook-id': id,
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signatureOf(message.secret, message),
        },
      })
      sent.once('error', reject)
      sent.once('response', response => {
        readStart(response)
          .then(answer => resolve({ kind: 'answered', status: response.statusCode ?? 0, answer }), reject)
          .finally(() => sent.destroy())
      })
      sent.end(body)
    })
  } catch (error) {
    const late = error instanceof Error && error.name === 'AbortError'
    return {
      kind: 'unanswered',
      why: late ? `no answer within ${ANSWER_WITHIN / 1000} s` : messageOf(error).slice(0, SHOWN),
    }
  }
}

async function readStart(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    // no encoding is set, so chunks are buffers
    chunks.push(chunk)
    size += chunk.length
    if (size >= SHOWN) break
  }
  // PostgreSQL takes no zero in a text.
  return Buffer.concat(chunks).subarray(0, SHOWN).toString().replaceAll('\0', '')
}

import { request as plainRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as secureRequest } from 'node:https'
import { KiB, SluiceError, type Bytes, type Milliseconds } from '../core/index.ts'
import type { PublicJwk } from '../distribution/index.ts'
import { addressRefused, literalRefusal, type Guard } from './guard.ts'
import { readKeySet } from './key-set.ts'

const LARGEST_SET: Bytes = 64 * KiB
/** From the name's resolution to the last byte. */
const WITHIN: Milliseconds = 5_000

/**
 * Asks for a key set once, at an address that the guard allows. No redirect is followed: keys come from the address
 * that the operator wrote down, and from nowhere that an answer points to. Rejects with a sentence without the URL.
 */
export async function fetchKeySet(url: string, guard: Guard, signal: AbortSignal): Promise<PublicJwk[]> {
  const { protocol, hostname, port } = new URL(url)
  const secure = protocol === 'https:'
  const asked = port === '' ? (secure ? 443 : 80) : Number(port)
  const refusal = literalRefusal(guard, hostname, asked)
  if (refusal !== undefined) throw addressRefused(refusal)
  return ask(url, secure ? secureRequest : plainRequest, {
    lookup: guard.lookupFor(asked),
    signal,
    // A connection of its own: one question in minutes is not worth a connection that waits.
    agent: false,
    headers: { Accept: 'application/jwk-set+json, application/json', 'User-Agent': 'sluice' },
  })
}

function ask(url: string, send: typeof plainRequest, options: RequestOptions): Promise<PublicJwk[]> {
  return new Promise((resolve, reject) => {
    const sent = send(url, options)
    const timer = setTimeout(() => sent.destroy(failed('it did not answer in time')), WITHIN)
    sent.once('close', () => clearTimeout(timer))
    sent.once('error', reject)
    sent.once('response', response => {
      readAnswer(response)
        .then(resolve, reject)
        .finally(() => sent.destroy())
    })
    sent.end()
  })
}

async function readAnswer(response: IncomingMessage): Promise<PublicJwk[]> {
  const { statusCode = 0 } = response
  if (statusCode >= 300 && statusCode < 400)
    throw failed('it answered a redirect, which is not followed: name the address of the keys themselves')
  if (statusCode !== 200) throw failed(`it answered ${statusCode}`)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    // no encoding is set, so chunks are buffers
    size += chunk.length
    if (size > LARGEST_SET) throw failed(`its answer has more than ${LARGEST_SET / KiB} KiB`)
    chunks.push(chunk)
  }
  return readKeySet(Buffer.concat(chunks).toString())
}

function failed(sentence: string): SluiceError {
  return new SluiceError('key-set-away', sentence, { side: 'upstream', kind: 'unavailable' })
}

import { messageOf } from '../core/index.ts'
import type { FunctionEvent } from '../distribution/index.ts'
import type { Fetch, Json, Program } from './contract.ts'
import { isFields, own } from './events/reading.ts'
import type { Answered } from './protocol.ts'

/** What a function may read of one answer, in bytes. */
const MOST_FETCHED = 8 * 1024 * 1024

interface Head {
  method: string
  url: string
  headers: (readonly [string, string])[]
}

/** Asks outside for a function, where that is allowed. Never rejects. */
export async function answerTo(
  asked: { head: string; body: Uint8Array | undefined; signal: AbortSignal },
  program: Program,
  event: FunctionEvent,
  fetch: Fetch | undefined,
): Promise<Answered> {
  const head = readHead(JSON.parse(asked.head) as Json) // the thread has read it before
  if (head === undefined) return { isGood: false, message: 'fetch takes a URL, a method and headers' }
  const refused = refusalOf(head.url, program, event, fetch)
  if (refused !== undefined || fetch === undefined) {
    return { isGood: false, message: refused ?? 'fetch is not there' }
  }
  try {
    const answer = await fetch({
      ...head,
      ...(asked.body === undefined ? {} : { body: asked.body }),
      signal: asked.signal,
    })
    if (answer.body.byteLength > MOST_FETCHED) {
      return { isGood: false, message: `the answer is longer than ${MOST_FETCHED} bytes` }
    }
    const { status, headers } = answer
    return { isGood: true, head: JSON.stringify({ status, headers }), body: answer.body }
  } catch (error) {
    return { isGood: false, message: `fetch failed: ${messageOf(error)}` }
  }
}

/** The author's code shares a language with what makes it, so that nothing in it is believed. */
function readHead(told: Json): Head | undefined {
  if (!isFields(told)) return undefined
  const [method, url, pairs] = [own(told, 'method'), own(told, 'url'), own(told, 'headers')]
  if (typeof method !== 'string' || typeof url !== 'string' || !Array.isArray(pairs)) return undefined
  const headers: [string, string][] = []
  for (const pair of pairs) {
    const [name, value] = Array.isArray(pair) ? pair : []
    if (typeof name !== 'string' || typeof value !== 'string') return undefined
    headers.push([name, value])
  }
  return { method, url, headers }
}

function refusalOf(
  url: string,
  { hosts = [] }: Program,
  event: FunctionEvent,
  fetch: Fetch | undefined,
): string | undefined {
  if (event !== 'origin-request' && event !== 'origin-response') {
    return `fetch is for origin-request and origin-response, and this is ${event}`
  }
  if (fetch === undefined) return 'fetch leads nowhere here'
  if (!URL.canParse(url)) return 'fetch takes a URL'
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') return `fetch takes http and https, not ${protocol}`
  if (!hosts.some(host => covers(host.toLowerCase(), hostname))) {
    return `fetch may not go to ${hostname}: it is not among the function's hosts`
  }
  return undefined
}

/** `*.example.com` is any name below example.com. */
function covers(host: string, name: string): boolean {
  return host.startsWith('*.') ? name.endsWith(host.slice(1)) && name.length > host.length - 1 : host === name
}

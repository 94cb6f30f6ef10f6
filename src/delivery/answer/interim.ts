import { endToEnd, fields, fieldValue, type FlatHeaders } from '../../http/index.ts'
import type { Exchange } from '../exchange.ts'

/** An interim answer of an origin (RFC 9110 §15.2). */
export type Interim = (status: number, headers: FlatHeaders) => void

/** One says all that there is to say early; whoever says more has us busy. */
const MOST_PASSED = 4

/** Fields that belong to the answer that follows, or are between nodes. */
const NOT_EARLY = /^(?:content-length|transfer-encoding|set-cookie2?|(?:x-)?sluice-.*)$/

/**
 * Hands `102` and `103` on to the viewer whose question brought them, as RFC 9110 §15.2 has proxies do; they say
 * nothing of the answer and are never kept. `secrets` are the origin's fields, in lower case.
 */
export function interimTo(x: Exchange, secrets: ReadonlySet<string>): Interim {
  let passed = 0
  return (status, headers) => {
    if ((status !== 102 && status !== 103) || !mayHear(x) || ++passed > MOST_PASSED) return
    const kept = [...fields(endToEnd(headers))].filter(([name]) => {
      const lower = name.toLowerCase()
      return !NOT_EARLY.test(lower) && !secrets.has(lower) && !isTakenOut(x, lower)
    })
    try {
      send(x, status, kept)
    } catch {
      // What cannot be written early is no loss: the answer itself follows.
    }
  }
}

/** What the behaviour keeps from viewers it keeps from them early, too, and what it says in an origin's place. */
function isTakenOut({ rules }: Exchange, lower: string): boolean {
  if (rules === undefined) return false
  const { remove, custom } = rules
  const replaced = custom.filter(({ override }) => override).map(({ name }) => name)
  return [...remove, ...replaced].some(name => name.toLowerCase() === lower)
}

/** HTTP/1.0 knows none of it, and after the head of the answer it would be read as its body. */
function mayHear({ request, response }: Exchange): boolean {
  return request.httpVersion !== '1.0' && !response.headersSent && response.writable
}

function send({ response }: Exchange, status: 102 | 103, headers: [string, string][]): void {
  if ('stream' in response) return response.inform(status, headers.flat())
  const hints: Record<string, string> = {}
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    const before = hints[lower]
    hints[lower] = before === undefined ? value : `${before}, ${value}`
  }
  if (status === 102) response.writeProcessing()
  // Node writes none without a link, and there is no other use of it.
  else if (fieldValue(headers.flat(), 'link') !== undefined) response.writeEarlyHints(hints)
}

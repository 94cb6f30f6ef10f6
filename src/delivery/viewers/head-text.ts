import { STATUS_CODES, validateHeaderName, validateHeaderValue, type ServerResponse } from 'node:http'
import type { FlatHeaders } from '../../http/index.ts'
import type { Incoming, Outgoing } from '../exchange.ts'

/** Fields of a head of HTTP/1.1 as the lines that they are sent as. */
interface Lines {
  readonly text: string
  /** Whether Date is among them; it is added to those that lack it. */
  readonly dated: boolean
}

/** What frames a message or a connection: Node's own way of writing a head knows what these mean. */
const FRAMING = new Set([
  ...['connection', 'content-length', 'expect', 'keep-alive', 'trailer', 'transfer-encoding', 'upgrade'],
])

const made = new WeakMap<FlatHeaders, Lines | 'framing'>()

/** Read and checked once for each list, as `writeHead` would do each time; throws what that throws. */
function linesOf(fields: FlatHeaders): Lines | 'framing' {
  let lines = made.get(fields)
  if (lines === undefined) made.set(fields, (lines = makeLines(fields)))
  return lines
}

function makeLines(fields: FlatHeaders): Lines | 'framing' {
  let text = ''
  let dated = false
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name = '', value = ''] = [fields[at], fields[at + 1]]
    validateHeaderName(name)
    validateHeaderValue(name, value)
    const lower = name.toLowerCase()
    if (FRAMING.has(lower)) return 'framing'
    if (lower === 'date') dated = true
    text += `${name}: ${value}\r\n`
  }
  return { text, dated }
}

/** What of Node's answers is not in its types: the head as it goes out, and how long a connection is kept idle. */
interface Inner {
  _header: string | null
  readonly _keepAliveTimeout: number
}

/**
 * Writes the head of a message with a body of known length, of which `fixed` are the same list each time. Node reads and
 * checks every field of a head for every answer, which takes it as long as all the rest of a hit; here that is done once
 * for each list. `own` are ours and no origin's, or a field as Node's parser has read it, and end with Content-Length.
 *
 * False, and nothing is written, where `writeHead` has to do it: for other versions, for a connection that ends with
 * this answer, and for a Node that keeps its heads elsewhere.
 */
export function writeHeadText(
  request: Incoming,
  response: Outgoing,
  status: number,
  { fixed, own }: { fixed: FlatHeaders; own: FlatHeaders },
): boolean {
  if ('stream' in response || !takesText(request, response)) return false
  const inner = response as unknown as Inner // not in Node's types
  if (inner._header !== null) return false
  const lines = linesOf(fixed)
  if (lines === 'framing') return false
  let text = `${statusLine(status)}${lines.text}`
  for (let at = 0; at + 1 < own.length; at += 2) text += `${own[at]}: ${own[at + 1]}\r\n`
  if (!lines.dated) text += dateLine()
  response.statusCode = status
  inner._header = `${text}${keepAliveLines(inner._keepAliveTimeout)}\r\n`
  return true
}

/** What Node's own way decides by: whether the connection is kept, and what the request says of it. */
function takesText(request: Incoming, response: ServerResponse): boolean {
  return response.shouldKeepAlive && request.httpVersion === '1.1' && request.headers.expect === undefined
}

const statusLines = new Map<number, string>()

function statusLine(status: number): string {
  let line = statusLines.get(status)
  if (line === undefined)
    statusLines.set(status, (line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`))
  return line
}

let dated = { second: 0, line: '' }

/** By the machine's clock, as Node's. */
function dateLine(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dated.second) dated = { second, line: `Date: ${new Date(second * 1000).toUTCString()}\r\n` }
  return dated.line
}

let kept = { timeout: -1, lines: '' }

function keepAliveLines(timeout: number): string {
  if (timeout !== kept.timeout) {
    const told = timeout > 0 ? `Keep-Alive: timeout=${Math.floor(timeout / 1000)}\r\n` : ''
    kept = { timeout, lines: `Connection: keep-alive\r\n${told}` }
  }
  return kept.lines
}

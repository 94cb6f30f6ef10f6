import { STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http'

/** Header fields as the lines that they are sent as. */
export interface Lines {
  readonly text: string
  /** Whether Date is among them; it is added to those that lack it. */
  readonly dated: boolean
  /** With the line of a status before them, as bytes. */
  beginning?: { status: number; bytes: Buffer }
}

const made = new WeakMap<readonly string[], Lines>()

/** Of a flat list that many answers have: read and checked once. Throws what Node's `writeHead` throws of bad fields. */
export function linesOf(fields: readonly string[]): Lines {
  let lines = made.get(fields)
  if (lines === undefined) made.set(fields, (lines = checkedLines(fields)))
  return lines
}

/** Of a list that is used once. Throws what Node's `writeHead` throws of bad fields. */
export function checkedLines(fields: readonly string[]): Lines {
  let text = ''
  let dated = false
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name = '', value = ''] = [fields[at], fields[at + 1]]
    if (!TOKEN.test(name)) validateHeaderName(name)
    // A character beyond a byte could end as a line feed.
    if (NO_VALUE.test(value)) validateHeaderValue(name, value)
    const lower = name.toLowerCase()
    if (OURS.has(lower)) continue
    if (lower === 'date') dated = true
    text += `${name}: ${value}\r\n`
  }
  return { text, dated }
}

/** Node's own checks take several times as long. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/** How the message is framed and what becomes of the connection is for this side to say. */
const OURS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'trailer',
])

/** How a head begins whose first fields are these. */
export function beginningOf(lines: Lines, status: number): Buffer {
  let beginning = lines.beginning
  if (beginning?.status !== status) {
    beginning = { status, bytes: Buffer.from(statusLine(status) + lines.text, 'latin1') }
    lines.beginning = beginning
  }
  return beginning.bytes
}

/** Lines of fields that are this answer's own and need no check. */
export function ownLines(fields: readonly string[]): string {
  let text = ''
  for (let at = 0; at + 1 < fields.length; at += 2) text += `${fields[at]}: ${fields[at + 1]}\r\n`
  return text
}

const statusLines = new Map<number, string>()

export function statusLine(status: number): string {
  let line = statusLines.get(status)
  if (line === undefined)
    statusLines.set(status, (line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`))
  return line
}

let dated = { second: 0, line: '' }

/** By the machine's clock, as Node's. */
export function dateLine(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dated.second) dated = { second, line: `Date: ${new Date(second * 1000).toUTCString()}\r\n` }
  return dated.line
}

import type { Bytes } from '../core/index.ts'

/** A request's head; its fields are shared by all heads that have the same, so nobody may change them. */
export interface RequestHead {
  readonly method: 'GET' | 'HEAD'
  /** Path and query, as sent. */
  readonly target: string
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Flat, as sent. */
  readonly rawHeaders: readonly string[]
}

/**
 * `partial`: the end has not come yet. `other`: a request with a body, one that asks for something special, or no request;
 * who reads all of HTTP/1.1 has to judge it.
 */
export type HeadRead =
  { kind: 'head'; head: RequestHead; end: number } | { kind: 'partial' } | { kind: 'other' }

/** The fields that were read last. A player sends the same with each of its requests. */
export interface HeadMemo {
  /** As sent, to the end of the empty line; never empty. */
  text: string
  fields: Pick<RequestHead, 'headers' | 'rawHeaders'> | undefined
}

const GET = 'GET /'
const HEAD = 'HEAD /'
const VERSION = ' HTTP/1.1'
const END = '\r\n\r\n'

/** Characters of a target (RFC 3986, and what browsers leave as it is); no space, no control, nothing beyond ASCII. */
const TARGET = /^[!-~]+$/

/**
 * A field line (RFC 9112 §5): a token, a value without controls, and nothing of folding or bare line ends. Spaces are not
 * given back once they are read, or a line of them that ends badly would be tried from each one.
 */
const FIELD =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?![ \t])((?:[!-~\x80-\xff]+(?:[ \t]+[!-~\x80-\xff]+)*)?)[ \t]*\r\n/y

/** What decides how messages are framed, or what happens to the connection. */
const SPECIAL = new Set([
  ...['content-length', 'transfer-encoding', 'expect', 'upgrade', 'http2-settings', 'trailer', 'te'],
])

/**
 * Reads a head at the beginning of `text` (latin1) if it is a plain one: GET or HEAD of a path in HTTP/1.1, without a
 * body, each field once, and the connection kept. It is strict, and leaves to others whatever could be read in two ways.
 */
export function readHead(text: string, memo: HeadMemo, longest: Bytes): HeadRead {
  const method = text.startsWith(GET) ? 'GET' : text.startsWith(HEAD) ? 'HEAD' : undefined
  if (method === undefined) return GET.startsWith(text) || HEAD.startsWith(text) ? PARTIAL : OTHER
  const line = text.indexOf('\r\n')
  if (line < 0) return text.length > longest ? OTHER : PARTIAL
  if (!text.startsWith(VERSION, line - VERSION.length)) return OTHER
  const target = text.slice(method.length + 1, line - VERSION.length)
  if (!TARGET.test(target)) return OTHER
  const from = line + 2
  const end = from + memo.text.length
  // `startsWith` goes character by character.
  if (memo.fields !== undefined && text.slice(from, end) === memo.text) {
    const { headers, rawHeaders } = memo.fields
    return end > longest ? OTHER : { kind: 'head', head: { method, target, headers, rawHeaders }, end }
  }
  return readAnew(text, { method, target }, { from, memo, longest })
}

interface Reading {
  /** Where the fields begin. */
  from: number
  memo: HeadMemo
  longest: Bytes
}

function readAnew(
  text: string,
  line: Pick<RequestHead, 'method' | 'target'>,
  { from, memo, longest }: Reading,
): HeadRead {
  // The line before may be the only one.
  const before = text.indexOf(END, from - 2)
  if (before < 0) return text.length > longest ? OTHER : PARTIAL
  const end = before + END.length
  const fields = end > longest ? undefined : readFields(text, from, end - 2)
  if (fields === undefined) return OTHER
  memo.text = text.slice(from, end)
  memo.fields = fields
  return { kind: 'head', head: { ...line, ...fields }, end }
}

const PARTIAL: HeadRead = { kind: 'partial' }
const OTHER: HeadRead = { kind: 'other' }

function readFields(text: string, from: number, to: number): HeadMemo['fields'] {
  // A field may have the name of a thing that other objects have.
  const headers = Object.create(null) as Record<string, string> // nothing is in it
  const rawHeaders: string[] = []
  for (FIELD.lastIndex = from; FIELD.lastIndex < to;) {
    const [, name, value] = FIELD.exec(text) ?? []
    if (name === undefined || value === undefined) return undefined
    const lower = name.toLowerCase()
    if (SPECIAL.has(lower) || headers[lower] !== undefined) return undefined
    if (lower === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined
    headers[lower] = value
    rawHeaders.push(name, value)
  }
  return headers['host'] === undefined ? undefined : { headers, rawHeaders }
}

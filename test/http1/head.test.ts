import { expect, test } from 'vitest'
import { readHead, type HeadMemo, type HeadRead } from '../../src/http1/index.ts'

const LONGEST = 1000

const read = (text: string, memo: HeadMemo = { text: '', fields: undefined }): HeadRead =>
  readHead(text, memo, LONGEST)

const FIELDS = 'Host: a.example\r\nUser-Agent:  a player \t\r\nX-Empty:\r\nCookie: a=1; b=é\r\n\r\n'

test('a plain head is its method, target and fields, and ends where the next one begins', () => {
  const text = `GET /film.m3u8?t=1 HTTP/1.1\r\n${FIELDS}`
  expect(read(`${text}GET /next`)).toEqual({
    kind: 'head',
    head: {
      method: 'GET',
      target: '/film.m3u8?t=1',
      headers: { host: 'a.example', 'user-agent': 'a player', 'x-empty': '', cookie: 'a=1; b=é' },
      rawHeaders: [
        ...['Host', 'a.example', 'User-Agent', 'a player', 'X-Empty', ''],
        ...['Cookie', 'a=1; b=é'],
      ],
    },
    end: text.length,
  })
})

test('the same fields are handed out again, and others are not', () => {
  const memo: HeadMemo = { text: '', fields: undefined }
  const headersOf = (text: string): unknown => {
    const result = read(text, memo)
    return result.kind === 'head' ? result.head.headers : result
  }
  const first = headersOf(`GET /1 HTTP/1.1\r\n${FIELDS}`)
  expect(headersOf(`HEAD /2 HTTP/1.1\r\n${FIELDS}GET /3 HTTP/1.1\r\n`)).toBe(first)
  const other = FIELDS.replace('a=1', 'a=2')
  expect(headersOf(`GET /3 HTTP/1.1\r\n${other}`)).toMatchObject({ cookie: 'a=2; b=é' })
  // As far as it has come it is the same.
  expect(headersOf(`GET /4 HTTP/1.1\r\n${other.slice(0, -2)}`)).toEqual({ kind: 'partial' })
  expect(headersOf(`GET /4 HTTP/1.1\r\n${other.slice(0, -2)}X: y\r\n\r\n`)).toMatchObject({ x: 'y' })
})

test.each([
  ['nothing but a part of the method', 'GE'],
  ['a part of the line', 'HEAD /film'],
  ['the line alone', 'GET / HTTP/1.1\r\n'],
  ['a field that may go on', 'GET / HTTP/1.1\r\nHost: a'],
  ['fields without the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n'],
])('%s is waited for', (_, text) => {
  expect(read(text)).toEqual({ kind: 'partial' })
})

const H = 'Host: a\r\n'

test.each([
  ['another method', `POST / HTTP/1.1\r\n${H}\r\n`],
  ['a method in lower case', `get / HTTP/1.1\r\n${H}\r\n`],
  ['a target of absolute form', `GET http://a/ HTTP/1.1\r\n${H}\r\n`],
  ['an older version', `GET / HTTP/1.0\r\n${H}\r\n`],
  ['no version', `GET /\r\n${H}\r\n`],
  ['an invented version', `GET / HTTP/1.11\r\n${H}\r\n`],
  ['a space in the target', `GET /a b HTTP/1.1\r\n${H}\r\n`],
  ['two spaces before the version', `GET /  HTTP/1.1\r\n${H}\r\n`],
  ['a tab in the line', `GET /\tHTTP/1.1\r\n${H}\r\n`],
  ['a target beyond ASCII', `GET /é HTTP/1.1\r\n${H}\r\n`],
  ['a control in the target', `GET /\x00 HTTP/1.1\r\n${H}\r\n`],
  ['a line that ends with LF alone', `GET / HTTP/1.1\nHost: a\r\n\r\n`],
  ['a field that ends with LF alone', `GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n`],
  ['a field that ends with CR alone', `GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n`],
  ['a folded field', `GET / HTTP/1.1\r\n${H}X: y\r\n z\r\n\r\n`],
  ['a space before the colon', `GET / HTTP/1.1\r\nHost : a\r\n\r\n`],
  ['a space before the name', `GET / HTTP/1.1\r\n Host: a\r\n\r\n`],
  ['no colon', `GET / HTTP/1.1\r\n${H}X\r\n\r\n`],
  ['no name', `GET / HTTP/1.1\r\n${H}: y\r\n\r\n`],
  ['a name that is no token', `GET / HTTP/1.1\r\n${H}X(y): z\r\n\r\n`],
  ['a NUL in a value', `GET / HTTP/1.1\r\n${H}X: \x00\r\n\r\n`],
  ['a DEL in a value', `GET / HTTP/1.1\r\n${H}X: \x7f\r\n\r\n`],
  ['no Host', 'GET / HTTP/1.1\r\nX: y\r\n\r\n'],
  ['no field at all', 'GET / HTTP/1.1\r\n\r\n'],
  ['two Host fields', `GET / HTTP/1.1\r\n${H}host: b\r\n\r\n`],
  ['a field that stands twice', `GET / HTTP/1.1\r\n${H}X: y\r\nx: z\r\n\r\n`],
  ['a field that stands twice and is empty first', `GET / HTTP/1.1\r\n${H}X:\r\nx: z\r\n\r\n`],
  ['a length, of none too', `GET / HTTP/1.1\r\n${H}Content-Length: 0\r\n\r\n`],
  ['chunks', `GET / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n`],
  ['an expectation', `GET / HTTP/1.1\r\n${H}Expect: 100-continue\r\n\r\n`],
  ['an upgrade', `GET / HTTP/1.1\r\n${H}Upgrade: websocket\r\n\r\n`],
  ['the last request of a connection', `GET / HTTP/1.1\r\n${H}Connection: close\r\n\r\n`],
  ['fields that belong to the connection', `GET / HTTP/1.1\r\n${H}Connection: keep-alive, X\r\n\r\n`],
  ['a head of more than is read', `GET / HTTP/1.1\r\n${H}X: ${'y'.repeat(LONGEST)}\r\n\r\n`],
  ['more than is read without an end', `GET /${'y'.repeat(LONGEST)}`],
  ['more than is read without an end of fields', `GET / HTTP/1.1\r\nX: ${'y'.repeat(LONGEST)}`],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a TLS handshake', '\x16\x03\x01\x02\x00'],
  ['an empty line first', `\r\nGET / HTTP/1.1\r\n${H}\r\n`],
])('%s is for others to judge', (_, text) => {
  expect(read(text)).toEqual({ kind: 'other' })
})

test('a field may have the name of a thing that other objects have', () => {
  const result = read(`GET / HTTP/1.1\r\n${H}__proto__: x\r\nconstructor: y\r\n\r\n`)
  expect(result).toMatchObject({ head: { rawHeaders: ['Host', 'a', '__proto__', 'x', 'constructor', 'y'] } })
})

/** Two hundred of them are read in a moment, or in minutes. */
test.each([
  ['spaces', ' '],
  ['tabs', '\t'],
  ['words', 'y '],
  ['a long word', 'y'],
])('%s before something that no value has are read once', (_, text) => {
  const bad = `GET / HTTP/1.1\r\n${H}X:${text.repeat(20_000 / text.length)}\x01\r\n\r\n`
  const memo = { text: '', fields: undefined }
  for (let n = 0; n < 200; n++) expect(readHead(bad, memo, 20_480)).toEqual({ kind: 'other' })
})

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { EdgeBench } from './edge-bench.ts'

let bench: EdgeBench
beforeAll(async () => {
  bench = await EdgeBench.start((_request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    response.end('open')
  })
})
afterAll(() => bench.close())
beforeEach(() => void bench.asked.splice(0))

/** Everything that comes back on one connection until it ends; the writing side stays open, as a smuggler's would. */
async function sent(bytes: string): Promise<string[]> {
  const socket = connect(Number(new URL(bench.url).port), '127.0.0.1')
  socket.on('error', () => {})
  let seen = ''
  socket.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')))
  socket.write(Buffer.from(bytes, 'latin1'))
  await once(socket, 'close')
  return [...seen.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(match => match[1] ?? '')
}

/** A second request that must never be one. */
const INNER = 'GET /inner HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (fields: string, body = ''): string =>
  `POST /outer HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`
const get = (fields: string, target = '/outer'): string => `GET ${target} HTTP/1.1\r\n${fields}\r\n\r\n`

test.each<[string, string, string[]]>([
  [
    'a length and chunks',
    post('Content-Length: 6\r\nTransfer-Encoding: chunked', `0\r\n\r\n${INNER}`),
    ['400'],
  ],
  [
    'chunks and a length',
    post('Transfer-Encoding: chunked\r\nContent-Length: 3', `8\r\nSMUGGLED\r\n0\r\n\r\n${INNER}`),
    ['400'],
  ],
  ['a coding that nobody knows', post('Transfer-Encoding: xchunked', `0\r\n\r\n${INNER}`), ['501']],
  ['a coding behind chunked', post('Transfer-Encoding: chunked, identity', `0\r\n\r\n${INNER}`), ['400']],
  ['a coding before chunked', post('Transfer-Encoding: gzip, chunked', `0\r\n\r\n${INNER}`), ['501']],
  ['two codings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x', `0\r\n\r\n${INNER}`), ['400']],
  ['two lengths', post('Content-Length: 4\r\nContent-Length: 0', INNER), ['400']],
  ['one length twice', post('Content-Length: 0\r\nContent-Length: 0', INNER), ['400']],
  ['a list of lengths', post('Content-Length: 0, 4', INNER), ['400']],
  ['a length with a sign', post('Content-Length: +2', `ab${INNER}`), ['400']],
  ['a negative length', post('Content-Length: -1', INNER), ['400']],
  ['a length in hexadecimal', post('Content-Length: 0x2', `ab${INNER}`), ['400']],
  ['lines that end with LF alone', `GET /outer HTTP/1.1\nHost: a\n\n${INNER}`, ['400']],
  ['a space before the colon', get('Host: a\r\nX : b') + INNER, ['400']],
  ['a space before the colon of a length', post('Content-Length : 5', INNER), ['400']],
  ['a folded field', get('Host: a\r\nX: b\r\n c') + INNER, ['400']],
  ['a CR alone', get('Host: a\r\nX: b\rY: c') + INNER, ['400']],
  ['a NUL in a field', get('Host: a\r\nX: b\0c') + INNER, ['400']],
  ['a field without name', get('Host: a\r\n: b') + INNER, ['400']],
  ['a line without colon', get('Host: a\r\nGET /x') + INNER, ['400']],
  [
    'an extension of a chunk with LF',
    post('Transfer-Encoding: chunked', `1;a\nb\r\nx\r\n0\r\n\r\n${INNER}`),
    ['405'],
  ],
  [
    'a chunk longer than it says',
    post('Transfer-Encoding: chunked', `1\r\nxx\r\n0\r\n\r\n${INNER}`),
    ['405'],
  ],
  [
    'a chunk of a negative length',
    post('Transfer-Encoding: chunked', `-1\r\nx\r\n0\r\n\r\n${INNER}`),
    ['405'],
  ],
  [
    'a chunk of more than 2^64',
    post('Transfer-Encoding: chunked', `10000000000000000\r\nx\r\n0\r\n\r\n${INNER}`),
    ['405'],
  ],
  [
    'a length in the trailers',
    post('Transfer-Encoding: chunked', `0\r\nContent-Length: 5\r\n\r\n${INNER}`),
    ['405'],
  ],
  ['a NUL in the target', get('Host: a', '/a\0b') + INNER, ['400']],
  ['UTF-8 in the target', get('Host: a', '/\xc3\xa9') + INNER, ['400']],
  ['a space in the target', get('Host: a', '/a b') + INNER, ['400']],
  [
    'Transfer-Encoding in HTTP/1.0',
    `POST /outer HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`,
    ['400'],
  ],
  ['no version', `GET /outer\r\n\r\n${INNER}`, ['505']],
  ['version 0.9', `GET /outer HTTP/0.9\r\nHost: a\r\n\r\n${INNER}`, ['505']],
  ['version 2.0', `GET /outer HTTP/2.0\r\nHost: a\r\n\r\n${INNER}`, ['505']],
  ['version 1.2', `GET /outer HTTP/1.2\r\nHost: a\r\n\r\n${INNER}`, ['400']],
  ['the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${INNER}`, ['400']],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', ['400']],
  ['CONNECT', `CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n${INNER}`, ['405']],
  [
    'an upgrade to what nobody speaks',
    get('Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c', '/last') + INNER,
    ['200'],
  ],
  ['something behind the last request', get('Host: a\r\nConnection: close', '/last') + INNER, ['200']],
])('%s: one answer, the connection ends, and nothing behind it is read', async (_, bytes, statuses) => {
  expect(await sent(bytes)).toEqual(statuses)
  expect(bench.asked).toEqual(statuses[0] === '200' ? ['/last'] : [])
})

const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

test.each<[string, string, string[], string[]]>([
  ['two Host', get('Host: a\r\nHost: b'), ['400', '200'], []],
  ['two Host in other cases', get('Host: a\r\nhOST: a'), ['400', '200'], []],
  ['a Host with a name and password', get('Host: u:p@a'), ['400', '200'], []],
  ['a Host with a path', get('Host: a/b'), ['400', '200'], []],
  ['a Host of two', get('Host: a, b'), ['400', '200'], []],
  ['no Host', get('X: y'), ['400', '200'], []],
  ['an empty Host', get('Host:'), ['400', '200'], []],
  ['a target of another host', get('Host: a', 'http://evil/outer'), ['400', '200'], []],
  ['a target of another port', get('Host: a', 'http://a:81/outer'), ['400', '200'], []],
  ['a target with a name and password', get('Host: a', 'http://u@a/outer'), ['400', '200'], []],
  ['a target without host', get('Host: a', 'http:///outer'), ['400', '200'], []],
  ['a target of another scheme', get('Host: a', 'ftp://a/outer'), ['400', '200'], []],
  ['a target of an asterisk', get('Host: a', '*'), ['400', '200'], []],
  ['dot segments', get('Host: a', '/a/../b%2f..'), ['400', '200'], []],
  ['TRACE', 'TRACE /outer HTTP/1.1\r\nHost: a\r\n\r\n', ['405', '200'], []],
  ['a method that is not served', 'PROPFIND /outer HTTP/1.1\r\nHost: a\r\n\r\n', ['405', '200'], []],
  ['our own mark', get('Host: a\r\nCDN-Loop: other, Sluice;x=y'), ['508', '200'], []],
  ["another's mark", get('Host: a\r\nCDN-Loop: sluiced, x;y=sluice'), ['200', '200'], ['/outer']],
  ['a target of the same host', get('Host: a', 'http://A./outer'), ['200', '200'], ['/outer']],
  ['a target of the same host and port', get('Host: a:80', 'HTTP://a/outer'), ['200', '200'], ['/outer']],
  ['a target without path', get('Host: a', 'http://a?x'), ['200', '200'], ['/']],
  ['a Host with the dot that ends it', get('Host: A.'), ['200', '200'], ['/outer']],
  ['empty lines before', `\r\n\r\n${get('Host: a')}`, ['200', '200'], ['/outer']],
  [
    'a GET with a body',
    get(`Host: a\r\nContent-Length: ${INNER.length}`) + INNER,
    ['200', '200'],
    ['/outer'],
  ],
  [
    'a GET with chunks',
    `${get('Host: a\r\nTransfer-Encoding: chunked')}20\r\n${INNER}\r\n0\r\n\r\n`,
    ['200', '200'],
    ['/outer'],
  ],
])('%s is answered by itself, and so is what comes behind it', async (_, bytes, statuses, asked) => {
  expect(await sent(bytes + LAST)).toEqual(statuses)
  expect(bench.asked).toEqual([...asked, '/last'])
})

test('a GET whose body is too large is answered, and its connection ends', async () => {
  expect(await sent(get('Host: a\r\nContent-Length: 70000') + 'x'.repeat(70_000) + LAST)).toEqual(['200'])
  expect(bench.asked).toEqual(['/outer'])
})

test('a body that breaks behind its answer gets no second one', async () => {
  const answers = await sent(post('Transfer-Encoding: chunked', 'zz\r\n'))
  expect(answers).toEqual(['405'])
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { EdgeBench } from './edge-bench.ts'
import { RawConnection } from './raw-connection.ts'

let bench: EdgeBench
beforeAll(async () => {
  bench = await EdgeBench.start((_request, response) => response.end('open'))
})
afterAll(() => bench.close())

test.each([
  ['a control byte in the target', ['GET /a\u0001b HTTP/1.1', 'Host: a'], 400],
  ['a space in the target', ['GET /a b HTTP/1.1', 'Host: a'], 400],
  ['two lengths', ['GET /a HTTP/1.1', 'Host: a', 'Content-Length: 0', 'Content-Length: 1'], 400],
  [
    'a length and chunks',
    ['GET /a HTTP/1.1', 'Host: a', 'Content-Length: 4', 'Transfer-Encoding: chunked'],
    400,
  ],
  ['a folded line', ['GET /a HTTP/1.1', 'Host: a', 'X: a', ' b: c\u0000'], 400],
  ['a head past the limit', ['GET /a HTTP/1.1', 'Host: a', `X: ${'a'.repeat(30_000)}`], 431],
])('%s is answered, and the connection is said to end and ends', async (_, lines, status) => {
  const connection = new RawConnection(bench.url)
  const answer = await connection.ask(lines)
  expect([answer.status, answer.body]).toEqual([status, ''])
  expect(answer.head).toMatch(/\r\nConnection: close(?:\r\n|$)/)
  expect((await connection.ask(['GET /a HTTP/1.1', 'Host: a'])).body).toBe('open')
  expect(connection.opened).toBe(2)
  expect(bench.asked).toEqual(bench.asked.map(() => '/a'))
  connection.close()
})

import { expect, test } from 'vitest'
import { freshenedFields, parseCacheControl, unsharedFields } from '../../src/http/index.ts'

test('a 304 replaces what it names, adds what is new, and leaves what describes the body', () => {
  const stored = [
    ...['ETag', '"a"', 'Age', '7', 'X-Kept', '1', 'Link', 'a', 'Link', 'b', 'Content-Type', 'text/plain'],
    ...['Content-Length', '5', 'Content-Encoding', 'br', 'Content-MD5', 'x', 'Content-Range', 'r'],
  ]
  const news = [
    ...['etag', '"b"', 'link', 'c', 'Content-Type', 'text/html', 'X-New', '2', 'Set-Cookie', 'a=b'],
    ...['Content-Length', '9', 'Content-Encoding', 'gzip', 'content-md5', 'y', 'Content-Range', 's'],
  ]
  expect(freshenedFields(stored, news)).toEqual([
    ...['ETag', '"a"', 'X-Kept', '1'],
    ...['Content-Length', '5', 'Content-Encoding', 'br', 'Content-MD5', 'x', 'Content-Range', 'r'],
    ...['link', 'c', 'Content-Type', 'text/html', 'X-New', '2', 'Set-Cookie', 'a=b'],
  ])
})

test.each([
  ['no-cache="A, b"', ['a', 'b']],
  ['no-cache="a", private="C"', ['a', 'c']],
  ['no-cache, private', []],
  ['max-age=60', []],
])('%s keeps the fields %j from the others', (control, names) => {
  expect(unsharedFields(parseCacheControl(control))).toEqual(names)
})

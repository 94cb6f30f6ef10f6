import { afterAll, beforeAll, expect, test } from 'vitest'
import { EdgeBench } from './edge-bench.ts'
import { rawGet } from './raw-get.ts'

const MODIFIED = 'Thu, 01 Jan 2026 00:00:00 GMT'
const LATER = 'Mon, 01 Jun 2026 00:00:00 GMT'
const EARLIER = 'Wed, 01 Jan 2025 00:00:00 GMT'

let bench: EdgeBench
let releases: (() => void)[] = []

beforeAll(async () => {
  bench = await EdgeBench.start((request, response) => {
    response.setHeader('Cache-Control', 'max-age=60').setHeader('Content-Type', 'text/plain')
    response.setHeader('ETag', '"1"').setHeader('Last-Modified', MODIFIED)
    response.setHeader('Accept-Ranges', 'none')
    if (request.url !== '/slow') return void response.end('0123456789')
    response.setHeader('Content-Length', 10)
    response.write('01234')
    releases.push(() => response.end('56789'))
  })
  await rawGet(bench.url, '/a')
})
afterAll(() => bench.close())

const ask = (headers: Record<string, string>, method = 'GET') => rawGet(bench.url, '/a', { headers, method })

test.each<[Record<string, string>, number, string, string | undefined]>([
  [{}, 200, '0123456789', undefined],
  [{ Range: 'bytes=3-5' }, 206, '345', 'bytes 3-5/10'],
  [{ Range: 'bytes=-3' }, 206, '789', 'bytes 7-9/10'],
  [{ Range: 'bytes=8-' }, 206, '89', 'bytes 8-9/10'],
  [{ Range: 'bytes=0-1,1-4' }, 206, '01234', 'bytes 0-4/10'],
  [{ Range: 'bytes=2-3,50-60' }, 206, '23', 'bytes 2-3/10'],
  [{ Range: 'bytes=10-' }, 416, '', 'bytes */10'],
  [{ Range: 'lines=1-2' }, 200, '0123456789', undefined],
  [{ Range: `bytes=${Array.from({ length: 17 }, () => '1-1').join()}` }, 200, '0123456789', undefined],
  [{ Range: 'bytes=3-5', 'If-Range': '"1"' }, 206, '345', 'bytes 3-5/10'],
  [{ Range: 'bytes=3-5', 'If-Range': 'W/"1"' }, 200, '0123456789', undefined],
  [{ Range: 'bytes=3-5', 'If-Range': '"2"' }, 200, '0123456789', undefined],
  [{ Range: 'bytes=3-5', 'If-Range': MODIFIED }, 206, '345', 'bytes 3-5/10'],
  [{ Range: 'bytes=3-5', 'If-Range': LATER }, 200, '0123456789', undefined],
  [{ Range: 'bytes=50-', 'If-Range': '"2"' }, 200, '0123456789', undefined],
  [{ 'If-None-Match': '"1"', Range: 'bytes=3-5' }, 304, '', undefined],
  [{ 'If-None-Match': '"2"', 'If-Modified-Since': LATER }, 200, '0123456789', undefined],
  [{ 'If-Modified-Since': LATER }, 304, '', undefined],
  [{ 'If-Match': '"1"', Range: 'bytes=3-5' }, 206, '345', 'bytes 3-5/10'],
  [{ 'If-Match': '"2"', 'If-None-Match': '"1"' }, 412, '', undefined],
  [{ 'If-Match': '"1"', 'If-Unmodified-Since': EARLIER }, 200, '0123456789', undefined],
  [{ 'If-Unmodified-Since': EARLIER }, 412, '', undefined],
  [{ 'If-Unmodified-Since': MODIFIED }, 200, '0123456789', undefined],
])('a stored object asked for with %j is answered %i', async (headers, status, body, range) => {
  const answer = await ask(headers)
  expect([answer.status, answer.body, answer.headers['content-range']]).toEqual([status, body, range])
  if (status !== 304 && status !== 412) expect(answer.headers['accept-ranges']).toBe('bytes')
})

test('a HEAD has no ranges', async () => {
  const answer = await ask({ Range: 'bytes=3-5' }, 'HEAD')
  expect([answer.status, answer.headers['content-length'], answer.headers['content-range']]).toEqual([
    200,
    '10',
    undefined,
  ])
})

/** What stands between the parts is another text in each answer. */
function expectParts(type: string | undefined, length: string | undefined, body: string): void {
  const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{48})$/.exec(type ?? '')?.[1] ?? ''
  expect(boundary).not.toBe('')
  expect(body.replaceAll(boundary, 'B')).toBe(
    [
      '--B',
      'Content-Type: text/plain',
      'Content-Range: bytes 0-1/10',
      '',
      '01',
      '--B',
      'Content-Type: text/plain',
      'Content-Range: bytes 8-9/10',
      '',
      '89',
      '--B--',
      '',
    ].join('\r\n'),
  )
  expect(length).toBe(String(body.length))
}

test('several ranges are the parts of one body', async () => {
  const answer = await ask({ Range: 'bytes=-2,0-1' })
  expect([answer.status, answer.headers['content-range']]).toEqual([206, undefined])
  expectParts(answer.headers['content-type'], answer.headers['content-length'], answer.body)
})

test('ranges of what is being filled are sent as their bytes come', async () => {
  const [one, several] = [
    rawGet(bench.url, '/slow', { headers: { Range: 'bytes=1-3' } }),
    rawGet(bench.url, '/slow', { headers: { Range: 'bytes=0-1,8-9' } }),
  ]
  // The first is whole while the origin has still to send the rest.
  expect(await one).toMatchObject({ status: 206, body: '123', headers: { 'content-range': 'bytes 1-3/10' } })
  expect(releases.length).toBe(1)
  releases[0]?.()
  const answer = await several
  expectParts(answer.headers['content-type'], answer.headers['content-length'], answer.body)
  releases = []
})

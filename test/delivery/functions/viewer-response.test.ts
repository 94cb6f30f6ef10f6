import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../../src/app/certificates.ts'
import { systemClock } from '../../../src/core/index.ts'
import { FunctionEdge, type Written } from './function-edge.ts'

let bench: FunctionEdge | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

type Options = Parameters<typeof FunctionEdge.start>[1]

async function start(
  code: string,
  options: Options = {},
  more: Partial<Written> = {},
): Promise<FunctionEdge> {
  bench = await FunctionEdge.start([{ event: 'viewer-response', code, ...more }], options)
  return bench
}

const STAMP = `function handler({ request, response }) {
  response.headers['x-stamp'] = { value: request.uri + ' ' + response.statusCode }
  delete response.headers['x-powered-by']
  response.cookies.seen = { value: '1', attributes: 'Path=/' }
  return response
}`

const poweredBy: NonNullable<NonNullable<Options>['answer']> = (request, response) => {
  response.setHeader('Cache-Control', 'max-age=60')
  response.setHeader('X-Powered-By', 'something')
  if (request.url === '/missing') response.statusCode = 404
  response.end(`body of ${request.url}`)
}

describe('a function at viewer-response', () => {
  test('has the last word on headers, of misses and of hits', async () => {
    const edge = await start(STAMP, { answer: poweredBy })
    for (const cache of ['Miss from sluice', 'Hit from sluice', 'Hit from sluice']) {
      const answer = await edge.get('/a')
      expect(answer.headers.get('x-cache')).toBe(cache)
      expect(answer.headers.get('x-stamp')).toBe('/a 200')
      expect(answer.headers.get('x-powered-by')).toBeNull()
      expect(answer.headers.getSetCookie()).toEqual(['seen=1; Path=/'])
      expect(answer.headers.get('content-length')).toBe('10')
      expect(await answer.text()).toBe('body of /a')
    }
    const head = await edge.get('/a', { method: 'HEAD' })
    expect([head.headers.get('x-stamp'), head.headers.get('content-length')]).toEqual(['/a 200', '10'])
    const part = await edge.get('/a', { headers: { range: 'bytes=0-3' } })
    expect([part.status, part.headers.get('x-stamp'), await part.text()]).toEqual([206, '/a 206', 'body'])
    expect(edge.origin.asked).toHaveLength(1)
  })

  test('is not asked about errors, nor about what viewer-request has answered', async () => {
    bench = await FunctionEdge.start(
      [
        { event: 'viewer-response', code: STAMP },
        {
          event: 'viewer-request',
          code: `function handler({ request }) { return request.uri === '/own' ? { statusCode: 200 } : request }`,
        },
      ],
      { answer: poweredBy },
    )
    const [missing, own, plain] = await Promise.all([
      bench.get('/missing'),
      bench.get('/own'),
      bench.get('/a'),
    ])
    expect([missing.status, missing.headers.get('x-stamp')]).toEqual([404, null])
    expect([own.status, own.headers.get('x-stamp')]).toEqual([200, null])
    expect([plain.status, plain.headers.get('x-stamp')]).toEqual([200, '/a 200'])
  })

  test('puts another status and another body in the place of an answer', async () => {
    const edge = await start(
      `function handler() {
        return { statusCode: 451, headers: { via: { value: '1.1 sluice' } }, body: { encoding: 'text', data: 'not here' } }
      }`,
      { answer: (_request, response) => response.end(Buffer.alloc(3_000_000, 'x')) },
    )
    const answer = await edge.get('/large')
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([
      451,
      '8',
      'not here',
    ])
    expect(edge.edge.lines[0]).toMatchObject({ status: 451, bytes: 8, complete: true })
  })

  test('is waited for by a large body, which goes out whole', async () => {
    const body = Buffer.alloc(9_000_000, 'film ')
    const edge = await start(
      `async function handler({ response }) {
        response.headers.waited = { value: 'yes' }
        return response
      }`,
      {
        answer: (_request, response) => {
          response.setHeader('Cache-Control', 'max-age=60')
          response.end(body)
        },
      },
    )
    for (let time = 0; time < 2; time++) {
      const answer = await edge.get('/film')
      expect(answer.headers.get('waited')).toBe('yes')
      expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true)
    }
  })

  test('runs over HTTP/2 too', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-function-tls-'))
    await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
    const { certificate: certificateFile, key: keyFile } = certificateFiles(folder)
    const edge = await start(STAMP, { answer: poweredBy, tls: { certificateFile, keyFile } })
    const session = connect(edge.edge.url, { rejectUnauthorized: false })
    const get = (of: string): Promise<[unknown, string]> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': of })
        let stamp: unknown
        let text = ''
        stream.on('response', headers => (stamp = headers['x-stamp']))
        stream.on('data', chunk => (text += String(chunk)))
        stream.on('end', () => resolve([stamp, text]))
        stream.on('error', reject)
      })
    expect(await Promise.all([get('/a'), get('/b')])).toEqual([
      ['/a 200', 'body of /a'],
      ['/b 200', 'body of /b'],
    ])
    session.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('is answered 502 where it fails, and nothing of the body goes out', async () => {
    const edge = await start(`function handler() { throw new Error('no') }`, { answer: poweredBy })
    const answer = await edge.get('/a')
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, 'function-failed'])
    expect(await answer.text()).not.toContain('body of')
    expect(edge.edge.lines[0]).toMatchObject({ status: 502, reason: 'function-failed', result: 'Error' })
  })

  test('may not change the status as a handler of Lambda@Edge', async () => {
    const edge = await start(
      `exports.handler = async event => ({ ...event.Records[0].cf.response, status: '201' })`,
      { answer: poweredBy },
      { runtime: 'lambda-edge' },
    )
    const answer = await edge.get('/a')
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, 'function-result'])
  })
})

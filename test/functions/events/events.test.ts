import { describe, expect, test } from 'vitest'
import {
  cloudFrontEvent,
  lambdaEvent,
  readCloudFrontRequest,
  readCloudFrontResponse,
  readLambdaRequest,
  readLambdaResponse,
  type EventContext,
  type SeenOrigin,
  type SeenRequest,
} from '../../../src/functions/index.ts'

const SEEN: SeenRequest = {
  ...{ clientIp: '203.0.113.7', method: 'GET', uri: '/a.html', query: 'x=1&x=2%2C3&flag' },
  headers: [
    'host',
    'cdn.example',
    'accept',
    'text/html',
    'accept',
    '*/*',
    'cookie',
    'id=7; t=a',
    'x-cache',
    'no',
  ],
}
const context = (event: EventContext['event']): EventContext => ({
  ...{ event, domain: 'd.cdn.localhost', distribution: 'E1', request: 'r1' },
})

describe('the event of CloudFront Functions', () => {
  test('splits query, headers and cookies by name, and shows nothing that is disallowed', () => {
    const response = {
      status: 200,
      headers: ['Content-Type', 'text/html', 'Set-Cookie', 's=1; Path=/; Secure'],
    }
    expect(cloudFrontEvent(context('viewer-response'), SEEN, response)).toEqual({
      version: '1.0',
      context: {
        ...{ distributionDomainName: 'd.cdn.localhost', distributionId: 'E1' },
        ...{ eventType: 'viewer-response', requestId: 'r1' },
      },
      viewer: { ip: '203.0.113.7' },
      request: {
        ...{ method: 'GET', uri: '/a.html' },
        querystring: {
          x: { value: '1', multiValue: [{ value: '1' }, { value: '2%2C3' }] },
          flag: { value: '' },
        },
        headers: {
          host: { value: 'cdn.example' },
          accept: { value: 'text/html', multiValue: [{ value: 'text/html' }, { value: '*/*' }] },
        },
        cookies: { id: { value: '7' }, t: { value: 'a' } },
      },
      response: {
        ...{ statusCode: 200, statusDescription: 'OK' },
        headers: { 'content-type': { value: 'text/html' } },
        cookies: { s: { value: '1', attributes: 'Path=/; Secure' } },
      },
    })
  })

  test('is read back: a changed list outranks the value, a changed value an untouched list', () => {
    const x = { value: '1', multiValue: [{ value: '1' }, { value: '2%2C3' }] }
    const read = (querystring: object): unknown =>
      readCloudFrontRequest({ querystring: { ...querystring } }, SEEN, 10)
    expect(read({ x: { ...x, value: '9' }, flag: { value: '' } })).toMatchObject({ query: 'x=9&flag' })
    expect(read({ x: { value: '1', multiValue: [{ value: '5' }, { value: '6' }] } })).toMatchObject({
      query: 'x=5&x=6',
    })
    expect(read({ 'a b': { value: 'ü&#' } })).toMatchObject({ query: 'a%20b=%C3%BC%26%23' })
  })

  test('sends a generated answer with its cookies, names in title case', () => {
    const given = {
      ...{ statusCode: 302, statusDescription: 'Found', body: { encoding: 'base64', data: 'aGk=' } },
      headers: { location: { value: '/login' }, 'content-length': { value: '999' } },
      cookies: { back: { value: '/a', attributes: 'Path=/; Max-Age=60' } },
    }
    expect(readCloudFrontRequest(given, SEEN, 10)).toEqual({
      ...{ kind: 'response', status: 302, body: Buffer.from('hi') },
      headers: ['Location', '/login', 'Set-Cookie', 'back=/a; Path=/; Max-Age=60'],
    })
    expect(readCloudFrontRequest(given, SEEN, 1)).toMatchObject({ reason: 'function-output' })
  })

  test.each<[string, object, string]>([
    ['a method of its own', { method: 'POST' }, 'function-result'],
    ['a uri without slash', { uri: 'a' }, 'function-result'],
    ['a uri that walks up', { uri: '/a/../b' }, 'function-result'],
    ['a uri of ours', { uri: '/.sluice/session' }, 'function-result'],
    ['an encoded uri of ours', { uri: '/%2Esluice/session' }, 'function-result'],
    [
      'a header that is disallowed',
      { headers: { host: { value: 'cdn.example' }, 'x-edge-a': { value: '1' } } },
      'function-header',
    ],
    ['another Host', { headers: { host: { value: 'other' } } }, 'function-header'],
    ['no Host', { headers: {} }, 'function-header'],
    [
      'a line break',
      { headers: { host: { value: 'cdn.example' }, a: { value: '1\r\nb: 2' } } },
      'function-header',
    ],
    ['a status below 200', { statusCode: 101 }, 'function-result'],
    ['a status that is text', { statusCode: 'ok' }, 'function-result'],
    ['a text', 'request' as unknown as object, 'function-result'],
  ])('refuses %s', (_what, given, reason) => {
    expect(readCloudFrontRequest(given as never, SEEN, 10)).toMatchObject({ kind: 'unusable', reason })
  })

  test('lets viewer-response change status, headers and body, and read Via', () => {
    const seen = { status: 200, headers: ['Via', '1.1 a', 'X-A', '1'] }
    expect(
      readCloudFrontResponse(
        { statusCode: 404, headers: { via: { value: '1.1 a' }, 'x-b': { value: '2' } }, body: 'gone' },
        seen,
        10,
      ),
    ).toEqual({
      kind: 'response',
      status: 404,
      headers: ['Via', '1.1 a', 'X-B', '2'],
      body: Buffer.from('gone'),
    })
    expect(readCloudFrontResponse({ statusCode: 200, headers: {} }, seen, 10)).toMatchObject({
      reason: 'function-header',
    })
  })
})

describe('the record of Lambda@Edge', () => {
  const origin: SeenOrigin = {
    ...{ kind: 'custom', domainName: 'site.example', port: 443, protocol: 'https', path: '' },
    ...{ readTimeout: 30, keepaliveTimeout: 5, sslProtocols: ['TLSv1.2'], customHeaders: ['X-Key', 'k'] },
  }

  test('has the request with its body and its origin, and the answer', () => {
    const seen = { ...SEEN, origin, body: { bytes: Buffer.from('hi'), truncated: true } }
    expect(lambdaEvent(context('origin-response'), seen, { status: 404, headers: ['X-A', '1'] })).toEqual({
      Records: [
        {
          cf: {
            config: {
              ...{ distributionDomainName: 'd.cdn.localhost', distributionId: 'E1' },
              ...{ eventType: 'origin-response', requestId: 'r1' },
            },
            request: {
              ...{ clientIp: '203.0.113.7', method: 'GET', uri: '/a.html', querystring: 'x=1&x=2%2C3&flag' },
              headers: {
                host: [{ key: 'Host', value: 'cdn.example' }],
                accept: [
                  { key: 'Accept', value: 'text/html' },
                  { key: 'Accept', value: '*/*' },
                ],
                cookie: [{ key: 'Cookie', value: 'id=7; t=a' }],
              },
              body: { inputTruncated: true, action: 'read-only', encoding: 'base64', data: 'aGk=' },
              origin: {
                custom: {
                  ...{ domainName: 'site.example', port: 443, protocol: 'https', path: '', readTimeout: 30 },
                  ...{ keepaliveTimeout: 5, sslProtocols: ['TLSv1.2'] },
                  customHeaders: { 'x-key': [{ key: 'X-Key', value: 'k' }] },
                },
              },
            },
            response: {
              ...{ status: '404', statusDescription: 'Not Found' },
              headers: { 'x-a': [{ key: 'X-A', value: '1' }] },
            },
          },
        },
      ],
    })
  })

  test('gives another origin, another body, and an answer of its own', () => {
    const limits = { answer: 10, body: 10 }
    const read = (given: object): unknown =>
      readLambdaRequest(given as never, { ...SEEN, origin }, 'origin-request', limits)
    const s3 = {
      domainName: 'films.s3.eu-central-1.amazonaws.com',
      region: 'eu-central-1',
      authMethod: 'none',
      path: '/a',
    }
    expect(read({ origin: { s3 } })).toMatchObject({ origin: { kind: 's3', ...s3, customHeaders: [] } })
    expect(
      read({ origin: { custom: { domainName: 'b.example', protocol: 'http', port: 8080 } } }),
    ).toMatchObject({
      origin: { kind: 'custom', domainName: 'b.example', port: 8080, path: '' },
    })
    expect(
      read({ origin: { custom: { domainName: 'b.example', protocol: 'http', port: 22 } } }),
    ).toMatchObject({
      reason: 'function-result',
    })
    expect(read({ body: { action: 'replace', encoding: 'text', data: 'new' } })).toMatchObject({
      body: Buffer.from('new'),
    })
    expect(read({ body: { action: 'read-only', data: 'new' } })).toMatchObject({ body: undefined })
    expect(read({ status: '204', headers: { 'x-a': [{ value: '1' }] } })).toEqual({
      ...{ kind: 'response', status: 204, headers: ['X-A', '1'], body: undefined },
    })
  })

  test('may only read what each event lets it only read', () => {
    const seen = { status: 200, headers: ['Warning', '110 - "old"', 'X-A', '1'] }
    const change = (event: 'origin-response' | 'viewer-response', given: object): unknown =>
      readLambdaResponse(given as never, seen, { event, most: 10 })
    const headers = { 'x-a': [{ value: '2' }] }
    expect(change('origin-response', { status: '200', headers })).toMatchObject({ headers: ['X-A', '2'] })
    expect(change('viewer-response', { status: '200', headers })).toMatchObject({ reason: 'function-header' })
    expect(change('viewer-response', { status: '201' })).toMatchObject({ reason: 'function-result' })
    expect(change('viewer-response', { status: '200', body: 'x' })).toMatchObject({
      reason: 'function-result',
    })
    expect(change('origin-response', { status: '201', body: 'x' })).toMatchObject({ status: 201 })
    const request = { ...SEEN, origin, headers: [...SEEN.headers, 'range', 'bytes=0-1'] }
    expect(
      readLambdaRequest({ headers: { host: [{ value: 'b' }] } }, request, 'origin-request', {
        answer: 1,
        body: 1,
      }),
    ).toMatchObject({ reason: 'function-header' })
  })
})

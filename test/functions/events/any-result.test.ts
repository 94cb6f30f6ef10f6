import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalPath } from '../../../src/core/index.ts'
import {
  cloudFrontEvent,
  lambdaEvent,
  readCloudFrontRequest,
  readCloudFrontResponse,
  readLambdaRequest,
  readLambdaResponse,
  type EventContext,
  type GivenRequest,
  type GivenResponse,
  type Json,
  type SeenRequest,
  type Unusable,
} from '../../../src/functions/index.ts'

const SEEN: SeenRequest = {
  clientIp: '203.0.113.7',
  method: 'POST',
  uri: '/films/a.m3u8',
  query: 'a=1&b=2&b=3&2=x',
  headers: ['host', 'cdn.example', 'accept', '*/*', 'cookie', 'a=1; b=2', 'x-many', '1', 'x-many', '2'],
  body: { bytes: Buffer.from('text'), truncated: false },
  origin: {
    ...{ kind: 'custom', domainName: 'site.example', port: 443, protocol: 'https', path: '/p' },
    ...{ readTimeout: 30, keepaliveTimeout: 5, sslProtocols: ['TLSv1.2'], customHeaders: ['X-Secret', 's'] },
  },
}
const RESPONSE = {
  status: 200,
  headers: ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1; Path=/', 'Via', 'x'],
}

const context = (event: EventContext['event']): EventContext => ({
  ...{ event, domain: 'd.cdn.localhost', distribution: 'E1', request: 'r' },
})

/** Texts that break lines, names and encodings. */
const hostile = fc.oneof(
  fc.constantFrom(
    'a\r\nSet-Cookie: x=1',
    '\0',
    '\n',
    'ü',
    '—',
    '\ud800',
    '__proto__',
    'constructor',
    '',
    '/../x',
  ),
  fc.constantFrom(
    '/.sluice/x',
    '/%2e%2e/x',
    'Host',
    'via',
    'Content-Length',
    'X-Sluice-Seq',
    'connection',
    '200',
    '404',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

/** Events that functions have tampered with: one of the values within is another, missing, or beside others. */
const NAMES = [
  ...[
    'method',
    'uri',
    'querystring',
    'headers',
    'cookies',
    'statusCode',
    'status',
    'body',
    'value',
    'multiValue',
  ],
  ...['key', 'data', 'encoding', 'action', 'origin', 'custom', 's3', 'domainName', 'port', 'attributes'],
  ...[
    'statusDescription',
    'bodyEncoding',
    'path',
    'protocol',
    'host',
    'accept',
    'a',
    'x-many',
    'customHeaders',
  ],
]
const anything: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    hostile,
    fc.constantFrom(null, true, 0, 200, -1, 1.5, 404, 'text', 'base64', 'replace', 'http', 'site.example'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), hostile), tie('value'), { maxKeys: 6 }),
  ),
})).value

function tampered(model: Json): fc.Arbitrary<Json> {
  if (typeof model !== 'object' || model === null) return fc.oneof(fc.constant(model), anything)
  if (Array.isArray(model))
    return fc.oneof(
      { weight: 6, arbitrary: fc.tuple(...model.map(tampered)) },
      { weight: 1, arbitrary: anything },
    )
  const fields = Object.fromEntries(Object.entries(model).map(([name, value]) => [name, tampered(value)]))
  const whole: fc.Arbitrary<Json> = fc
    .tuple(fc.record(fields, { requiredKeys: [] }), fc.dictionary(hostile, anything, { maxKeys: 1 }))
    .map(([kept, more]) => ({ ...kept, ...more }) as Json) // what is left out is not there
  return fc.oneof({ weight: 6, arbitrary: whole }, { weight: 1, arbitrary: anything })
}

/** As JSON brings it. */
const asSent = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json

function expectSafe(read: GivenRequest | GivenResponse | Unusable): void {
  if (read.kind === 'unusable') {
    expect(read.reason).toMatch(/^function-(?:result|header|output)$/)
    expect(read.message).toMatch(/^it /)
    return
  }
  for (const [at, text] of (read.headers ?? []).entries())
    expect(text).toMatch(at % 2 === 0 ? /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/ : /^[\t\x20-\x7e\x80-\xff]*$/)
  const names = (read.headers ?? []).filter((_text, at) => at % 2 === 0).map(name => name.toLowerCase())
  for (const name of ['connection', 'upgrade', 'x-cache', 'x-sluice-seq']) expect(names).not.toContain(name)
  if (read.kind === 'response') {
    expect(Number.isInteger(read.status) && read.status >= 200 && read.status <= 599).toBe(true)
    expect(names).not.toContain('content-length')
    return
  }
  if (read.path !== undefined) expect(canonicalPath(read.path)).toEqual({ kind: 'ok', path: read.path })
  expect(read.path ?? '').not.toMatch(/^\/\.sluice\//)
  expect(read.query ?? '').toMatch(/^[\x21\x22\x24-\x7e]*$/)
}

const model = (event: { [name: string]: Json }, name: 'request' | 'response'): Json => {
  const value = event[name]
  if (value === undefined) throw new Error(`the event has no ${name}`)
  return value
}

test('whatever a function of CloudFront’s gives is a valid request, a valid answer, or refused', () => {
  const event = cloudFrontEvent(context('viewer-response'), SEEN, RESPONSE)
  fc.assert(
    fc.property(fc.oneof(anything, tampered(model(event, 'request'))), given => {
      expectSafe(readCloudFrontRequest(asSent(given), SEEN, 1000))
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.oneof(anything, tampered(model(event, 'response'))), given => {
      expectSafe(readCloudFrontResponse(asSent(given), RESPONSE, 1000))
    }),
    { numRuns: 2000 },
  )
})

test('whatever a handler of Lambda@Edge gives is a valid request, a valid answer, or refused', () => {
  const { Records } = lambdaEvent(context('origin-response'), SEEN, RESPONSE)
  const [record] = Records as { cf: { [name: string]: Json } }[] // as it is made
  const { cf } = record ?? { cf: {} }
  const limits = { answer: 1000, body: 1000 }
  fc.assert(
    fc.property(fc.oneof(anything, tampered(model(cf, 'request'))), fc.boolean(), (given, atOrigin) => {
      const event = atOrigin ? 'origin-request' : 'viewer-request'
      expectSafe(readLambdaRequest(asSent(given), SEEN, event, limits))
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.oneof(anything, tampered(model(cf, 'response'))), fc.boolean(), (given, atOrigin) => {
      const event = atOrigin ? 'origin-response' : 'viewer-response'
      expectSafe(readLambdaResponse(asSent(given), RESPONSE, { event, most: 1000 }))
    }),
    { numRuns: 2000 },
  )
})

test('what a function gives back as it was shown it changes nothing', () => {
  const query = fc.array(fc.stringMatching(/^[a-z0-9]{0,3}(?:=[a-z0-9%]{0,3})?$/), { maxLength: 5 })
  fc.assert(
    fc.property(query, parts => {
      const seen = { ...SEEN, query: parts.join('&') }
      const unchanged = {
        ...{ kind: 'request', path: undefined, query: undefined, headers: undefined },
        ...{ body: undefined, origin: undefined },
      }
      const event = cloudFrontEvent(context('viewer-request'), seen)
      expect(readCloudFrontRequest(asSent(model(event, 'request')), seen, 1000)).toEqual(unchanged)
      const { Records } = lambdaEvent(context('origin-request'), seen)
      const [record] = Records as { cf: { request: Json } }[] // as it is made
      const given = asSent(record?.cf.request ?? null)
      expect(readLambdaRequest(given, seen, 'origin-request', { answer: 10, body: 10 })).toEqual(unchanged)
    }),
  )
})

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { isSignedBy, readSignature, SIGNATURE_SKEW, type SignedRequest } from '../../src/signing/index.ts'
import { Sha256 } from './sha256.ts'

const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const NOW = instant(Date.UTC(2026, 10, 22, 9, 59, 31))
const SERVICES = ['cloudfront', 'sts']

interface ToSign {
  method?: string
  path?: string
  query?: Record<string, string | string[]>
  body?: string
  headers?: Record<string, string>
  region?: string
  service?: string
  sessionToken?: string
  at?: number
}

/** A request as AWS's own signer for JavaScript makes it. */
async function signed(asked: ToSign = {}): Promise<SignedRequest> {
  const { method = 'GET', path = '/2020-05-31/distribution', query = {}, body = '' } = asked
  const { region = 'us-east-1', service = 'cloudfront', at = NOW, sessionToken } = asked
  const signer = new SignatureV4({
    credentials: { ...CREDENTIALS, ...(sessionToken === undefined ? {} : { sessionToken }) },
    ...{ region, service, sha256: Sha256 },
  })
  const headers = { host: '127.0.0.1:9000', ...asked.headers }
  const request = await signer.sign(
    { method, protocol: 'http:', hostname: '127.0.0.1', path, query, headers, body },
    { signingDate: new Date(at) },
  )
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map(each => [name, each]))
  const text = pairs.map(pair => pair.map(each => encodeURIComponent(each ?? '')).join('=')).join('&')
  return {
    method,
    target: text === '' ? path : `${path}?${text}`,
    fields: Object.entries(request.headers).flat(),
    body: Buffer.from(body),
  }
}

/** `true` where the signature is good, else what is wrong. */
function verified(request: SignedRequest, secret = CREDENTIALS.secretAccessKey, now = NOW): boolean | string {
  const result = readSignature(request, { services: SERVICES, now })
  if (result.kind === 'refused') return `${result.fault}: ${result.why}`
  return isSignedBy(request, result.claim, secret)
}

function withField(request: SignedRequest, name: string, change: (value: string) => string): SignedRequest {
  const fields = request.fields.map((each, at) =>
    at % 2 === 1 && request.fields[at - 1]?.toLowerCase() === name ? change(each) : each,
  )
  return { ...request, fields }
}

interface Vectors {
  accessKeyId: string
  secretAccessKey: string
  at: string
  requests: { call: string; method: string; target: string; fields: string[][]; body: string }[]
}
const BOTOCORE = JSON.parse(
  readFileSync(new URL('../vectors/requests/botocore.json', import.meta.url), 'utf8'),
) as Vectors // as make-botocore.py writes it

describe('signatures of others are found good', () => {
  test.each(BOTOCORE.requests.map(each => [each.call, each.target, each] as const))(
    'by botocore: %s %s',
    (_, target, { method, fields, body }) => {
      const request = { method, target, fields: fields.flat(), body: Buffer.from(body) }
      expect(verified(request, BOTOCORE.secretAccessKey, instant(Date.parse(BOTOCORE.at)))).toBe(true)
      expect(verified(request, 'another', instant(Date.parse(BOTOCORE.at)))).toBe(false)
    },
  )

  test.each<[string, ToSign]>([
    ['a list', {}],
    ['a list from a mark', { query: { Marker: 'E 1/+é', MaxItems: '10' } }],
    ['a parameter without a value', { method: 'POST', query: { WithTags: '' }, body: '<x/>' }],
    ['an ARN', { query: { Resource: 'arn:aws:cloudfront::000000000000:distribution/E1' } }],
    ['a label with escapes', { path: `/2020-05-31/function/a%20b%2Fc%21~` }],
    ['a body', { method: 'POST', body: '<é/>', headers: { 'content-type': 'application/xml' } }],
    ['a field with spaces', { headers: { 'if-match': '  a   b ' } }],
    ['another region', { region: 'eu-central-1' }],
    ['the service sts', { method: 'POST', path: '/', service: 'sts', body: 'Action=GetCallerIdentity' }],
  ])("by AWS's own: %s", async (_, asked) => {
    expect(verified(await signed(asked))).toBe(true)
    expect(verified(await signed(asked), 'another')).toBe(false)
  })

  test("by AWS's own, whatever the query and the label are", async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 })

    const asked = fc.record({
      label: text.filter(each => !/^\.\.?$/.test(each)),
      query: fc.dictionary(text, text, { maxKeys: 4 }),
      body: text,
    })
    await fc.assert(
      fc.asyncProperty(asked, async ({ label, query, body }) => {
        const path = `/2020-05-31/function/${encodeURIComponent(label).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)}`
        expect(verified(await signed({ method: 'POST', path, query, body }))).toBe(true)
      }),
      { seed: 20260707, numRuns: 300 },
    )
  })

  test('with commas and spaces of other clients between the parts', async () => {
    const request = await signed()
    for (const between of [',', ', ', ' , '])
      expect(verified(withField(request, 'authorization', text => text.replaceAll(', ', between)))).toBe(true)
  })
})

describe('what was changed on the way is found', () => {
  const of = (): Promise<SignedRequest> =>
    signed({
      ...{ method: 'POST', query: { Marker: 'a' }, body: '<x/>' },
      headers: { 'if-match': 'E1', 'content-type': 'application/xml' },
    })

  test.each<[string, (request: SignedRequest) => SignedRequest]>([
    ['the method', request => ({ ...request, method: 'PUT' })],
    ['the path', request => ({ ...request, target: request.target.replace('distribution', 'function') })],
    ['the query', request => ({ ...request, target: request.target.replace('=a', '=b') })],
    ['one more parameter', request => ({ ...request, target: `${request.target}&MaxItems=1` })],
    ['the body', request => ({ ...request, body: Buffer.from('<y/>') })],
    ['a field', request => withField(request, 'if-match', () => 'E2')],
    ['the host', request => withField(request, 'host', () => 'another:9000')],
    ['the time', request => withField(request, 'x-amz-date', text => text.replace('31Z', '32Z'))],
    [
      'the region',
      request => withField(request, 'authorization', text => text.replace('us-east-1', 'us-east-2')),
    ],
    [
      'the signature',
      request =>
        withField(request, 'authorization', text => text.replace(/.$/, last => (last === '0' ? '1' : '0'))),
    ],
    [
      'the body and what it says its hash is',
      request =>
        withField({ ...request, body: Buffer.from('<y/>') }, 'x-amz-content-sha256', () =>
          createHash('sha256').update('<y/>').digest('hex'),
        ),
    ],
    [
      'a hash that leaves the body open',
      request => withField(request, 'x-amz-content-sha256', () => 'UNSIGNED-PAYLOAD'),
    ],
    [
      'a second field of a name that was signed',
      request => ({ ...request, fields: [...request.fields, 'If-Match', 'E2'] }),
    ],
  ])('%s', async (_, change) => {
    expect(verified(await of())).toBe(true)
    expect(verified(change(await of()))).toBe(false)
  })

  test('order of the parameters is no change', async () => {
    const request = await signed({ query: { a: '2', b: '1', c: ['y', 'x'] } })
    expect(verified({ ...request, target: '/2020-05-31/distribution?c=x&b=1&c=y&a=2' })).toBe(true)
  })
})

describe('what is no signature that we take is named', () => {
  const edit = (change: (text: string) => string) => async () =>
    withField(await signed(), 'authorization', change)
  const drop = (name: string) => async () => {
    const { fields, ...request } = await signed()
    const kept = fields.filter((_, at) => fields[at - (at % 2)]?.toLowerCase() !== name)
    return { ...request, fields: kept }
  }
  const NONE = 'MissingAuthenticationToken: the request is not signed: it has no Authorization field'
  const NO_SIGNATURE = 'IncompleteSignature: the Authorization field is no signature of AWS4-HMAC-SHA256'
  const NO_DATE = 'IncompleteSignature: the field X-Amz-Date is missing, or of another day than the signature'

  test.each<[string, () => Promise<SignedRequest>, string]>([
    ['nothing', drop('authorization'), NONE],
    [
      'two',
      async () => {
        const request = await signed()
        return { ...request, fields: [...request.fields, 'Authorization', 'x'] }
      },
      NONE,
    ],
    ['a bearer token', edit(() => 'Bearer sluice_x'), NO_SIGNATURE],
    ['another algorithm', edit(text => text.replace('AWS4-HMAC', 'AWS4-ECDSA-P256')), NO_SIGNATURE],
    ['no signature', edit(text => text.replace(/, Signature=.*/, '')), NO_SIGNATURE],
    ['a short signature', edit(text => text.slice(0, -1)), NO_SIGNATURE],
    ['a part twice', edit(text => `${text}, Signature=${'0'.repeat(64)}`), NO_SIGNATURE],
    ['a credential without a region', edit(text => text.replace('/us-east-1', '')), NO_SIGNATURE],
    [
      'fields with a line end',
      edit(text => text.replace('SignedHeaders=', 'SignedHeaders=a\n;')),
      NO_SIGNATURE,
    ],
    ['no time', drop('x-amz-date'), NO_DATE],
    [
      'no time that is one',
      async () => withField(await signed(), 'x-amz-date', () => '20261122T995931Z'),
      NO_DATE,
    ],
    ['another day', edit(text => text.replace('/20261122/', '/20261121/')), NO_DATE],
    [
      'a token of temporary credentials',
      () => signed({ sessionToken: 'token' }),
      'InvalidClientTokenId: temporary credentials are unknown here: use an access key alone',
    ],
    [
      'another service',
      () => signed({ service: 's3' }),
      'SignatureDoesNotMatch: the request is signed for the service "s3", and this is cloudfront or sts',
    ],
    [
      'no host',
      edit(text => text.replace('host;', '')),
      'SignatureDoesNotMatch: the signature does not cover the Host field',
    ],
    [
      'an old one',
      () => signed({ at: NOW - SIGNATURE_SKEW - 1_000 }),
      'RequestTimeTooSkewed: the request was signed at 2026-11-22T09:54:30.000Z and it is 2026-11-22T09:59:31.000Z here: set the clock, or sign anew',
    ],
    [
      'one of the future',
      () => signed({ at: NOW + SIGNATURE_SKEW + 1_000 }),
      'RequestTimeTooSkewed: the request was signed at 2026-11-22T10:04:32.000Z and it is 2026-11-22T09:59:31.000Z here: set the clock, or sign anew',
    ],
  ])('%s', async (_, make, refusal) => {
    expect(verified(await make())).toBe(refusal)
  })

  test('a clock that is five minutes off is still taken', async () => {
    expect(verified(await signed({ at: NOW - SIGNATURE_SKEW }))).toBe(true)
    expect(verified(await signed({ at: NOW + SIGNATURE_SKEW }))).toBe(true)
  })
})

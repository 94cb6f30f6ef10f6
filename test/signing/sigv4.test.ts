import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { Sha256 } from './sha256.ts'
import { s3Path, s3Query, signS3 } from '../../src/signing/index.ts'

const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const NOW = instant(Date.UTC(2026, 10, 22, 21, 48, 56, 789))

/** The fields that AWS's own signer sends, by lower-case name. */
async function awsFields(
  key: string,
  query: Record<string, string>,
  credentials: typeof CREDENTIALS & { sessionToken?: string },
  host: string,
): Promise<Record<string, string>> {
  const signer = new SignatureV4({
    credentials,
    region: 'eu-central-1',
    service: 's3',
    sha256: Sha256,
    uriEscapePath: false,
  })
  const path = key
    .split('/')
    .map(segment =>
      encodeURIComponent(segment).replace(
        /[!'()*]/g,
        char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join('/')
  const signed = await signer.sign(
    { method: 'GET', protocol: 'https:', hostname: host, path, query, headers: { host } },
    { signingDate: new Date(NOW) },
  )
  return signed.headers
}

function ourFields(
  path: string,
  query: string,
  credentials: typeof CREDENTIALS & { sessionToken?: string },
  host: string,
): Record<string, string> {
  const flat = signS3(
    { method: 'GET', host, path: s3Path(path) ?? '', query: s3Query(query) },
    credentials,
    'eu-central-1',
    NOW,
  )
  const fields: Record<string, string> = { host }
  for (let at = 0; at < flat.length; at += 2) fields[(flat[at] ?? '').toLowerCase()] = flat[at + 1] ?? ''
  return fields
}

const urlOf = (key: string): string => key.split('/').map(encodeURIComponent).join('/')

describe("the fields are AWS's own signer's, byte for byte", () => {
  test.each([
    '/bucket/talk/index.m3u8',
    '/bucket/a b.mp4',
    '/bucket/a+b.mp4',
    '/bucket/a%2Bb.mp4',
    '/bucket/100%.mp4',
    '/bucket/%41.mp4',
    '/bucket//double//slashes/',
    '/bucket/für/日本/🎬.m4s',
    "/bucket/!$&'()*+,;=:@",
    '/bucket/"<>[]^`{|}\\#?',
    '/bucket/~tilde._-',
    '/bucket/a/./b',
    '/bucket/Policy=x&Signature=y',
    '/key-by-host',
  ])('for the key %s', async key => {
    expect(ourFields(urlOf(key), '', CREDENTIALS, 'store.example:9000')).toEqual(
      await awsFields(key, {}, CREDENTIALS, 'store.example:9000'),
    )
  })

  test.each<[string, Record<string, string>]>([
    ['versionId=abc', { versionId: 'abc' }],
    ['b=2&a=1&B=3&a-b=4', { b: '2', a: '1', B: '3', 'a-b': '4' }],
    ['acl', { acl: '' }],
    ['acl=', { acl: '' }],
    [
      'response-content-disposition=attachment%3B+filename%3D%22a+b.pdf%22',
      { 'response-content-disposition': 'attachment; filename="a b.pdf"' },
    ],
    ['x=%2B&y=a=b&z=%21%27%28%29%2A', { x: '+', y: 'a=b', z: "!'()*" }],
    ['%C3%BC=%C3%BC&=lost&', { ü: 'ü' }],
  ])('for the query %s', async (query, values) => {
    expect(ourFields('/b/k', query, CREDENTIALS, 's')).toEqual(
      await awsFields('/b/k', values, CREDENTIALS, 's'),
    )
  })

  test('for temporary credentials', async () => {
    const temporary = { ...CREDENTIALS, sessionToken: 'IQoJb3JpZ2luX2VjE//+=' }
    const fields = ourFields('/b/k', '', temporary, 's')
    expect(fields).toEqual(await awsFields('/b/k', {}, temporary, 's'))
    expect(fields['authorization']).toContain(
      'SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,',
    )
  })

  test('for any key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), async text => {
        expect(ourFields(urlOf(`/b/${text}`), '', CREDENTIALS, 's')).toEqual(
          await awsFields(`/b/${text}`, {}, CREDENTIALS, 's'),
        )
      }),
      { numRuns: 300 },
    )
  })
})

test("the signature of the example in Amazon's documentation comes out", () => {
  // Amazon S3 API Reference, "Signature Calculations: Transferring Payload in a Single Chunk", "GET Bucket Lifecycle".
  const fields = signS3(
    { method: 'GET', host: 'examplebucket.s3.amazonaws.com', path: '/', query: 'lifecycle=' },
    CREDENTIALS,
    'us-east-1',
    instant(Date.UTC(2013, 4, 24)),
  )
  expect(fields.at(-1)).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
      'SignedHeaders=host;x-amz-content-sha256;x-amz-date, ' +
      'Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  )
})

test('a path that is no UTF-8 is that of no key', () => {
  expect([s3Path('/a/%FF'), s3Path('/a/%'), s3Path('/a/%C3%28')]).toEqual([undefined, undefined, undefined])
})

test('every spelling of a key has one path', () => {
  expect(new Set(["/a!b'c", '/a%21b%27c', '/a%21b%27%63'].map(s3Path))).toEqual(new Set(['/a%21b%27c']))
})

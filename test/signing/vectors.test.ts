import { describe, expect, test } from 'vitest'
import { parsePolicy, policyText } from '../../src/signing/index.ts'
import { instant } from '../../src/core/index.ts'
import { decodeCloudFront, encodeCloudFront } from '../../src/signing/index.ts'
import { createHash } from 'node:crypto'
import { trustWith, vectorFile, verdictOf, word, type Arriving, type TrustOptions } from './edge.ts'

interface Vector extends Arriving {
  name: string
  expect: string
  /** Where the key group differs from one that accepts SHA-1 and refuses policies without Resource. */
  trust?: TrustOptions
}

const read = (file: string): Vector[] => JSON.parse(vectorFile(file)) as Vector[] // written by the scripts beside it

const FILES = ['aws.json', 'botocore.json', 'openssl.json']

describe.each(FILES)('signatures of %s get the verdict that they must', file => {
  test.each(read(file).map(vector => [vector.name, vector] as const))('%s', (_name, vector) => {
    expect(word(verdictOf(vector, trustWith(vector.trust ?? {})))).toBe(vector.expect)
  })
})

describe.each(FILES)('the vectors of %s are good and bad', file => {
  const vectors = read(file)
  const carried = ({ query, rawPath }: Vector): string =>
    /(^|&)Signature=/.test(query) ? 'query' : rawPath.startsWith('/~') ? 'path token' : 'cookie'

  test.each(['query', 'cookie', 'path token'])('for every key and hash by %s', by => {
    for (const key of ['rsa2048', 'p256']) {
      for (const hash of ['sha1', 'sha256']) {
        const made = vectors.filter(
          vector =>
            carried(vector) === by &&
            vector.name.startsWith(key) &&
            vector.name
              .toLowerCase()
              .replace('no algorithm', 'sha1')
              .split(/[ ,:]+/)[1] === hash,
        )
        expect(made.map(vector => vector.expect)).toEqual(
          expect.arrayContaining(['allowed', 'bad-signature', 'wrong-resource']),
        )
      }
    }
  })
})

describe('the bytes of policies are those of cloudfront.md §1.2', () => {
  const host = 'd111111abcdef8.cloudfront.net'
  const V1 = `{"Statement":[{"Resource":"https://${host}/horizon.jpg?size=large&license=yes","Condition":{"DateLessThan":{"AWS:EpochTime":1357034400}}}]}`
  const V2 = `{"Statement":[{"Resource":"https://${host}/live/ch1/*","Condition":{"DateLessThan":{"AWS:EpochTime":1893456000},"DateGreaterThan":{"AWS:EpochTime":1767225600},"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}}}]}`
  const digests = (text: string) => [
    Buffer.byteLength(text),
    createHash('sha1').update(text).digest('hex'),
    createHash('sha256').update(text).digest('hex'),
  ]

  test('V1, canned', () => {
    const text = policyText({
      resource: `https://${host}/horizon.jpg?size=large&license=yes`,
      expires: instant(1_357_034_400_000),
    })
    expect(text).toBe(V1)
    expect(digests(text)).toEqual([
      161,
      '1caf32c67df55e16c16b755c995955c18c3e2a74',
      '57bb0c07085bae8615dab81f853f43c486660357918fc7aa3ece1ed072f7a948',
    ])
    expect(encodeCloudFront(Buffer.from(text))).toBe(
      'eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiaHR0cHM6Ly9kMTExMTExYWJjZGVmOC5jbG91ZGZyb250Lm5ldC9ob3Jpem9uLmpwZz9zaXplPWxhcmdlJmxpY2Vuc2U9eWVzIiwiQ29uZGl0aW9uIjp7IkRhdGVMZXNzVGhhbiI6eyJBV1M6RXBvY2hUaW1lIjoxMzU3MDM0NDAwfX19XX0_',
    )
  })

  test('V2, custom', () => {
    const text = policyText({
      resource: `https://${host}/live/ch1/*`,
      expires: instant(1_893_456_000_000),
      notBefore: instant(1_767_225_600_000),
      address: '192.0.2.0/24',
    })
    expect(text).toBe(V2)
    expect(digests(text)).toEqual([
      228,
      '50f5714e2b01a9a356b3c8f08a5df3ffb7c4b73d',
      '0746df06a1ac4d357a786bc9d6b8df9e89837976f0287c2bf9830ef484c91c11',
    ])
    expect(encodeCloudFront(Buffer.from(text))).toBe(
      'eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiaHR0cHM6Ly9kMTExMTExYWJjZGVmOC5jbG91ZGZyb250Lm5ldC9saXZlL2NoMS8qIiwiQ29uZGl0aW9uIjp7IkRhdGVMZXNzVGhhbiI6eyJBV1M6RXBvY2hUaW1lIjoxODkzNDU2MDAwfSwiRGF0ZUdyZWF0ZXJUaGFuIjp7IkFXUzpFcG9jaFRpbWUiOjE3NjcyMjU2MDB9LCJJcEFkZHJlc3MiOnsiQVdTOlNvdXJjZUlwIjoiMTkyLjAuMi4wLzI0In19fV19',
    )
  })

  test("V3, AWS's cookie example, reads as what it says", () => {
    const V3 =
      '{"Statement":[{"Resource":"http://d111111abcdef8.cloudfront.net/game_download.zip","Condition":{"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"},"DateLessThan":{"AWS:EpochTime":1426500000}}}]}'
    const bytes = decodeCloudFront(encodeCloudFront(Buffer.from(V3)))
    const parsed = parsePolicy(bytes ?? new Uint8Array())
    expect(parsed).toMatchObject({
      kind: 'policy',
      policy: {
        resource: { text: 'http://d111111abcdef8.cloudfront.net/game_download.zip', scheme: 'http' },
        opens: ['view'],
        expires: 1_426_500_000_000,
        address: { text: '192.0.2.0/24', network: [192, 0, 2, 0], prefix: 24 },
      },
    })
  })
})

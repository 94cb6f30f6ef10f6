import { describe, expect, test } from 'vitest'
import { errorDocument, escapeXml, writeOutput, type Members } from '../../src/restxml/index.ts'
import { MODEL } from './cloudfront.ts'

const NS = 'xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"'
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
const write = (name: string, output: Members) => writeOutput(MODEL, MODEL.operations[name]!, output)

describe('an answer is written by its shape', () => {
  test('as document and fields, in the order of the model and without what it does not know', () => {
    const output = {
      ...{ Location: 'https://control/2020-05-31/key-group/kg', ETag: 'E1', Secret: 'x', Comment: undefined },
      KeyGroup: {
        KeyGroupConfig: { Items: ['K1', 'K<2>'], Name: 'a & b', Comment: undefined, Owner: 'me' },
        LastModifiedTime: new Date(Date.UTC(2026, 10, 23, 9, 0, 0, 5)),
        Id: 'kg',
        ETag: 'E1',
      },
    }
    expect(write('CreateKeyGroup', output)).toEqual({
      status: 201,
      headers: {
        location: 'https://control/2020-05-31/key-group/kg',
        etag: 'E1',
        'content-type': 'text/xml',
      },
      body:
        `${HEAD}<KeyGroup ${NS}><Id>kg</Id><LastModifiedTime>2026-11-23T09:00:00.005Z</LastModifiedTime>` +
        '<KeyGroupConfig><Name>a &amp; b</Name><Items><PublicKey>K1</PublicKey><PublicKey>K&lt;2&gt;</PublicKey>' +
        '</Items></KeyGroupConfig></KeyGroup>',
    })
  })

  test('with numbers, truth and lists of structures', () => {
    const list = {
      ...{ Marker: '', MaxItems: 100, IsTruncated: false, Quantity: 1 },
      Items: [{ Id: 'I1', CreateTime: new Date(0), Status: 'Completed' }],
    }
    expect(write('ListInvalidations', { InvalidationList: list }).body).toBe(
      `${HEAD}<InvalidationList ${NS}><Marker></Marker><MaxItems>100</MaxItems><IsTruncated>false</IsTruncated>` +
        '<Quantity>1</Quantity><Items><InvalidationSummary><Id>I1</Id><CreateTime>1970-01-01T00:00:00.000Z</CreateTime>' +
        '<Status>Completed</Status></InvalidationSummary></Items></InvalidationList>',
    )
  })

  test('without a document where the operation has none', () => {
    expect(write('DeleteKeyGroup', { ETag: 'E1' })).toEqual({ status: 204, headers: {}, body: undefined })
  })

  test('as the bytes themselves where the operation gives bytes', () => {
    const code = Buffer.from('function handler() {}')
    expect(
      write('GetFunction', { FunctionCode: code, ETag: 'E', ContentType: 'application/javascript' }),
    ).toEqual({
      status: 200,
      headers: { etag: 'E', 'content-type': 'application/javascript' },
      body: code,
    })
  })

  test('with no field that ends another', () => {
    expect(write('CreateKeyGroup', { Location: 'a\r\nSet-Cookie: é' }).headers).toEqual({
      location: 'a??Set-Cookie: ?',
    })
  })

  test('not at all, where it is of another shape', () => {
    expect(() => write('GetKeyGroup', { KeyGroup: 'kg' })).toThrow(
      'an answer has no members where KeyGroup has',
    )
    expect(() => write('ListInvalidations', { InvalidationList: { Items: 'x' } })).toThrow(
      'an answer has no list where InvalidationSummaryList is one',
    )
  })
})

test('an error is a document too', () => {
  const error = { code: 'NoSuchDistribution', message: 'no <E1>', status: 404, requestId: 'id' }
  const inside =
    '<Code>NoSuchDistribution</Code><Message>no &lt;E1&gt;</Message></Error><RequestId>id</RequestId>'
  expect(errorDocument(MODEL, error)).toBe(
    `${HEAD}<ErrorResponse ${NS}><Error><Type>Sender</Type>${inside}</ErrorResponse>`,
  )
  expect(errorDocument(MODEL, { ...error, status: 500 })).toContain('<Type>Receiver</Type>')
})

test('what XML cannot say is written as the character for that', () => {
  expect(escapeXml('a\u0000b\uD800c\r')).toBe('a\uFFFDb\uFFFDc&#xD;')
})

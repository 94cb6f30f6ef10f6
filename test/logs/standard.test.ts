import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  fieldText,
  readFacts,
  readFieldText,
  readStandardLine,
  STANDARD_FIELDS,
  STANDARD_HEAD,
  standardLine,
  standardValues,
} from '../../src/logs/index.ts'
import { AROUND, FULL, PLAIN } from './facts.ts'

test('a file begins with its version and its 33 fields', () => {
  expect(STANDARD_FIELDS).toHaveLength(33)
  expect(STANDARD_HEAD).toBe(
    '#Version: 1.0\n' +
      '#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) ' +
      'cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol ' +
      'cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type ' +
      'cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte ' +
      'x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n',
  )
})

test('a line has all that is known, with a hyphen for the rest, at the second in which the answer ended', () => {
  const line = [
    ...['2026-11-22', '13:00:00', 'zrh1', '1234', '192.0.2.7', 'POST', 'e1.cdn.localhost'],
    ...['/live/a%2520b.m3u8', '206', 'https://b.example/?a=b', 'Mozilla/5.0%20(X11;%20%22q%22)'],
    'a=b&CMCD=br%253D3200%252Cbs%252Csid%253D%2522s%2522%252Cot%253Dv%252Ccom.example-x%253D1',
    ...['a=b;%20c=d', 'Miss', 'r1', 'a.example', 'https', '411', '0.061'],
    ...['198.51.100.1,%20198.51.100.2', 'TLSv1.3', 'TLS_AES_128_GCM_SHA256', 'Miss', 'HTTP/2.0'],
    ...['Processed', '2', '50123', '0.012', 'Miss', 'text/plain;%20charset=utf-8', '1234', '0', '1233'],
  ]
  expect(standardLine(FULL, AROUND)).toBe(`${line.join('\t')}\n`)
  const bare = [
    ...[
      '2026-11-22',
      '13:00:00',
      'zrh1',
      '7',
      '-',
      'GET',
      'e1.cdn.localhost',
      '-',
      '200',
      '-',
      '-',
      '-',
      '-',
    ],
    ...['Hit', 'r1', '-', '-', '-', '0.003', '-', '-', '-', 'Hit', 'HTTP/1.1', '-', '-', '-', '-', 'Hit'],
    ...['-', '-', '-', '-'],
  ]
  expect(standardLine({ ...PLAIN, ms: 3 }, AROUND)).toBe(`${bare.join('\t')}\n`)
})

test('a viewer who left before there was an answer has the status 000, and a connection that left HTTP is a web socket', () => {
  const left = standardValues({ ...PLAIN, status: 0, complete: false, result: 'Error' }, AROUND)
  expect(left).toMatchObject({
    'sc-status': '000',
    'x-edge-detailed-result-type': 'ClientHungUpRequest',
  })
  expect(standardValues({ ...PLAIN, status: 101, scheme: 'http' }, AROUND)['cs-protocol']).toBe('ws')
  expect(standardValues({ ...PLAIN, status: 101, scheme: 'https' }, AROUND)['cs-protocol']).toBe('wss')
})

test('CloudFront escapes these bytes and no others', () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))
  const escaped = all.filter(char => fieldText(char) !== char)
  const known = all.filter((char, byte) => byte <= 32 || byte >= 127 || '<>"#%{}|\\^~[]`\'-'.includes(char))
  expect(escaped).toEqual(known)
  // Alone it would say that there is nothing.
  expect([fieldText('-'), fieldText('a-b'), fieldText('')]).toEqual(['%2D', 'a-b', '-'])
  expect(fieldText('ü')).toBe('%FC')
  expect(fieldText('日')).toBe('%E6%97%A5')
})

test('any bytes in any field make one line of 33 fields that says the same again', () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map(each => Buffer.from(each).toString('latin1'))
  const text = fc.option(fc.oneof(bytes, fc.constantFrom('-', '\t', '\n', '%41', '\r\n#Fields: x')), {
    nil: undefined,
  })
  const names = [
    ...([
      'address',
      'host',
      'path',
      'form',
      'scheme',
      'tls',
      'cipher',
      'agent',
      'referer',
      'cookie',
    ] as const),
    ...(['forwardedFor', 'query', 'type', 'length'] as const),
  ]
  const given = fc.record(Object.fromEntries(names.map(name => [name, text])))
  fc.assert(
    fc.property(given, bytes, (some, method) => {
      const facts = { ...FULL, ...some, method } // each of these may be a text
      const line = standardLine(facts, AROUND)
      expect(line.endsWith('\n') && line.indexOf('\n') === line.length - 1).toBe(true)
      expect(line).toMatch(/^[\x21-\x7e\t]+\n$/)
      const read = readStandardLine(line)
      const values = standardValues(facts, AROUND)
      for (const field of STANDARD_FIELDS) expect(read?.get(field)).toBe(values[field] || undefined)
    }),
  )
})

test('what is no line is none', () => {
  expect(readStandardLine(STANDARD_HEAD)).toBeUndefined()
  expect(readFieldText('-')).toBeUndefined()
  for (const line of ['', '{"time":', '{}', '1', 'null', '{"time":"never","id":"a"}'])
    expect(readFacts(line)).toBeUndefined()
  const { time, ...rest } = FULL
  const line = JSON.stringify({ time: new Date(time).toISOString(), ...rest })
  expect(readFacts(line)).toEqual(FULL)
})

import { describe, expect, test } from 'vitest'
import {
  acceptsCoding,
  codingsOf,
  isCompressible,
  mayTransform,
  preferredCoding,
} from '../../src/http/index.ts'

describe('the coding that a viewer is sent', () => {
  test.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['GZip , DEFLATE', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip;q=1.0, br;q=0.9', 'gzip'],
    ['gzip;q=0.5,br;q=0.5', 'br'],
    ['gzip ; Q=0.2', 'gzip'],
    ['gzip;q=0', 'identity'],
    ['gzip;q=0.000', 'identity'],
    ['br;q=0, gzip;q=0.001', 'gzip'],
    ['*', 'br'],
    ['*;q=0', 'identity'],
    ['gzip, *;q=0', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['identity', 'identity'],
    ['identity;q=0', 'identity'],
    ['identity;q=0, gzip', 'gzip'],
    ['identity;q=1, gzip;q=0.5', 'identity'],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['gzip;q=0, gzip;q=1', 'identity'],
    ['deflate, zstd, compress', 'identity'],
    // What is no member says nothing.
    ['gzip;q=2', 'identity'],
    ['gzip;q=0.1234', 'identity'],
    ['gzip;q=high', 'identity'],
    ['gzip;level=9', 'identity'],
    ['gzip br', 'identity'],
    [',, gzip ,', 'gzip'],
    ['br\u00e9', 'identity'],
    [`${'x,'.repeat(5000)}br`, 'br'],
  ])('%j: %s', (header, coding) => {
    expect(preferredCoding(header)).toBe(coding)
  })
})

test.each([
  [undefined, 'gzip', false],
  ['gzip', 'gzip', true],
  ['X-GZIP', 'gzip', true],
  ['gzip;q=0', 'gzip', false],
  ['*', 'zstd', true],
  ['*, zstd;q=0', 'zstd', false],
  ['br', 'gzip', false],
])('whether %j takes %s: %j', (header, coding, takes) => {
  expect(acceptsCoding(header, coding)).toBe(takes)
})

test.each([
  [[], []],
  [['Content-Encoding', 'gzip'], ['gzip']],
  [['content-encoding', 'X-Gzip'], ['gzip']],
  [['Content-Encoding', 'identity'], []],
  [
    ['Content-Encoding', 'gzip, br'],
    ['gzip', 'br'],
  ],
  [
    ['Content-Encoding', 'gzip', 'Content-Encoding', 'Zstd'],
    ['gzip', 'zstd'],
  ],
  [['Content-Encoding', ''], []],
])('%j is in %j', (headers, codings) => {
  expect(codingsOf(headers)).toEqual(codings)
})

describe('an answer is compressed', () => {
  const of = (type: string, status = 200, more: string[] = [], length = 5000): boolean =>
    isCompressible({ status, headers: ['Content-Type', type, ...more] }, length)

  test.each([
    ...['application/vnd.apple.mpegurl', 'application/x-mpegURL', 'audio/mpegurl', 'application/dash+xml'],
    ...['text/vtt', 'text/vtt; charset=utf-8', 'TEXT/HTML;charset=UTF-8', 'text/css', 'text/javascript'],
    ...['application/json', 'application/ld+json', 'application/atom+xml', 'application/xml', 'text/plain'],
    ...['image/svg+xml', 'font/ttf', 'font/otf', 'application/vnd.ms-fontobject', 'application/javascript'],
  ])('when it is %s', type => {
    expect(of(type)).toBe(true)
  })

  test.each([
    ...['video/mp4', 'video/iso.segment', 'video/mp2t', 'audio/mp4', 'audio/aac', 'image/png', 'image/jpeg'],
    ...['image/webp', 'font/woff', 'font/woff2', 'application/zip', 'application/gzip', 'application/pdf'],
    ...['application/octet-stream', 'text/event-stream', 'multipart/byteranges', 'video/x+xml', '', 'text'],
    ...['/', 'text/plain/html', 'text/'],
  ])('but not when it is %j', type => {
    expect(of(type)).toBe(false)
  })

  test.each([
    [200, true],
    [403, true],
    [404, true],
    [201, false],
    [204, false],
    [206, false],
    [304, false],
    [301, false],
    [500, false],
  ])('of status %d: %j', (status, compressed) => {
    expect(of('text/plain', status)).toBe(compressed)
  })

  test.each([
    [999, false],
    [1_000, true],
    [10_000_000, true],
    [10_000_001, false],
    [Number.NaN, false],
  ])('of %d bytes: %j', (length, compressed) => {
    expect(of('text/plain', 200, [], length)).toBe(compressed)
  })

  test('unless it is in a coding, or is not to be changed', () => {
    expect(of('text/plain', 200, ['Content-Encoding', 'gzip'])).toBe(false)
    expect(of('text/plain', 200, ['Content-Encoding', 'unheard-of'])).toBe(false)
    expect(of('text/plain', 200, ['Content-Encoding', 'identity'])).toBe(true)
    expect(of('text/plain', 200, ['Cache-Control', 'max-age=5, No-Transform'])).toBe(false)
    expect(mayTransform(['Cache-Control', 'public', 'Cache-Control', 'no-transform'])).toBe(false)
    expect(mayTransform(['Cache-Control', 'x-no-transform'])).toBe(true)
    expect(isCompressible({ status: 200, headers: [] }, 5000)).toBe(false)
  })
})

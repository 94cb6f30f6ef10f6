import { describe, expect, test } from 'vitest'
import { findCarrier, stripPlayer, stripSigning } from '../../src/signing/index.ts'

const token = { policy: 'P', signature: 'S', keyId: 'K' }
const COOKIES = 'CloudFront-Policy=cp; CloudFront-Signature=cs; CloudFront-Key-Pair-Id=ck'
const custom = { statement: { kind: 'custom', policy: 'P' }, signature: 'S', keyId: 'K' }
const canned = { statement: { kind: 'canned', expires: '5' }, signature: 'S', keyId: 'K' }

describe('a grant in the query is found', () => {
  test.each([
    ['Policy=P&Signature=S&Key-Pair-Id=K', { ...custom, hash: 'sha1' }],
    ['Key-Pair-Id=K&Signature=S&Policy=P', { ...custom, hash: 'sha1' }],
    ['a=1&Policy=P&b=2&Signature=S&Key-Pair-Id=K&c=3', { ...custom, hash: 'sha1' }],
    ['Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=SHA256', { ...custom, hash: 'sha256' }],
    ['Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=SHA1', { ...custom, hash: 'sha1' }],
    ['Expires=5&Signature=S&Key-Pair-Id=K', { ...canned, hash: 'sha1' }],
    ['Expires=5&Signature=S&Key-Pair-Id=K&policy=own&expires=own', { ...canned, hash: 'sha1' }],
  ])('%s', (query, found) => {
    expect(findCarrier({ query })).toEqual({ kind: 'carrier', via: 'query', ...found })
  })
})

describe('a grant in cookies is found', () => {
  const of = (found: object) => ({ kind: 'carrier', via: 'cookie', ...found })
  const three = 'CloudFront-Policy=P; CloudFront-Signature=S; CloudFront-Key-Pair-Id=K'
  test.each([
    [three, { ...custom, hash: 'sha1' }],
    [three.replaceAll('; ', ';'), { ...custom, hash: 'sha1' }],
    [`a=1; ${three}; session=CloudFront-x`, { ...custom, hash: 'sha1' }],
    [`${three}; CloudFront-Hash-Algorithm=SHA256`, { ...custom, hash: 'sha256' }],
    ['CloudFront-Expires=5; CloudFront-Signature=S; CloudFront-Key-Pair-Id=K', { ...canned, hash: 'sha1' }],
    [
      'CloudFront-Policy="P"; CloudFront-Signature="S"; CloudFront-Key-Pair-Id="K"',
      { ...custom, hash: 'sha1' },
    ],
    [`${three}; ${three}`, { ...custom, hash: 'sha1' }],
    [`${three}; CloudFront-Viewer-Country=DE`, { ...custom, hash: 'sha1' }],
  ])('%s', (cookies, found) => {
    expect(findCarrier({ query: '', cookies })).toEqual(of(found))
  })
})

test('a path token may be signed with either hash', () => {
  expect(findCarrier({ query: 'a=1', token, cookies: COOKIES })).toEqual({
    kind: 'carrier',
    via: 'path',
    ...custom,
    hash: 'either',
  })
})

describe('the URL counts before the path token, and that before the cookies', () => {
  const signed = 'Policy=P&Signature=S&Key-Pair-Id=K'
  test.each([
    ['all three', { query: signed, token, cookies: COOKIES }, 'query'],
    ['query and cookies', { query: signed, cookies: COOKIES }, 'query'],
    ['token and cookies', { query: '', token, cookies: COOKIES }, 'path'],
    ['cookies alone', { query: 'policy=1', cookies: COOKIES }, 'cookie'],
  ])('%s', (_name, sources, via) => {
    expect(findCarrier(sources)).toMatchObject({ kind: 'carrier', via })
  })

  test.each(['Expires=5', 'Policy=x', 'Signature=x', 'Key-Pair-Id=K', 'Hash-Algorithm=SHA256', 'Policy'])(
    '%s alone makes it a signed URL, and the cookies are ignored',
    query => {
      const expected = query === 'Key-Pair-Id=K' ? 'malformed' : 'keyless'
      expect(findCarrier({ query, token, cookies: COOKIES }).kind).toBe(expected)
    },
  )
})

describe('no grant', () => {
  test.each([
    ['', undefined],
    ['a=1&policy=x&SIGNATURE=y&MyPolicy=z&Policy2=1&key-pair-id=K', 'a=b'],
    ['x=Policy&y=Signature', ''],
    ['', 'cloudfront-policy=P; XCloudFront-Policy=P; CloudFront-Policy; CloudFront=1; CloudFront-Other=1'],
  ])('%s with cookies %s', (query, cookies) => {
    expect(findCarrier({ query, cookies })).toEqual({ kind: 'none' })
  })
})

describe('part of a grant without a Key-Pair-Id is as good as none', () => {
  test.each([
    ['Policy=P&Signature=S', undefined, 'Key-Pair-Id is missing in the URL'],
    ['Policy=P&Signature=S&Key-Pair-Id=', COOKIES, 'Key-Pair-Id is missing in the URL'],
    ['Hash-Algorithm=SHA256', COOKIES, 'Key-Pair-Id is missing in the URL'],
    ['Policy=P&Policy=P&Signature=S', COOKIES, 'Key-Pair-Id is missing in the URL'],
    ['', 'CloudFront-Policy=P; CloudFront-Policy=Q', 'Key-Pair-Id is missing in the cookies'],
    ['', 'CloudFront-Policy=P; CloudFront-Signature=S', 'Key-Pair-Id is missing in the cookies'],
  ])('%s with cookies %s', (query, cookies, why) => {
    expect(findCarrier({ query, cookies })).toEqual({ kind: 'keyless', why })
  })
})

describe('part of a grant, or too much, is malformed', () => {
  test.each([
    ['Policy=P&Key-Pair-Id=K', 'Signature is missing in the URL'],
    ['Signature=S&Key-Pair-Id=K', 'Policy or Expires is missing in the URL'],
    ['Policy=&Signature=S&Key-Pair-Id=K', 'Policy or Expires is missing in the URL'],
    [
      'Policy=P&Expires=5&Signature=S&Key-Pair-Id=K',
      'Expires and Policy exclude each other and both are in the URL',
    ],
    [
      'Policy=P&Expires=&Signature=S&Key-Pair-Id=K',
      'Expires and Policy exclude each other and both are in the URL',
    ],
    ['Policy=P&Policy=P&Signature=S&Key-Pair-Id=K', 'the URL has Policy twice'],
    ['Policy=P&Signature=S&Signature=T&Key-Pair-Id=K', 'the URL has Signature twice'],
    ['Policy=P&Signature=S&Key-Pair-Id=K&Key-Pair-Id=K', 'the URL has Key-Pair-Id twice'],
    ['Policy=P&Signature=S&Key-Pair-Id=&Key-Pair-Id=K', 'the URL has Key-Pair-Id twice'],
    ['Expires=5&Expires=5&Signature=S&Key-Pair-Id=K', 'the URL has Expires twice'],
    [
      'Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=SHA256&Hash-Algorithm=SHA1',
      'the URL has Hash-Algorithm twice',
    ],
    ['Expires=soon&Signature=S&Key-Pair-Id=K', 'Expires is not in Unix seconds'],
    ['Expires=-5&Signature=S&Key-Pair-Id=K', 'Expires is not in Unix seconds'],
    ['Expires=05&Signature=S&Key-Pair-Id=K', 'Expires is not in Unix seconds'],
    ['Expires=1e9&Signature=S&Key-Pair-Id=K', 'Expires is not in Unix seconds'],
    ['Expires=1798761600000&Signature=S&Key-Pair-Id=K', 'Expires is not in Unix seconds'],
    ['Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=MD5', 'Hash-Algorithm is neither SHA1 nor SHA256'],
    ['Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=', 'Hash-Algorithm is neither SHA1 nor SHA256'],
    ['Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=sha256', 'Hash-Algorithm is neither SHA1 nor SHA256'],
  ])('%s: %s', (query, why) => {
    expect(findCarrier({ query })).toEqual({ kind: 'malformed', why })
  })

  test.each([
    [`${COOKIES}; CloudFront-Expires=5`, 'Expires and Policy exclude each other and both are in the cookies'],
    [`${COOKIES}; CloudFront-Policy=other`, 'the cookie CloudFront-Policy comes twice with different values'],
    [
      `${COOKIES}; CloudFront-Key-Pair-Id=other`,
      'the cookie CloudFront-Key-Pair-Id comes twice with different values',
    ],
  ])('%s: %s', (cookies, why) => {
    expect(findCarrier({ query: '', cookies })).toEqual({ kind: 'malformed', why })
  })
})

describe('signing parameters are taken out of a query and nothing else is touched', () => {
  test.each([
    ['', ''],
    ['a=1&b=2', 'a=1&b=2'],
    ['Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=SHA256', ''],
    ['Expires=5&Signature=S&Key-Pair-Id=K', ''],
    ['b=2&a=1&Expires=5&Signature=S&Key-Pair-Id=K', 'b=2&a=1'],
    ['Expires=5&b=2&Signature=S&a=1&Key-Pair-Id=K&c', 'b=2&a=1&c'],
    ['a=%2f%2F+x&Policy=P&b=%zz', 'a=%2f%2F+x&b=%zz'],
    ['a=1&&b=2&Policy=P&', 'a=1&&b=2&'],
    ['policy=own&MyPolicy=own&a=Policy=x&Expires', 'policy=own&MyPolicy=own&a=Policy=x'],
    ['Policy=1&Policy=2', ''],
  ])('%s becomes %s', (query, own) => {
    expect(stripSigning(query)).toBe(own)
  })

  test.each([
    ['a=1', 'a=1'],
    ['_HLS_msn=7&_HLS_part=1&_HLS_skip=YES', ''],
    ['a=1&_HLS_msn=7&b=2&CMCD=bl%3D3', 'a=1&b=2'],
    ['CMCDX=1&x_HLS_=1&cmcd=1', 'CMCDX=1&x_HLS_=1&cmcd=1'],
  ])("players' parameters likewise: %s becomes %s", (query, own) => {
    expect(stripPlayer(query)).toBe(own)
  })
})

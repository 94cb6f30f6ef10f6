import { describe, expect, test } from 'vitest'
import { encodeCloudFront, takePathToken, withPathToken } from '../../src/signing/index.ts'

const policy = encodeCloudFront(Buffer.from('{"Statement":[{}]}?>~~'))
const token = { policy, signature: 'Ab-_~9', keyId: 'K2JCJMDEHXQW5F' }

test('a token is taken off and leaves the path that is asked for', () => {
  expect(policy).toContain('-')
  expect(takePathToken(withPathToken('/members/talk/index.m3u8', token))).toEqual({
    token,
    rest: '/members/talk/index.m3u8',
    lookalike: undefined,
  })
})

test.each([
  ['nothing behind it', '', '/'],
  ['a slash behind it', '/', '/'],
  ['an escaped path, left as sent', '/%6Dembers/x', '/%6Dembers/x'],
  ['two slashes', '//members/x', '//members/x'],
  ['dot segments, left for the canonical path to refuse', '/../x', '/../x'],
])('with %s', (_name, behind, rest) => {
  expect(takePathToken(withPathToken(behind, token))).toEqual({ token, rest, lookalike: undefined })
})

test('only one token is taken; a second is part of an ordinary path', () => {
  const second = withPathToken('/members/x', token)
  expect(takePathToken(withPathToken(second, token))).toEqual({ token, rest: second, lookalike: undefined })
})

test('every tilde may come percent-encoded', () => {
  const sent = withPathToken('/members/x', token).replaceAll('~', '%7E')
  expect(sent.startsWith('/%7E')).toBe(true)
  expect(takePathToken(sent)).toEqual({ token, rest: '/members/x', lookalike: undefined })
})

describe('three dotted parts that are no token are reported with the path behind them', () => {
  const long = encodeCloudFront(Buffer.from('["Statement"]'))
  test.each([
    ['plain words', '/~a.b.c/members/x', '/members/x'],
    ['no path behind', '/~a.b.c', '/'],
    ['an empty part', `/~${policy}..K/members/x`, '/members/x'],
    ['three empty parts', '/~../members/x', '/members/x'],
    ['a policy that is no object', `/~${long}.S.K/members/x`, '/members/x'],
    ['a policy cut short', `/~${policy.slice(0, -1)}.S.K/members/x`, '/members/x'],
    ['foreign characters', `/~${policy}.S+S.K/members/x`, '/members/x'],
    ['escaped dots', `/~${policy}%2ES%2eK/members/x`, '/members/x'],
    ['an escape in the key', `/~${policy}.S.%4B/members/x`, '/members/x'],
    ['base64 of white space and an object', `/~${encodeCloudFront(Buffer.from(' {}'))}.S.K/m`, '/m'],
  ])('%s', (_name, path, lookalike) => {
    expect(takePathToken(path)).toEqual({ token: undefined, rest: path, lookalike })
  })
})

describe('anything else is an ordinary path', () => {
  test.each([
    '/',
    '/members/x',
    '/~',
    '/~user/x',
    '/~a.b/x',
    `/~${policy}.S/members/x`,
    `/~${policy}.S.K.more/members/x`,
    `/members/~${policy}.S.K/x`,
    `//~${policy}.S.K/x`,
    `/${policy}.S.K/members/x`,
    '~a.b.c/x',
    '',
    '*',
    'http://h/~a.b.c/x',
  ])('%s', path => {
    expect(takePathToken(path)).toEqual({ token: undefined, rest: path, lookalike: undefined })
  })
})

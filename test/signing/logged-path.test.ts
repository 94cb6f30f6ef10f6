import { expect, test } from 'vitest'
import { loggedPath } from '../../src/signing/index.ts'

const P = 'eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiKiJ9XX0_'
const S = 'MEQCIHzEe3wez9bMInNST4orfRiRRPaode3bKbDoHeHwwxw6AiAnVAUUyhWKBKq-C6GkwVXkgr8Ak~wROTmRunG~st5Znw__'
const K = 'KC6WTW1JA4YP6Y'
const SHA256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

test.each([
  ['/members/talk/index.m3u8', '/members/talk/index.m3u8'],
  [`/files/${SHA256}.mp4`, `/files/${SHA256}.mp4`],
  ['/a;v=1/b&c/%E3%81%82.mp4', '/a;v=1/b&c/%E3%81%82.mp4'],
  ['/~user/a.b.c', '/~user/a.b.c'],
  [`/~${P}.${S}.${K}/members/a`, '/~token/members/a'],
  [`/x/%7E${P}%2e${S}%2E${K}/members/a`, '/x/~token/members/a'],
  [`/~${P}.${S}.${K}.x/members/a`, '/~token/members/a'],
  [`/~${P}.${S}/members/a`, '/~….…/members/a'],
  [`/~${S}.${K}/members/a`, `/….${K}/members/a`],
  [`/${P}.${S}.${K}/members/a`, `/….….${K}/members/a`],
  [`/~${P}/${S}/${K}/members/a`, `/~…/…/${K}/members/a`],
  [`/members/a&Policy=${P}&Signature=${S}&Key-Pair-Id=${K}`, '/members/a&…'],
  [`/members/a%3FPolicy%3D${P}%26Signature%3D${S}`, '/members/a%3F…'],
  [`/members/a;CloudFront-Signature=short`, '/members/a;CloudFront-…'],
  [`/members/a;signature=short`, '/members/a;…'],
  [`/members/a/${S.replaceAll('-', '%2B')}`, '/members/a/…'],
])('%s is logged as %s', (path, logged) => {
  expect(loggedPath(path)).toBe(logged)
})

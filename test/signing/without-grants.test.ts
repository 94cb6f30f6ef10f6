import { expect, test } from 'vitest'
import { withoutGrants } from '../../src/signing/index.ts'

const TOKEN = `/~${Buffer.from('{"Statement":[]}').toString('base64url')}__.c2lnbmF0dXJl.KEY`

test.each<[string, string, string, string | undefined]>([
  ['cookies of a site stay as they came', 'cookie', 'a=b;c="d; e"', 'a=b;c="d; e"'],
  ['those of a grant go', 'cookie', 'a=b; CloudFront-Policy=x; CloudFront-Signature=y; c=d', 'a=b; c=d'],
  [
    'all of them',
    'cookie',
    'CloudFront-Key-Pair-Id=x;CloudFront-Expires=1; CloudFront-Hash-Algorithm=z',
    undefined,
  ],
  ['spaces before the sign do not keep one', 'cookie', ' CloudFront-Signature =x; a=b', 'a=b'],
  ['a token of an issuer goes', 'cookie', 'a=b; login=eyJ; c=d', 'a=b; c=d'],
  [
    'another that is named like one stays',
    'cookie',
    'CloudFront-Viewer=1; xlogin=2',
    'CloudFront-Viewer=1; xlogin=2',
  ],
  ['a page stays as it came', 'referer', 'https://a.example/b?c=d', 'https://a.example/b?c=d'],
  [
    'one with a signature loses it',
    'referer',
    'https://a.example/b?Policy=x&c=d&Signature=y&Key-Pair-Id=z',
    'https://a.example/b?c=d',
  ],
  [
    'one that has nothing else too',
    'referer',
    'https://a.example/b?Expires=1&Signature=y&Key-Pair-Id=z',
    'https://a.example/b',
  ],
  ['one behind a token loses that', 'referer', `https://a.example${TOKEN}/b/c?d`, 'https://a.example/b/c?d'],
  ['one behind what looks like one too', 'referer', 'https://a.example/~a.b.c/d', 'https://a.example/d'],
  ['a path alone is a page as well', 'referer', `${TOKEN}/b`, '/b'],
  [
    'other fields are not looked into',
    'x-page',
    'https://a.example/b?Signature=y',
    'https://a.example/b?Signature=y',
  ],
])('%s', (_, name, value, expected) => {
  expect(withoutGrants(name, value, () => ['login'])).toBe(expected)
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalPath, canonicalPattern } from '../../src/core/index.ts'

const made = (raw: string) => {
  const result = canonicalPath(raw)
  return result.kind === 'ok' ? result.path : `bad: ${result.why}`
}

describe('one spelling for every path (SEAMS 1)', () => {
  test.each([
    ['/', '/'],
    ['/a', '/a'],
    ['/a/', '/a/'],
    ['/members/talk/index.m3u8', '/members/talk/index.m3u8'],
    ['/%6Dembers/x', '/members/x'],
    ['/%6d%65%6D%62%65%72%73/x', '/members/x'],
    ['/a%2Db%5Fc%7Ed%2Ee', '/a-b_c~d.e'],
    ['/%7Euser', '/~user'],
    ['/~user', '/~user'],
    ['/a%20b', '/a%20b'],
    ['/f%c3%bcr', '/f%C3%BCr'],
    ['/100%25', '/100%25'],
    ['/a%252fb', '/a%252fb'],
    ['/a%3fb%23c', '/a%3Fb%23c'],
    ['/a%21!', '/a%21!'],
    ["/a$&'()*+,;=:@b", "/a$&'()*+,;=:@b"],
    ['//a', '//a'],
    ['/a//b', '/a//b'],
    ['//', '//'],
    ['/.well-known/x', '/.well-known/x'],
    ['/...', '/...'],
    ['/..a/a../a..b/.a', '/..a/a../a..b/.a'],
    ['/a;v=1/..a;b/c..;', '/a;v=1/..a;b/c..;'],
    ['/A', '/A'],
    // RFC 3986 section 3.3 lets these stand in no path; browsers send some of them all the same.
    ['/a#b', '/a%23b'],
    ['/a?b', '/a%3Fb'],
    ['/a"b<c>d', '/a%22b%3Cc%3Ed'],
    ['/a[0]|{b}^`', '/a%5B0%5D%7C%7Bb%7D%5E%60'],
  ])('%s becomes %s', (raw, canonical) => {
    expect(made(raw)).toBe(canonical)
  })
})

describe('what cannot be one is refused with 400', () => {
  test.each([
    ['', 'not-absolute'],
    ['a', 'not-absolute'],
    ['*', 'not-absolute'],
    ['%2Fa', 'not-absolute'],
    ['http://h/a', 'not-absolute'],
    ['/a b', 'control-byte'],
    ['/a\tb', 'control-byte'],
    ['/a\u0000', 'control-byte'],
    ['/a\u007f', 'control-byte'],
    ['/a%00', 'control-byte'],
    ['/a%0d%0ab', 'control-byte'],
    ['/a%1F', 'control-byte'],
    ['/a%7f', 'control-byte'],
    ['/für', 'non-ascii'],
    ['/a\ud800', 'non-ascii'],
    ['/%', 'bad-escape'],
    ['/%2', 'bad-escape'],
    ['/%zz', 'bad-escape'],
    ['/%u0041', 'bad-escape'],
    ['/%+1', 'bad-escape'],
    ['/a%2', 'bad-escape'],
    ['/a\\b', 'backslash'],
    ['/..\\a', 'backslash'],
    ['/a%2fb', 'encoded-slash'],
    ['/a%2Fb', 'encoded-slash'],
    ['/a%5cb', 'encoded-slash'],
    ['/.', 'dot-segment'],
    ['/..', 'dot-segment'],
    ['/./a', 'dot-segment'],
    ['/a/../b', 'dot-segment'],
    ['/a/..', 'dot-segment'],
    ['/a/.', 'dot-segment'],
    ['/a/./', 'dot-segment'],
    // Servers that drop parameters of a segment walk up by it.
    ['/a/..;/b', 'dot-segment'],
    ['/a/..;v=1/b', 'dot-segment'],
    ['/a/%2e%2E;/b', 'dot-segment'],
    ['/a/..%3b/b', 'dot-segment'],
    ['/a/.;', 'dot-segment'],
    ['//..//', 'dot-segment'],
    ['/%2e', 'dot-segment'],
    ['/%2e%2E/a', 'dot-segment'],
    ['/.%2e/a', 'dot-segment'],
    ['/a/%2e%2e', 'dot-segment'],
    ['/members/%2e%2e/open/x', 'dot-segment'],
  ])('%j is %s', (raw, why) => {
    expect(made(raw)).toBe(`bad: ${why}`)
  })
})

describe('a behaviour may keep escaped slashes', () => {
  const keep = (raw: string) => canonicalPath(raw, { encodedSlashes: 'keep' })
  test.each([
    ['/a%2fb', '/a%2Fb'],
    ['/a%5cb', '/a%5Cb'],
    ['/a%2f..b', '/a%2F..b'],
  ])('%s becomes %s', (raw, path) => {
    expect(keep(raw)).toEqual({ kind: 'ok', path })
  })
  test.each(['/a%2f..%2fb', '/a/..%2fb', '/a%2f%2e%2e/b', '/..%5cb', '/a%2f..', '/%2f./b'])(
    'but %s would walk up at an origin that decodes them',
    raw => {
      expect(keep(raw)).toEqual({ kind: 'bad', why: 'dot-segment' })
    },
  )
})

const piece = fc.constantFrom(
  '/',
  'a',
  'B',
  '9',
  '.',
  '..',
  '~',
  '-',
  '_',
  '%',
  '%41',
  '%2e',
  '%2E',
  '%2f',
  '%5C',
  '%7e',
  '%25',
  '%c3',
  '%20',
  '%00',
  '#',
  '"',
  '\\',
  ' ',
  'é',
  '//',
  '!',
  ';',
)

test('a canonical path is its own canonical path', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.constantFrom('keep' as const, 'refuse' as const),
      (pieces, encodedSlashes) => {
        const once = canonicalPath(`/${pieces.join('')}`, { encodedSlashes })
        if (once.kind === 'ok') expect(canonicalPath(once.path, { encodedSlashes })).toEqual(once)
      },
    ),
    { numRuns: 5000 },
  )
})

test('a canonical path means the same bytes as the path that was sent', () => {
  const bytes = (path: string) =>
    Buffer.from(
      path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
      'latin1',
    )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const raw = `/${pieces.join('')}`
      const result = canonicalPath(raw)
      if (result.kind === 'ok') expect(bytes(result.path)).toEqual(bytes(raw))
    }),
    { numRuns: 3000 },
  )
})

test('two spellings of a path differ in canonical form only where RFC 3986 says that they may mean two things', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z0-9._~-]{1,12}$/),
      fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      (name, escaped) => {
        const spelled = [...name]
          .map((char, at) => (escaped[at] === true ? `%${char.charCodeAt(0).toString(16)}` : char))
          .join('')
        expect(made(`/x${spelled}`)).toBe(made(`/x${name}`))
      },
    ),
  )
})

describe('patterns are spelled like the paths that they meet', () => {
  test.each([
    ['/members/*', '/members/*'],
    ['*', '*'],
    ['/a?c', '/a?c'],
    ['/%6Dembers/*', '/members/*'],
    ['/f%c3%bcr/*', '/f%C3%BCr/*'],
    ['/für/*', '/f%C3%BCr/*'],
    ['/a b/*', '/a%20b/*'],
    ['/a"b', '/a%22b'],
    ['/a%2Ab', '/a%2Ab'],
    ['/a%3fb', '/a%3Fb'],
    ['/100%', '/100%'],
    ['/\ud800', '/%EF%BF%BD'],
    ['/😀', '/%F0%9F%98%80'],
  ])('%s becomes %s', (pattern, canonical) => {
    expect(canonicalPattern(pattern)).toBe(canonical)
    expect(canonicalPattern(canonical)).toBe(canonical)
  })
})

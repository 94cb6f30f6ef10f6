import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalPath, type DistributionId, type KeyGroupId } from '../../src/core/index.ts'
import {
  compileDistribution,
  compileMatcher,
  compilePattern,
  firstDistribution,
  globMatches,
  type Behaviour,
  type Distribution,
} from '../../src/distribution/index.ts'

const GROUP = 'kg-1' as KeyGroupId

function distribution(id: string, more: Partial<Distribution> = {}): Distribution {
  return { ...firstDistribution(id as DistributionId, 'cdn.localhost', GROUP), ...more }
}

function behaviours(...patterns: string[]): Behaviour[] {
  const [model] = distribution('E1').behaviours
  if (model === undefined) throw new Error('the first distribution has behaviours')
  return patterns.map(pattern => ({ ...model, pattern }))
}

/** RFC 3986 §2.2: what a path may hold raw and escaped. */
const DELIMITERS = [...`!$&'()*+,;=:@`]

describe('path patterns (cloudfront.md §2.3)', () => {
  test.each([
    ['*', '/', true],
    ['*', '/a/b', true],
    ['/*', '/a', true],
    ['/members/*', '/members/x', true],
    ['/members/*', '/members/', true],
    ['/members/*', '/members', false],
    ['/members/*', '/membership', false],
    ['/members/*', '/Members/x', false],
    ['/members/*', '//members/x', false],
    ['members/*', '/members/x', true],
    ['/members*', '/membership', true],
    ['images/*.jpg', '/images/a/b.jpg', true],
    ['images/*.jpg', '/images/.jpg', true],
    ['images/*.jpg', '/x/images/a.jpg', false],
    ['*.m3u8', '/a/b.m3u8', true],
    ['*.m3u8', '/a/b.m3u8x', false],
    ['*.m3u8', '/m3u8', false],
    ['/a?c', '/abc', true],
    ['/a?c', '/ac', false],
    ['/a?c', '/a/c', true],
    ['/a?', '/a', false],
    ['/?*', '/', false],
    ['/?*', '/a', true],
    ['/a', '/a', true],
    ['/a', '/a/', false],
    ['/a', '/ab', false],
    ['a', '/a', true],
    ['/a**', '/ab', true],
    ['/*/b/*', '/a/b/c', true],
    ['/*/b/*', '/a/c/b', false],
    ['/a.c', '/abc', false],
    ['/a+(b)', '/a+(b)', true],
    ['/$&', '/$&', true],
    ['/%6Dembers/*', '/members/x', true],
    ['/für/*', '/f%C3%BCr/x', true],
    ['/f%c3%bcr/*', '/f%C3%BCr/x', true],
    ['/a"b', '/a%22b', true],
  ])('%s over %s: %s', (pattern, path, matches) => {
    expect(compilePattern(pattern)(path)).toBe(matches)
  })

  test('a glob matches exactly what the regular expression of the same meaning does', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 14 }).map(list => list.join(''))
    const globs = fc
      .array(fc.constantFrom('a', 'b', '/', '*', '?'), { maxLength: 10 })
      .map(list => list.join(''))
    fc.assert(
      fc.property(globs, letters, (glob, text) => {
        const oracle = new RegExp(
          `^${glob.replaceAll('/', '\\/').replaceAll('*', '[^]*').replaceAll('?', '[^]')}$`,
        )
        expect(globMatches(glob, text)).toBe(oracle.test(text))
      }),
      { numRuns: 5000 },
    )
  })

  test('a pattern made of wildcards is answered in a moment', () => {
    const started = performance.now()
    expect(globMatches('*a'.repeat(120) + 'b', '/'.padEnd(8192, 'a'))).toBe(false)
    expect(performance.now() - started).toBeLessThan(500)
  })
})

describe('the first matching behaviour decides', () => {
  const which = (patterns: string[], path: string) =>
    compileDistribution(distribution('E1', { behaviours: behaviours(...patterns) })).behaviour(path).pattern

  test.each([
    [['/members/*', '/live/*', '*'], '/members/x', '/members/*'],
    [['/members/*', '/live/*', '*'], '/live/x', '/live/*'],
    [['/members/*', '/live/*', '*'], '/open/x', '*'],
    [['*.m3u8', '/members/*', '*'], '/members/x.m3u8', '*.m3u8'],
    [['/members/*', '*.m3u8', '*'], '/members/x.m3u8', '/members/*'],
    [['/members/open/*', '/members/*', '*'], '/members/open/x', '/members/open/*'],
    [['/members/*', '/members/open/*', '*'], '/members/open/x', '/members/*'],
    [['*', '/members/*'], '/members/x', '*'],
  ])('%j and %s: %s', (patterns, path, first) => {
    expect(which(patterns, path)).toBe(first)
  })

  test('every spelling of a gated path meets the gate', () => {
    const compiled = compileDistribution(distribution('E1'))
    for (const raw of [
      '/members/x',
      '/%6Dembers/x',
      '/m%65mbers/%78',
      '/members/',
      '/members//x',
      '/members/a%2E%2Eb',
    ]) {
      const path = canonicalPath(raw)
      if (path.kind === 'bad') throw new Error(`${raw} is a path`)
      expect(compiled.behaviour(path.path).gate, raw).toEqual({ keyGroups: [GROUP], issuers: [] })
    }
  })

  test.each(DELIMITERS)(
    'a path with %s meets the gate escaped or not, however the pattern is written',
    delimiter => {
      const escaped = `%${delimiter.charCodeAt(0).toString(16).toUpperCase()}`
      const written = delimiter === '*' ? [escaped] : [delimiter, escaped, escaped.toLowerCase()]
      for (const inPattern of written) {
        for (const inPath of [delimiter, escaped, escaped.toLowerCase()]) {
          const path = canonicalPath(`/vip${inPath}/x`)
          if (path.kind === 'bad') throw new Error(`${inPath} may stand in a path`)
          const [prefix, glob, exact] = [`/vip${inPattern}/*`, `*vip${inPattern}/?`, `/vip${inPattern}/x`]
          expect([prefix, glob, exact].map(pattern => which([pattern, '*'], path.path))).toEqual([
            prefix,
            glob,
            exact,
          ])
        }
      }
    },
  )

  test('an escaped asterisk is no wildcard', () => {
    for (const pattern of ['/a%2A/*', '/a%2A*?', '/a%2ab']) {
      expect(which([pattern, '*'], '/axxb'), pattern).toBe('*')
      expect(which([pattern, '*'], '/a%2axb'.toUpperCase()), pattern).toBe('*')
    }
    expect([which(['/a%2A*', '*'], '/a*b'), which(['/a%2A*', '*'], '/a%2Ab')]).toEqual(['/a%2A*', '/a%2A*'])
    expect(which(['/a?b', '*'], '/a%2Ab')).toBe('/a?b')
  })

  test('what no delimiter is stays as it is sent', () => {
    expect(which(['/a b/*', '*'], '/a%20b/x')).toBe('/a b/*')
    expect(which(['/a%2521/*', '*'], '/a%2521/x')).toBe('/a%2521/*')
    expect(which(['/a!/*', '*'], '/a%2521/x')).toBe('*')
  })

  test('a distribution without behaviours cannot be served', () => {
    expect(() => compileDistribution(distribution('E1', { behaviours: [] }))).toThrow(RangeError)
  })
})

describe('a Host finds its distribution', () => {
  const site = distribution('EAAAAAA', { aliases: ['media.example.com', 'Video.Example.com'] })
  const other = distribution('EBBBBBB')
  const off = distribution('ECCCCCC', { enabled: false, aliases: ['old.example.com'] })
  const find = (host: string, fallback: Distribution | null = other) =>
    compileMatcher({
      distributions: [site, other, off],
      fallbackDistribution: fallback?.id ?? null,
    }).distribution(host)?.distribution.id

  test.each([
    ['eaaaaaa.cdn.localhost', 'EAAAAAA'],
    ['EAAAAAA.CDN.localhost', 'EAAAAAA'],
    ['media.example.com', 'EAAAAAA'],
    ['video.example.com', 'EAAAAAA'],
    ['ebbbbbb.cdn.localhost', 'EBBBBBB'],
    ['127.0.0.1', 'EBBBBBB'],
    ['', 'EBBBBBB'],
    ['x.media.example.com', 'EBBBBBB'],
    ['constructor', 'EBBBBBB'],
  ])('%s: %s', (host, id) => {
    expect(find(host)).toBe(id)
  })

  test('nobody claims it and there is no fallback: unknown-host', () => {
    expect(find('127.0.0.1', null)).toBeUndefined()
    expect(find('media.example.com', null)).toBe('EAAAAAA')
  })

  test('one that is switched off answers nothing, and the fallback does not answer for it', () => {
    expect(find('eccccccc.cdn.localhost')).toBe('EBBBBBB')
    expect(find('ecccccc.cdn.localhost')).toBeUndefined()
    expect(find('old.example.com')).toBeUndefined()
    expect(find('127.0.0.1', off)).toBeUndefined()
  })
})

test('a fresh installation has the behaviours that are promised', () => {
  const { behaviours: list, origins, ...rest } = distribution('E123456')
  expect(rest).toEqual({
    id: 'E123456',
    domain: 'e123456.cdn.localhost',
    aliases: [],
    enabled: true,
    comment: 'made at first start',
    errors: [],
  })
  expect(origins).toEqual([{ id: 'built-in', kind: 'built-in' }])
  expect(list.map(({ pattern, gate, ttl }) => [pattern, gate, ttl.minimum])).toEqual([
    ['/members/*', { keyGroups: [GROUP], issuers: [] }, 0],
    ['/live/*', null, 0],
    ['*', null, 0],
  ])
})

describe('a path in the readings that servers behind a CDN have of it', () => {
  const gate = { keyGroups: [GROUP], issuers: [] }
  const site = (...rules: [pattern: string, gate: Behaviour['gate']][]) =>
    compileDistribution(
      distribution('E1', {
        behaviours: rules.flatMap(([pattern, of]) =>
          behaviours(pattern).map(behaviour => ({ ...behaviour, gate: of })),
        ),
      }),
    )
  const members = site(['/members/open/*', null], ['/members/*', gate], ['/a//b/*', gate], ['*', null])

  test.each([
    ['//members/x', '/members/*'],
    ['/members//x', '/members/*'],
    ['///members///x', '/members/*'],
    ['/members;/x', '/members/*'],
    ['/members;v=1/x', '/members/*'],
    ['/members%3Bv=1/x', '/members/*'],
    ['/;/members/x', '/members/*'],
    ['/;a=b//;c/members;d/x', '/members/*'],
    // The gate of the path as it stands is never opened by another reading.
    ['/members//open/x', '/members/*'],
    ['/members/open;a/x', '/members/*'],
    ['/a//b/x', '/a//b/*'],
    // What is behind no gate in any reading stays where it is.
    ['/a/b/x', '*'],
    ['//a/b', '*'],
    ['/members/open//x', '/members/open/*'],
    ['/members/open/x;a', '/members/open/*'],
    ['/x;/members', '*'],
    ['/membership;a', '*'],
  ])('%s meets %s', (path, pattern) => {
    expect(members.behaviour(path).pattern).toBe(pattern)
  })
})

describe('the name of a distribution at one edge', () => {
  const one = distribution('E1', { aliases: ['media.example', 'a--b.cdn.localhost'] })
  const off = distribution('E2', { enabled: false })
  const other = distribution('E3')
  const matcher = compileMatcher({ distributions: [one, off, other], fallbackDistribution: other.id })

  test.each([
    ['e1--edge-7f.cdn.localhost', 'E1'],
    ['E1--EDGE-7F.CDN.localhost', 'E1'],
    ['e1--a--b.cdn.localhost', 'E1'],
    ['a--b.cdn.localhost', 'E1'],
    ['e2--edge-7f.cdn.localhost', undefined],
    ['media--edge-7f.example', 'E3'],
    ['e1--edge-7f.cdn.example', 'E3'],
    ['e9--edge-7f.cdn.localhost', 'E3'],
    ['x.e1--edge-7f.cdn.localhost', 'E3'],
    ['--edge-7f.cdn.localhost', 'E3'],
  ])('%s is that of %s', (host, id) => {
    expect(matcher.distribution(host)?.distribution.id).toBe(id)
  })
})

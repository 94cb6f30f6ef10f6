import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileResource, resourceCovers, splitHost, type UrlSections } from '../../src/signing/index.ts'
// Offered to the explanation alone, not at the room's door.
import { differingSections } from '../../src/signing/resource.ts'
import { RESOURCE_CASES } from './cases.ts'
import { arriving } from './edge.ts'

function sectionsOf(url: string): UrlSections {
  const { scheme, authority, rawPath, query } = arriving(url)
  const { host, port } = splitHost(authority, scheme)
  return { scheme, host, port, path: rawPath, query }
}

function covers(resource: string, url: string): 'yes' | 'no' {
  return resourceCovers(compileResource(resource), sectionsOf(url)) ? 'yes' : 'no'
}

describe('a resource covers what its sections say', () => {
  test.each(RESOURCE_CASES)('%s: %s over %s: %s', (_source, resource, url, covered) => {
    expect(covers(resource, url)).toBe(covered)
  })
})

test('the sections that are said to differ are none exactly where it covers', () => {
  const piece = fc.constantFrom(
    'h',
    'a',
    '/',
    '*',
    '?',
    '\\?',
    'x=1',
    '://',
    'http',
    'https',
    'rtmp',
    ':80',
    '.',
  )
  const resource = fc.array(piece, { maxLength: 8 }).map(pieces => pieces.join(''))
  const cases = RESOURCE_CASES.map(([, text]) => text)
  const urls = RESOURCE_CASES.map(([, , url]) => url)
  fc.assert(
    fc.property(fc.oneof(resource, fc.constantFrom(...cases)), fc.constantFrom(...urls), (text, url) => {
      const sections = sectionsOf(url)
      const compiled = compileResource(text)
      expect(differingSections(compiled, sections).length === 0).toBe(resourceCovers(compiled, sections))
    }),
    { numRuns: 3000 },
  )
})

test('a pattern made to be costly is given up before it is found to cover, so that no cost is quadratic', () => {
  // Each does cover the path; finding that out takes a million looks and more for a hundred, ten thousand characters.
  const path = `/${'a'.repeat(8000)}b`
  expect(covers(`http://h/*${'a'.repeat(4000)}b`, `http://h${path}`)).toBe('no')
  expect(covers(`http://h/*${'?'.repeat(4000)}b`, `http://h${path}`)).toBe('no')
  expect(covers(`http://h/*${'a'.repeat(20)}b`, `http://h${path}`)).toBe('yes')
})

test('long paths with many wildcards are still covered', () => {
  const folders = Array.from({ length: 100 }, (_, at) => `season-${at}`).join('/')
  expect(covers('http://h/*season-5*season-50*season-99*index.m3u8', `http://h/${folders}/index.m3u8`)).toBe(
    'yes',
  )
})

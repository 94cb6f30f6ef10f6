import fc from 'fast-check'
import { expect, test } from 'vitest'
// The oracle works on one section; the room's door offers whole resources only.
import { compileWildcard, wildcardMatches } from '../../src/signing/wildcard.ts'

const letter = fc.constantFrom('a', 'b', '/')
const token = fc.constantFrom('a', 'b', '/', '*', '?', '\\?')

function oracle(section: string): RegExp {
  const source = section.replace(/\\\?|[^]/g, found => {
    if (found === '\\?') return '\\?'
    if (found === '*') return '[^]*'
    if (found === '?') return '[^]'
    return found.replace(/[/]/g, '\\/')
  })
  return new RegExp(`^${source}$`)
}

test('a section matches exactly what the regular expression of the same meaning does', () => {
  fc.assert(
    fc.property(
      fc.array(token, { maxLength: 10 }),
      fc.array(fc.oneof(letter, fc.constant('?')), { maxLength: 14 }),
      (tokens, letters) => {
        const section = tokens.join('')
        const text = letters.join('')
        expect(wildcardMatches(compileWildcard(section), text)).toBe(oracle(section).test(text))
      },
    ),
    { numRuns: 5000 },
  )
})

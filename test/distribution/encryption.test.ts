import { describe, expect, test } from 'vitest'
import type { EncryptionId } from '../../src/core/index.ts'
import {
  encryptionProblems,
  patternProblems,
  type Behaviour,
  type HttpOrigin,
  type Origin,
} from '../../src/distribution/index.ts'

const SITE: HttpOrigin = {
  ...{ id: 'site', kind: 'http', url: 'https://site.example', headers: [], protocol: 'as-url' },
  ...{ httpPort: 80, httpsPort: 443, attempts: 3, connectTimeout: 10, responseTimeout: 30, keepAlive: 5 },
}

function problems(change: Partial<Behaviour>, members: Origin[] = [SITE]): string[] {
  const behaviour: Behaviour = {
    ...{ pattern: '*', originId: 'site', gate: null, carry: 'none' },
    ...{ ttl: { minimum: 0, default: 0, maximum: 0 }, viewerProtocol: 'https-only', query: 'none' },
    ...{ headers: [], forward: 'none', cookies: 'none', methods: 'all', compress: false, corsOrigins: [] },
    encryption: 'C1' as EncryptionId, // a test's own
    ...change,
  }
  return encryptionProblems(behaviour, members, 'behaviour "*"')
}

describe('a behaviour that encrypts fields', () => {
  test('is reached over TLS, takes forms, and asks its origin over TLS', () => {
    expect(problems({})).toEqual([])
    expect(problems({ viewerProtocol: 'redirect-to-https' })).toEqual([])
    expect(problems({}, [{ ...SITE, url: 'http://site.example', protocol: 'match-viewer' }])).toEqual([])
  })

  test('is refused with one sentence for each condition that it misses', () => {
    expect(
      problems({ viewerProtocol: 'allow-all', methods: 'read' }, [
        { ...SITE, url: 'http://site.example' },
        { id: 'films', kind: 'built-in' },
      ]),
    ).toEqual([
      'behaviour "*" encrypts fields and takes forms in the clear: set "viewerProtocol" to "https-only" or "redirect-to-https"',
      'behaviour "*" encrypts fields of forms and lets no form in: set "methods" to "all"',
      'behaviour "*" encrypts fields, and its origin "site" is asked in the clear: give it an https:// URL, or "protocol": "match-viewer"',
      'behaviour "*" encrypts fields, and its origin "films" takes no forms: name a server, or take "encryption" out',
    ])
  })

  test('is asked for nothing more when it does not', () => {
    const { encryption, ...rest } = { encryption: undefined, viewerProtocol: 'allow-all' as const }
    expect(encryption).toBeUndefined()
    expect(encryptionProblems({ ...rest, methods: 'get' } as Behaviour, [], 'it')).toEqual([]) // no more is read
  })
})

describe('the fields that a profile names', () => {
  test.each([
    [['card']],
    [['card', 'cards']],
    [['card_*', 'name']],
    [['a[0].b-c+d', 'A[0]*']],
    [['x'.repeat(128)]],
  ])('may be %j', patterns => {
    expect(patternProblems(patterns, 'the profile')).toEqual([])
  })

  test.each<[string[], RegExp]>([
    [[], /names no field/],
    [['*'], /is none/],
    [['card*no'], /is none/],
    [['card no'], /is none/],
    [['kärte'], /is none/],
    [['x'.repeat(129)], /is none/],
    [['card', 'card'], /overlap/],
    [['AB*', 'ABC*'], /"AB\*" and "ABC\*" .* overlap/],
    [['ABC', 'AB*'], /overlap/],
    [Array.from({ length: 11 }, (_, at) => `field${at}`), /names 11 fields/],
  ])('may not be %j', (patterns, why) => {
    expect(patternProblems(patterns, 'the profile')).toEqual([expect.stringMatching(why)])
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { after, canonicalPath, GRANT_REASONS } from '../../src/core/index.ts'
import {
  createSigner,
  decodeCloudFront,
  encodeCloudFront,
  explainGrant,
  findCarrier,
  parsePolicy,
  signCookies,
  signPath,
  signPublish,
  signUrl,
  stripSigning,
  takePathToken,
} from '../../src/signing/index.ts'
import {
  arriving,
  NOW,
  P256_ID,
  readArriving,
  RSA_ID,
  trust,
  vectorFile,
  verdictOf,
  word,
  type Arriving,
} from './edge.ts'

const SOON = after(NOW, 3_600_000)
const TRUSTED = trust()
const FILM = 'https://m.example.com/members/talk/index.m3u8'
const terms = { resource: 'https://m.example.com/members/talk/*', expires: SOON }
const SIGNERS = [
  createSigner(vectorFile('p256.pem'), P256_ID),
  createSigner(vectorFile('rsa2048.pem'), RSA_ID),
  createSigner(vectorFile('rsa2048.pem'), RSA_ID, { hash: 'sha1' }),
  createSigner(vectorFile('p256.pem'), P256_ID, { hash: 'sha1' }),
]

/** One good request for each signer and carrier. */
const GOOD: Arriving[] = SIGNERS.flatMap(signer => [
  arriving(signUrl(signer, FILM, { expires: SOON }).url),
  arriving(signUrl(signer, FILM, terms).url),
  arriving(signPath(signer, FILM, terms).url),
  arriving(FILM, {
    cookies: Object.entries(signCookies(signer, terms))
      .map(([name, value]) => `${name}=${value}`)
      .join('; '),
  }),
])

test('the good ones are good', () => {
  expect(GOOD.map(request => word(verdictOf(request, TRUSTED)))).toEqual(GOOD.map(() => 'allowed'))
})

function flip(bytes: Uint8Array, bit: number): Buffer {
  const changed = Buffer.from(bytes)
  const at = (bit >> 3) % changed.length
  changed[at] = (changed[at] ?? 0) ^ (1 << (bit & 7))
  return changed
}

describe('one bit changed in what was signed is refused', () => {
  const PART = /(Policy=|Signature=|\/~|\.)([A-Za-z0-9_~-]{16,})/g
  const signed = GOOD.flatMap((request, at) =>
    (['query', 'rawPath', 'cookies'] as const).flatMap(field =>
      [...(request[field] ?? '').matchAll(PART)].map(found => ({ at, field, text: found[2] ?? '' })),
    ),
  )

  test('there is something to change in every request', () => {
    expect(new Set(signed.map(part => part.at)).size).toBe(GOOD.length)
  })

  test('any bit of any policy and signature', () => {
    fc.assert(
      fc.property(fc.constantFrom(...signed), fc.nat(4096), ({ at, field, text }, bit) => {
        const request = GOOD[at]
        const bytes = decodeCloudFront(text)
        if (request === undefined || bytes === undefined) throw new Error('a good request has these')
        const changed = (request[field] ?? '').replace(text, encodeCloudFront(flip(bytes, bit)))
        const verdict = word(verdictOf({ ...request, [field]: changed }, TRUSTED))
        expect(['bad-signature', 'malformed']).toContain(verdict)
      }),
      { numRuns: 1500 },
    )
  })

  test('any character of its text', () => {
    const character = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~')
    fc.assert(
      fc.property(fc.constantFrom(...signed), fc.nat(), character, ({ at, field, text }, where, other) => {
        const request = GOOD[at]
        if (request === undefined) throw new Error('a good request')
        const index = where % text.length
        fc.pre(text[index] !== other)
        const changed = text.slice(0, index) + other + text.slice(index + 1)
        const verdict = word(
          verdictOf({ ...request, [field]: (request[field] ?? '').replace(text, changed) }, TRUSTED),
        )
        expect(['bad-signature', 'malformed']).toContain(verdict)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('one character changed in what is signed without being sent whole is refused', () => {
  const CANNED = SIGNERS.map(signer =>
    arriving(signUrl(signer, `${FILM}?size=large&part=%2F7`, { expires: SOON }).url),
  )
  const character = fc.constantFrom(...'abcxyzABCXYZ0123456789-_.~%/?&=:@*')
  const changed = (text: string, where: number, other: string): string => {
    const at = where % text.length
    fc.pre(text[at] !== other)
    return text.slice(0, at) + other + text.slice(at + 1)
  }

  test('they are allowed unchanged', () => {
    expect(CANNED.map(request => word(verdictOf(request, TRUSTED)))).toEqual(CANNED.map(() => 'allowed'))
  })

  test('of the URL that a canned policy is for', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CANNED),
        fc.constantFrom('rawPath' as const, 'authority' as const, 'query' as const),
        fc.nat(),
        character,
        (good, field, where, other) => {
          const own = 'size=large&part=%2F7'
          const rest = good.query.slice(own.length)
          const request =
            field === 'query'
              ? { ...good, query: changed(own, where, other) + rest }
              : { ...good, [field]: changed(good[field], where, other) }
          expect(['bad-signature', 'bad-path']).toContain(word(verdictOf(request, TRUSTED)))
        },
      ),
      { numRuns: 1500 },
    )
    for (const good of CANNED)
      expect(word(verdictOf({ ...good, scheme: 'http' }, TRUSTED))).toBe('bad-signature')
  })

  test('of Expires', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CANNED), fc.nat(), character, (good, where, other) => {
        const query = good.query.replace(
          /Expires=(\d+)/,
          (_all, seconds: string) => `Expires=${changed(seconds, where, other)}`,
        )
        expect(['bad-signature', 'malformed']).toContain(word(verdictOf({ ...good, query }, TRUSTED)))
      }),
      { numRuns: 500 },
    )
  })

  test('of the key id', () => {
    const ID = new RegExp(`${RSA_ID}|${P256_ID}`)
    const plain = fc.constantFrom(...'abcxyzABCXYZ0123456789-_')
    fc.assert(
      fc.property(fc.constantFrom(...GOOD, ...CANNED), fc.nat(), plain, (good, where, other) => {
        const alter = (text: string): string => text.replace(ID, id => changed(id, where, other))
        const { query, rawPath, cookies } = good
        const request = {
          ...{ ...good, query: alter(query), rawPath: alter(rawPath) },
          ...(cookies === undefined ? {} : { cookies: alter(cookies) }),
        }
        expect(word(verdictOf(request, TRUSTED))).toBe('unknown-key')
      }),
      { numRuns: 500 },
    )
    for (const good of [...GOOD, ...CANNED]) {
      const swap = (text: string): string => text.replace(ID, id => (id === RSA_ID ? P256_ID : RSA_ID))
      const { query, rawPath, cookies } = good
      const request = {
        ...{ ...good, query: swap(query), rawPath: swap(rawPath) },
        ...(cookies === undefined ? {} : { cookies: swap(cookies) }),
      }
      expect(word(verdictOf(request, TRUSTED))).toBe('bad-signature')
    }
  })
})

test('every bit of a P-256 signature, one by one: no second encoding of it is accepted', () => {
  const request = GOOD[1]
  const text = /Signature=([^&]+)/.exec(request?.query ?? '')?.[1] ?? ''
  const bytes = decodeCloudFront(text)
  if (request === undefined || bytes === undefined) throw new Error('the request is signed')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const query = request.query.replace(text, encodeCloudFront(flip(bytes, bit)))
    expect(word(verdictOf({ ...request, query }, TRUSTED))).toBe('bad-signature')
  }
  for (const longer of [[...bytes, 0], [0, ...bytes], bytes.subarray(1), []]) {
    const query = request.query.replace(text, encodeCloudFront(Uint8Array.from(longer)))
    expect(['bad-signature', 'malformed']).toContain(word(verdictOf({ ...request, query }, TRUSTED)))
  }
})

describe('10,000 mutated paths and grants: none is let in to anything but what was signed', () => {
  /** The same bytes of a URL in other words, and other URLs that look like it. */
  const mutation = fc.oneof(
    fc.record({
      kind: fc.constant('insert' as const),
      at: fc.nat(),
      text: fc.constantFrom(
        '/',
        '..',
        '/../',
        '%2e%2e/',
        '%2f',
        '%5c',
        '\\',
        '%00',
        '%',
        '~',
        '/~a.b.c',
        '?',
        '&',
        '#',
        ';',
        '.',
        ' ',
        '*',
        'é',
        '%25',
        '\n',
        '//',
      ),
    }),
    fc.record({ kind: fc.constant('delete' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ kind: fc.constant('case' as const), at: fc.nat() }),
    fc.record({ kind: fc.constant('escape' as const), at: fc.nat() }),
    fc.record({
      kind: fc.constant('repeat' as const),
      at: fc.nat(),
      length: fc.integer({ min: 1, max: 40 }),
    }),
  )
  type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never

  function mutate(text: string, change: Mutation): string {
    const at = text.length === 0 ? 0 : change.at % text.length
    const char = text.charAt(at)
    switch (change.kind) {
      case 'insert':
        return text.slice(0, at) + change.text + text.slice(at)
      case 'delete':
        return text.slice(0, at) + text.slice(at + change.length)
      case 'case':
        return (
          text.slice(0, at) +
          (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase()) +
          text.slice(at + 1)
        )
      case 'escape':
        return `${text.slice(0, at)}%${char.charCodeAt(0).toString(16).padStart(2, '0')}${text.slice(at + 1)}`
      case 'repeat':
        return text.slice(0, at + change.length) + text.slice(at)
    }
  }

  test('whatever is allowed is inside /members/talk/', () => {
    let allowed = 0
    fc.assert(
      fc.property(
        fc.constantFrom(...GOOD),
        fc.constantFrom('rawPath' as const, 'query' as const, 'cookies' as const, 'authority' as const),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        (good, field, changes) => {
          const request = { ...good, [field]: changes.reduce(mutate, good[field] ?? '') }
          const verdict = verdictOf(request, TRUSTED)
          if (verdict.kind !== 'allowed') return
          allowed++
          const path = canonicalPath(takePathToken(request.rawPath).rest)
          expect(path).toMatchObject({
            kind: 'ok',
            path: expect.stringMatching(/^\/members\/talk\//) as string,
          })
          expect(request.authority.toLowerCase().replace(/:\d+$/, '')).toBe('m.example.com')
        },
      ),
      { numRuns: 6000 },
    )
    // Such as another letter in a file's name, which the wildcard covers.
    expect(allowed).toBeGreaterThan(20)
  })

  test('a grant for another path opens nothing here, however the path is written', () => {
    const [signer] = SIGNERS
    if (signer === undefined) throw new Error('there are signers')
    const other = signPath(signer, FILM, { ...terms, resource: 'https://m.example.com/open/*' })
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 0, maxLength: 4 }), changes => {
        const { rawPath, ...rest } = arriving(other.url)
        const token = rawPath.slice(0, rawPath.indexOf('/', 1))
        const path = changes.reduce(mutate, '/members/talk/index.m3u8')
        const verdict = word(verdictOf({ ...rest, rawPath: token + path }, TRUSTED))
        expect(verdict).not.toBe('allowed')
      }),
      { numRuns: 4000 },
    )
  })
})

describe('nothing throws, whatever is sent', () => {
  const noise = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc
      .array(
        fc.constantFrom(
          'Policy',
          'Expires',
          'Signature',
          'Key-Pair-Id',
          'Hash-Algorithm',
          'CloudFront-',
          '=',
          '&',
          ';',
          ' ',
          '%',
          '"',
          '.',
          '/',
          '~',
          'e30_',
          'SHA256',
          P256_ID,
          '1',
        ),
        { maxLength: 30 },
      )
      .map(parts => parts.join('')),
  )
  test('in path, query, cookies, Host and address', () => {
    fc.assert(
      fc.property(noise, noise, noise, noise, noise, (rawPath, query, cookies, authority, address) => {
        const request: Arriving = {
          scheme: 'http',
          rawPath,
          query,
          cookies,
          authority,
          address,
          action: 'view',
        }
        const reason = word(verdictOf(request, TRUSTED))
        expect([...GRANT_REASONS, 'bad-path']).toContain(reason)
        const read = readArriving(request)
        if (read.kind === 'grant') expect(explainGrant(read.request, TRUSTED, NOW).verdict).toBe(reason)
      }),
      { numRuns: 2000 },
    )
  })

  test('in a policy that is well signed', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"Statement"',
      '"Resource"',
      '"Condition"',
      '"DateLessThan"',
      '"AWS:EpochTime"',
      ':',
      ',',
      '1',
      '"*"',
      '\\',
      'null',
      '"',
      '\\?',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
        expect(parsePolicy(Buffer.from(pieces.join(''))).kind).toBe('bad')
      }),
      { numRuns: 3000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(parsePolicy(bytes).kind).toBe('bad')
      }),
    )
  })
})

test('a stripped query never holds a grant', () => {
  const pair = fc.tuple(
    fc.constantFrom('Policy', 'Expires', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm', 'a', 'policy', ''),
    fc.string({ maxLength: 5 }).map(text => text.replaceAll('&', '')),
  )
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 8 }), pairs => {
      const own = stripSigning(pairs.map(([name, value]) => `${name}=${value}`).join('&'))
      expect(findCarrier({ query: own })).toEqual({ kind: 'none' })
      expect(stripSigning(own)).toBe(own)
    }),
  )
})

test('an RTMP grant with one character changed does not publish', () => {
  const [signer] = SIGNERS
  if (signer === undefined) throw new Error('there are signers')
  const { url } = signPublish(signer, '127.0.0.1:1935', '/live/stage', { expires: SOON })
  const request = arriving(url, { action: 'publish' })
  expect(word(verdictOf(request, TRUSTED))).toBe('allowed')
  for (let at = 0; at < request.query.length; at += 3) {
    const char = request.query.charAt(at)
    const query = request.query.slice(0, at) + (char === 'A' ? 'B' : 'A') + request.query.slice(at + 1)
    expect(word(verdictOf({ ...request, query }, TRUSTED))).not.toBe('allowed')
  }
})

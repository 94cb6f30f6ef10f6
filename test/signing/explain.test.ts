import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { after, GRANT_REASONS, type Instant, type KeyId } from '../../src/core/index.ts'
import {
  createSigner,
  encodeCloudFront,
  explainGrant,
  signCookies,
  signPath,
  signUrl,
  trustedKeys,
  verifyGrant,
  type GrantExplanation,
  type GrantRequest,
  type PolicyTerms,
} from '../../src/signing/index.ts'
import { CONDITION_CASES, RESOURCE_CASES } from './cases.ts'
import { requestOf } from './case-request.ts'
import {
  arriving,
  NOW,
  P256_ID,
  readArriving,
  RSA_ID,
  trust,
  trustWith,
  vectorFile,
  type Arriving,
} from './edge.ts'

const signer = createSigner(vectorFile('p256.pem'), P256_ID)
const SOON = after(NOW, 3 * 3_600_000)
const FILM = 'https://m.example.com/members/talk/index.m3u8'
const TALK = 'https://m.example.com/members/talk/*'

function grantOf(request: Arriving): GrantRequest {
  const read = readArriving(request)
  if (read.kind !== 'grant') throw new Error('the path of this request is an ordinary one')
  return read.request
}

function withCookies(terms: Partial<PolicyTerms> = {}, more: Partial<Arriving> = {}, by = signer): Arriving {
  const cookies = Object.entries(signCookies(by, { resource: TALK, expires: SOON, ...terms }))
  return arriving(FILM, { cookies: cookies.map(([name, value]) => `${name}=${value}`).join('; '), ...more })
}

function explain(request: Arriving, trusted = trust(), now: Instant = NOW): GrantExplanation {
  return explainGrant(grantOf(request), trusted, now)
}

function said(request: Arriving, check: string, trusted = trust()): string {
  const found = explain(request, trusted).checks.find(one => one.check === check)
  return `${found?.verdict ?? ''}: ${found?.detail ?? ''}`
}

test('a good grant is told in full', () => {
  const terms = { notBefore: after(NOW, -90_000), address: '192.0.2.0/24' }
  expect(explain(withCookies(terms))).toEqual({
    verdict: 'allowed',
    via: 'cookie',
    keyId: 'KP256',
    hash: 'sha256',
    statement: {
      kind: 'custom',
      policy:
        '{"Statement":[{"Resource":"https://m.example.com/members/talk/*","Condition":{"DateLessThan":{"AWS:EpochTime":1780010800},"DateGreaterThan":{"AWS:EpochTime":1779999910},"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}}}]}',
    },
    checks: [
      {
        check: 'missing',
        verdict: 'holds',
        detail: 'a custom policy comes in cookies and names the key KP256',
      },
      { check: 'malformed', verdict: 'holds', detail: 'the policy can be read and has 216 bytes' },
      { check: 'unknown-key', verdict: 'holds', detail: 'KP256 is one of the keys that count here' },
      { check: 'weak-hash', verdict: 'holds', detail: 'the key group accepts SHA-1 and SHA-256' },
      { check: 'bad-signature', verdict: 'holds', detail: 'KP256 signed this custom policy with SHA-256' },
      { check: 'wrong-resource', verdict: 'holds', detail: `Resource ${TALK} covers ${FILM}` },
      {
        check: 'wrong-action',
        verdict: 'holds',
        detail: 'the policy allows viewing; this request is for viewing',
      },
      { check: 'expired', verdict: 'holds', detail: 'expires 2026-05-28T23:26:40Z, in 3 h' },
      { check: 'not-yet', verdict: 'holds', detail: 'valid after 2026-05-28T20:25:10Z, 90 s ago' },
      { check: 'wrong-ip', verdict: 'holds', detail: '192.0.2.7 is in 192.0.2.0/24' },
    ],
  })
})

test('a canned grant shows the texts that its signature may be over', () => {
  const url = signUrl(signer, FILM, { expires: SOON }).url.replace('.com/', '.com:8443/')
  const text = (resource: string): string =>
    `{"Statement":[{"Resource":"${resource}","Condition":{"DateLessThan":{"AWS:EpochTime":1780010800}}}]}`
  const explained = explain(arriving(`${url}&_HLS_msn=1`))
  expect(explained).toMatchObject({
    verdict: 'allowed',
    via: 'query',
    statement: {
      kind: 'canned',
      expires: '1780010800',
      candidates: [
        text('https://m.example.com:8443/members/talk/index.m3u8?_HLS_msn=1'),
        text('https://m.example.com/members/talk/index.m3u8?_HLS_msn=1'),
        text('https://m.example.com:8443/members/talk/index.m3u8'),
        text(FILM),
      ],
    },
  })
  expect(explained.checks[5]).toEqual({
    check: 'wrong-resource',
    verdict: 'holds',
    detail: `the signature covers ${FILM} itself`,
  })
})

describe('nothing or half of a grant leaves the rest unknown', () => {
  const nothing = 'there is no grant to look at'
  test.each([
    ['', 'missing', 'the request carries no signed policy', undefined],
    ['Policy=x&Signature=y', 'missing', 'Key-Pair-Id is missing in the URL', undefined],
    ['Signature=y&Key-Pair-Id=K', 'malformed', 'Policy or Expires is missing in the URL', 'holds'],
  ])('%s', (query, verdict, detail, missing) => {
    const explained = explain(arriving(FILM, { query }))
    expect(explained).toMatchObject({ verdict, via: null, keyId: null, hash: null, statement: null })
    expect(explained.checks.map(({ check }) => check)).toEqual(GRANT_REASONS)
    expect(explained.checks.find(({ check }) => check === verdict)).toEqual({
      ...{ check: verdict, verdict: 'fails', detail },
    })
    expect(explained.checks[0]?.verdict).toBe(missing ?? 'fails')
    const behind = explained.checks.slice(GRANT_REASONS.indexOf('unknown-key'))
    expect(behind.map(check => [check.verdict, check.detail])).toEqual(behind.map(() => ['unknown', nothing]))
  })
})

describe('what is behind the first fault is judged too', () => {
  const verdicts = (request: Arriving, trusted = trust()): string =>
    explain(request, trusted)
      .checks.map(({ verdict }) => verdict.charAt(0))
      .join('')
  const late = { expires: after(NOW, -1), address: '198.51.100.0/24' }
  const broken = (request: Arriving): Arriving => {
    const cookies = request.cookies?.replace(/Signature=\w{4}/, 'Signature=AAAA') ?? ''
    return { ...request, cookies }
  }
  const stranger = createSigner(vectorFile('p256.pem'), 'KOTHER')
  test.each([
    ['a good one', withCookies(), 'hhhhhhhhhh'],
    ['a wrong signature alone', broken(withCookies()), 'hhhhfhhhhh'],
    ['a wrong signature and two conditions', broken(withCookies(late)), 'hhhhfhhfhf'],
    ['an unknown key and two conditions', withCookies(late, {}, stranger), 'hhfuuhhfhf'],
    [
      'a signature that is no base64',
      {
        ...withCookies(late),
        cookies: withCookies(late).cookies?.replace('Signature=', 'Signature=!') ?? '',
      },
      'hfhhuhhfhf',
    ],
    ['another action', withCookies({}, { action: 'publish' as const }), 'hhhhhhfhhh'],
    [
      'a canned one on another path',
      arriving(`${signUrl(signer, FILM, { expires: SOON }).url}&x=1`),
      'hhhhfuhhhh',
    ],
  ])('%s', (_name, request, expected) => {
    expect(verdicts(request)).toBe(expected)
  })

  test('a policy without Resource where the group refuses it', () => {
    const text = `{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":1798761600}}}]}`
    const request = requestOf(['', text, FILM, 'malformed'])
    expect(verdicts(request)).toBe('hfhhhhhhhh')
    expect(verdicts(request, trustWith({ withoutResource: 'accept' }))).toBe('hhhhhhhhhh')
    expect(said(request, 'wrong-resource')).toBe(
      'holds: the policy has no Resource, and its key group lets such a one open everything',
    )
  })

  test('what is signed and is no policy', () => {
    const request = requestOf(['', 'no policy\u001b[2J', FILM, 'malformed'])
    expect(verdicts(request)).toBe('hfhhuuuuuu')
    expect(explain(request).statement).toEqual({ kind: 'custom', policy: 'no policy\ufffd[2J' })
  })
})

describe('a resource that does not cover says which section differs', () => {
  test.each([
    [
      'http://m.example.com/members/talk/*',
      'the scheme differs; it was asked for over https; *:// covers http and https',
    ],
    [
      'http*://m.example.com/members/talk/*',
      'the scheme differs; http*:// is no scheme: a Resource begins with http://, https:// or *://',
    ],
    [
      'm.example.com/members/talk/*',
      'the scheme differs; without a scheme it names a stream to publish over RTMP; begin it with https://, http:// or *://',
    ],
    [
      'rtmp://m.example.com/members/talk/*',
      'the scheme differs; an RTMP Resource is for publishing and opens no HTTP',
    ],
    [
      'https://cdn.example.com/members/talk/*',
      'the host differs; a Resource names the host by which the viewer asks, or * for any',
    ],
    [
      'https://m.example.com:8443/members/talk/*',
      'the port differs; a port in the Resource must be that of the request; without one any port is covered',
    ],
    ['https://m.example.com/members/walk/*', 'the path differs'],
    [
      'https://m.example.com/members/talk',
      'the path and the query differ; to cover all that is inside a folder, end the Resource in /*',
    ],
    [
      'https://m.example.com/members/',
      'the path and the query differ; to cover all that is inside a folder, end the Resource in /*',
    ],
    [FILM, 'the query differs; a * at the end of the path covers any query'],
    [`${FILM}\\?a=2`, 'the query differs'],
    ['https://x.example.com:8443/walk', 'the host, port, path and the query differ'],
  ])('%s: %s', (resource, why) => {
    const request = withCookies({ resource }, { query: 'a=1' })
    expect(said(request, 'wrong-resource')).toBe(
      `fails: Resource ${resource} does not cover ${FILM}?a=1: ${why}`,
    )
  })

  test('in the spelling that comes nearest', () => {
    const request = withCookies(
      { resource: FILM.replace('members', 'member') },
      { rawPath: '/%6Dembers/talk/index.m3u8' },
    )
    expect(said(request, 'wrong-resource')).toContain('the path differs')
    const directed = withCookies(
      { resource: 'https://n.example.com/members/talk/index.m3u8' },
      { query: '_HLS_msn=1' },
    )
    expect(said(directed, 'wrong-resource')).toContain(': the host differs')
  })
})

describe('what is likely to be wrong is said', () => {
  const old = createSigner(vectorFile('rsa2048.pem'), RSA_ID, { hash: 'sha1' })
  const swapped = createSigner(vectorFile('p256.pem'), RSA_ID)
  const undeclared = (request: Arriving): Arriving => ({
    ...request,
    cookies: request.cookies?.replace('; CloudFront-Hash-Algorithm=SHA256', '') ?? '',
  })
  const declared = (request: Arriving): Arriving => ({
    ...request,
    cookies: `${request.cookies ?? ''}; CloudFront-Hash-Algorithm=SHA256`,
  })
  const only = trustedKeys([
    { sha1: 'accept', keys: [{ id: 'KNEW' as KeyId, type: 'p256', pem: vectorFile('p256.pub.pem') }] },
  ])
  test.each([
    [
      'a hash that is not declared',
      undeclared(withCookies()),
      'bad-signature',
      trust(),
      'fails: KP256 signed this with SHA-256, which is not what is declared; declare Hash-Algorithm=SHA256',
    ],
    [
      'a hash that is declared and was not used',
      declared(withCookies({}, {}, old)),
      'bad-signature',
      trust(),
      'fails: KRSA2048 signed this with SHA-1, which is not what is declared; leave Hash-Algorithm out',
    ],
    [
      'the id of another key',
      withCookies({}, {}, swapped),
      'bad-signature',
      trust(),
      'fails: KRSA2048 did not sign this with SHA-256; KP256 made this signature, so Key-Pair-Id names the wrong key',
    ],
    [
      'an old id after a rotation',
      withCookies(),
      'bad-signature',
      only,
      'unknown: the key is not known here; KNEW made this signature, so Key-Pair-Id names the wrong key',
    ],
    [
      'an unknown id',
      withCookies(),
      'unknown-key',
      only,
      'fails: no key group has KP256; the keys that count here are KNEW',
    ],
    [
      'no key at all',
      withCookies(),
      'unknown-key',
      trustedKeys([]),
      'fails: no key group has KP256; no key counts here',
    ],
    [
      'SHA-1 where it is refused',
      withCookies({}, {}, old),
      'weak-hash',
      trust('refuse'),
      'fails: the key group refuses SHA-1; sign with SHA-256 and declare Hash-Algorithm=SHA256',
    ],
    [
      'SHA-1 in a path token where it is refused',
      arriving(signPath(old, FILM, { expires: SOON }).url),
      'weak-hash',
      trust('refuse'),
      'fails: the key group refuses SHA-1; sign with SHA-256 and declare Hash-Algorithm=SHA256',
    ],
    [
      'a canned URL with another parameter',
      arriving(`${signUrl(signer, FILM, { expires: SOON }).url}&x=1`),
      'bad-signature',
      trust(),
      'fails: KP256 did not sign this with SHA-256; a canned policy covers the exact URL, its own parameters in their order and encoding, and Expires',
    ],
    [
      'an address that nobody knows',
      withCookies({ address: '192.0.2.0/24' }, { address: '' }),
      'wrong-ip',
      trust(),
      'fails: the address that asks is not known, and the policy wants 192.0.2.0/24',
    ],
    [
      'another address',
      withCookies({ address: '2001:db8::/32' }),
      'wrong-ip',
      trust(),
      'fails: 192.0.2.7 is not in 2001:db8::/32',
    ],
    [
      'an expired one',
      withCookies({ expires: after(NOW, -3 * 86_400_000) }),
      'expired',
      trust(),
      'fails: expires 2026-05-25T20:26:40Z, 3 d ago',
    ],
    [
      'one of tomorrow',
      withCookies({ notBefore: after(NOW, 3_600_000) }),
      'not-yet',
      trust(),
      'fails: valid after 2026-05-28T21:26:40Z, in 60 min',
    ],
  ])('%s', (_name, request, check, trusted, sentence) => {
    expect(said(request, check, trusted)).toBe(sentence)
  })
})

/** Every signature and token part of a request, as text. */
function secretsOf({ query, cookies = '', rawPath }: Arriving): string[] {
  const found = [...`${query};${cookies}`.matchAll(/Signature=([^&;]+)/g)].map(([, text]) => text ?? '')
  const tokens = [...rawPath.matchAll(/\/~[^./]+\.([^./]+)\./g)].map(([, text]) => text ?? '')
  return [...found, ...tokens].filter(text => text.length > 8)
}

const CASES = CONDITION_CASES.map(row => ({
  request: requestOf(row),
  trusted: trustWith(row[4]?.trust ?? {}),
  now: (row[4]?.at ?? NOW) as Instant,
}))

describe('the explanation agrees with the verdict', () => {
  const agree = (request: GrantRequest, trusted: ReturnType<typeof trust>, now: Instant): void => {
    const verdict = verifyGrant(request, trusted, now)
    const explained = explainGrant(request, trusted, now)
    const first = explained.checks.find(check => check.verdict === 'fails')
    expect(explained.verdict).toBe(verdict.kind === 'refused' ? verdict.reason : 'allowed')
    expect(first?.check ?? 'allowed').toBe(explained.verdict)
    expect(explained.checks.map(({ check }) => check)).toEqual(GRANT_REASONS)
    if (verdict.kind === 'allowed')
      expect(explained.checks.filter(check => check.verdict === 'unknown')).toEqual([])
  }

  test('on every case of the tables', () => {
    for (const { request, trusted, now } of CASES) {
      const read = readArriving(request)
      if (read.kind === 'grant') agree(read.request, trusted, now)
    }
    for (const [, resource, url] of RESOURCE_CASES) {
      if (resource !== '')
        agree(
          grantOf({
            ...withCookies(),
            ...arriving(url),
            cookies:
              requestOf([
                '',
                JSON.stringify({
                  Statement: [
                    { Resource: resource, Condition: { DateLessThan: { 'AWS:EpochTime': 1_798_761_600 } } },
                  ],
                }),
                url,
                'allowed',
              ]).cookies ?? '',
          }),
          trust(),
          NOW,
        )
    }
  })

  test('on grants put together at random', () => {
    const requests = CASES.map(({ request }) => request)
    const pick = <K extends keyof Arriving>(field: K): fc.Arbitrary<Arriving[K]> =>
      fc.constantFrom(...requests).map(request => request[field])
    const trusts = [
      trust(),
      trust('refuse'),
      trustWith({ withoutResource: 'accept' }),
      trustWith({ sha1: 'refuse', withoutResource: 'accept' }),
      trustedKeys([]),
    ]
    fc.assert(
      fc.property(
        fc.record({ rawPath: pick('rawPath'), query: pick('query'), cookies: pick('cookies') }),
        fc.record({ authority: pick('authority'), address: pick('address') }),
        fc.constantFrom('http' as const, 'https' as const, 'rtmp' as const, 'rtmps' as const),
        fc.constantFrom('view' as const, 'publish' as const),
        fc.constantFrom(...trusts),
        fc.constantFrom(NOW, ...CASES.map(({ now }) => now)),
        ({ rawPath, query, cookies }, site, scheme, action, trusted, now) => {
          const request: Arriving = { scheme, action, rawPath, query, ...site, ...(cookies && { cookies }) }
          const read = readArriving(request)
          if (read.kind === 'grant') agree(read.request, trusted, now)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

test('no explanation holds a signature, a token or what moves a terminal', () => {
  const doubled = arriving(FILM.replace('/members', `/~$T/~$T/members`))
  const token = signPath(signer, FILM, { expires: SOON }).url.split('/')[3] ?? ''
  const twice = { ...doubled, rawPath: doubled.rawPath.replaceAll('~$T', token) }
  let looked = 0
  for (const request of [twice, ...CASES.map(one => one.request)]) {
    const read = readArriving(request)
    if (read.kind !== 'grant') continue
    const text = JSON.stringify(explainGrant(read.request, trust(), NOW))
    for (const secret of secretsOf(request)) {
      looked++
      expect(text).not.toContain(secret)
    }
    expect(text).not.toMatch(/\\u00[019]|\\u007f/)
  }
  expect(looked).toBeGreaterThan(150)
})

test('what stands for a Key-Pair-Id and is none is not repeated', () => {
  const secret = encodeCloudFront(Buffer.from('some secret that was pasted here'))
  const { cookies = '' } = withCookies()
  const explained = explain(arriving(FILM, { cookies: cookies.replace('KP256', `${secret}~${secret}`) }))
  expect(explained.verdict).toBe('unknown-key')
  expect(explained.keyId).toBe(`${secret.slice(0, 8)}…`)
  expect(JSON.stringify(explained)).not.toContain(secret)
})

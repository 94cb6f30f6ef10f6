import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { after, GRANT_REASONS, instant, type KeyId } from '../../src/core/index.ts'
import {
  checkSignature,
  cloudFrontError,
  createSigner,
  encodeCloudFront,
  signCookies,
  signPath,
  signPublish,
  signUrl,
  trustedKeys,
  type CheckSignature,
  type PolicyTerms,
  type SignedCookies,
  type Signer,
} from '../../src/signing/index.ts'
import { arriving, NOW, P256_ID, RSA_ID, trust, vectorFile, verdictOf, word, type Arriving } from './edge.ts'

const signer = createSigner(vectorFile('p256.pem'), P256_ID)
const old = createSigner(vectorFile('rsa2048.pem'), RSA_ID, { hash: 'sha1' })
const SOON = after(NOW, 60_000)
const FILM = 'http://m.example.com:8080/members/talk/index.m3u8'

function cookiesOf(cookies: SignedCookies): string {
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}

function withCookies(
  terms: Partial<PolicyTerms> = {},
  more: Partial<Arriving> = {},
  by: Signer = signer,
): Arriving {
  const cookies = signCookies(by, {
    resource: 'http://m.example.com/members/talk/*',
    expires: SOON,
    ...terms,
  })
  return arriving(FILM, { cookies: cookiesOf(cookies), ...more })
}

/** Any text, signed as a policy. */
function withPolicy(text: string, more: Partial<Arriving> = {}): Arriving {
  const signature = sign('sha256', Buffer.from(text), vectorFile('p256.pem'))
  const query = `Policy=${encodeCloudFront(Buffer.from(text))}&Signature=${encodeCloudFront(signature)}&Key-Pair-Id=${P256_ID}&Hash-Algorithm=SHA256`
  return arriving(`${FILM}?${query}`, more)
}

test('an allowed request says by whom and until when', () => {
  expect(verdictOf(withCookies())).toMatchObject({
    kind: 'allowed',
    keyId: P256_ID,
    expires: SOON,
    policy: { resource: { text: 'http://m.example.com/members/talk/*' }, opens: ['view'], expires: SOON },
  })
})

describe('every reason, in the order in which several are told', () => {
  /** Each step takes one more fault away; the reason of the first fault left is told. */
  const wrong: PolicyTerms = {
    resource: 'http://m.example.com/members/tal/*',
    expires: after(NOW, -1000),
    notBefore: after(NOW, -2000),
    address: '198.51.100.0/24',
  }
  const stolen = createSigner(
    generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
    P256_ID,
  )
  const strict = trust('refuse')
  test('missing: neither cookies nor URL nor token', () => {
    expect(word(verdictOf(arriving(FILM), strict))).toBe('missing')
  })
  test('malformed comes before an unknown key', () => {
    const cookies = withCookies(wrong)
      .cookies?.replace(P256_ID, 'KOTHER')
      .replace('Signature=', 'Signature=!')
    expect(word(verdictOf(arriving(FILM, { cookies: cookies ?? '' }), strict))).toBe('malformed')
  })
  test('unknown-key comes before a weak hash', () => {
    const request = withCookies(
      wrong,
      {},
      createSigner(vectorFile('rsa2048.pem'), 'KOTHER', { hash: 'sha1' }),
    )
    expect(word(verdictOf(request, strict))).toBe('unknown-key')
  })
  test('weak-hash comes before a bad signature', () => {
    const request = withCookies(wrong, {}, createSigner(vectorFile('p256.pem'), RSA_ID, { hash: 'sha1' }))
    expect(word(verdictOf(request, strict))).toBe('weak-hash')
  })
  test('bad-signature comes before the resource', () => {
    expect(word(verdictOf(withCookies(wrong, {}, stolen), strict))).toBe('bad-signature')
  })
  test('wrong-resource comes before the action', () => {
    expect(word(verdictOf(withCookies(wrong, { action: 'publish' }), strict))).toBe('wrong-resource')
  })
  test('wrong-action comes before expired', () => {
    const terms = { ...wrong, resource: '*' }
    expect(word(verdictOf(withCookies(terms, { action: 'publish' }), strict))).toBe('wrong-action')
  })
  test('expired comes before not-yet and the address', () => {
    expect(word(verdictOf(withCookies({ ...wrong, resource: '*' }), strict))).toBe('expired')
  })
  test('not-yet comes before the address', () => {
    const terms = { ...wrong, resource: '*', notBefore: after(NOW, 1000), expires: SOON }
    expect(word(verdictOf(withCookies(terms), strict))).toBe('not-yet')
  })
  test('wrong-ip is the last', () => {
    expect(word(verdictOf(withCookies({ ...wrong, resource: '*', expires: SOON }), strict))).toBe('wrong-ip')
  })
  test('and this is the order that is promised', () => {
    expect(GRANT_REASONS).toEqual([
      'missing',
      'malformed',
      'unknown-key',
      'weak-hash',
      'bad-signature',
      'wrong-resource',
      'wrong-action',
      'expired',
      'not-yet',
      'wrong-ip',
    ])
  })
})

describe('malformed', () => {
  test.each([
    ['two statements', '{"Statement":[{},{}]}'],
    ['no Resource', '{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":1798761600}}}]}'],
    ['a name twice', '{"Statement":[],"Statement":[]}'],
    ['more than 8 KiB', `{"Statement":[]}${' '.repeat(8192)}`],
    ['not JSON', 'hello'],
  ])('a policy with %s, though well signed', (_name, text) => {
    expect(word(verdictOf(withPolicy(text)))).toBe('malformed')
  })

  test.each([
    ['signature', 'CloudFront-Signature=', 'AAA'],
    ['policy', 'CloudFront-Policy=', 'AAA'],
  ])("a %s that is not CloudFront's base64", (_name, cookie, prefix) => {
    const { cookies = '' } = withCookies()
    expect(word(verdictOf(arriving(FILM, { cookies: cookies.replace(cookie, cookie + prefix) })))).toBe(
      'malformed',
    )
  })

  test('8 KiB count when they are decoded, however its tildes are written', () => {
    const padded = (length: number): Arriving => {
      const text = (marks: number) =>
        `{"Statement":[{"Resource":"*${'?'.repeat(marks)}","Condition":{"DateLessThan":{"AWS:EpochTime":1798761600}}}]}`
      return withPolicy(text(length - text(0).length))
    }
    const escaped = (request: Arriving): Arriving => ({
      ...request,
      query: request.query.replaceAll('~', '%7E'),
    })
    for (const spelled of [(request: Arriving) => request, escaped]) {
      expect(word(verdictOf(spelled(padded(8192))))).toBe('wrong-resource')
      expect(word(verdictOf(spelled(padded(8193))))).toBe('malformed')
      expect(word(verdictOf(spelled(padded(100_000))))).toBe('malformed')
    }
    expect(escaped(padded(8192)).query.length).toBeGreaterThan(14_000)
  })

  test('a signature longer than any key makes', () => {
    const { cookies = '' } = withCookies()
    const long = cookies.replace(/Signature=[^;]+/, `Signature=${'A'.repeat(4096)}`)
    expect(word(verdictOf(arriving(FILM, { cookies: long })))).toBe('malformed')
  })
})

describe('time', () => {
  const at = (ms: number) =>
    word(
      verdictOf(
        withCookies({ expires: instant(1_780_000_100_000), notBefore: instant(1_779_999_900_000) }),
        trust(),
        instant(ms),
      ),
    )
  test.each([
    [1_779_999_900_000, 'not-yet'],
    [1_779_999_900_001, 'allowed'],
    [1_780_000_099_999, 'allowed'],
    [1_780_000_100_000, 'expired'],
    [1_780_000_100_001, 'expired'],
  ])('at %d ms: %s', (ms, expected) => {
    expect(at(ms)).toBe(expected)
  })
})

describe('hashes', () => {
  const request = withCookies({}, {}, old)
  test('an undeclared hash is SHA-1, accepted where the group says so', () => {
    expect(word(verdictOf(request, trust('accept')))).toBe('allowed')
    expect(word(verdictOf(request, trust('refuse')))).toBe('weak-hash')
  })
  test('SHA-1 that is declared is the same', () => {
    const cookies = `${request.cookies ?? ''}; CloudFront-Hash-Algorithm=SHA1`
    expect(word(verdictOf({ ...request, cookies }, trust('accept')))).toBe('allowed')
    expect(word(verdictOf({ ...request, cookies }, trust('refuse')))).toBe('weak-hash')
  })
  test('SHA-256 that is not declared is refused', () => {
    const { cookies = '' } = withCookies()
    const undeclared = cookies.replace('; CloudFront-Hash-Algorithm=SHA256', '')
    expect(undeclared).not.toBe(cookies)
    expect(word(verdictOf(arriving(FILM, { cookies: undeclared })))).toBe('bad-signature')
  })
  test('a path token has none to declare: SHA-256, then SHA-1 where the group accepts it', () => {
    const path = (by: Signer) => arriving(signPath(by, FILM, { expires: SOON }).url)
    expect(word(verdictOf(path(signer), trust('refuse')))).toBe('allowed')
    expect(word(verdictOf(path(old), trust('accept')))).toBe('allowed')
    expect(word(verdictOf(path(old), trust('refuse')))).toBe('weak-hash')
    expect(word(verdictOf(path(createSigner(vectorFile('p256.pem'), RSA_ID)), trust('refuse')))).toBe(
      'bad-signature',
    )
  })
  test('a key in two groups may use SHA-1 when one of them accepts it', () => {
    const key = { id: RSA_ID, type: 'rsa' as const, pem: vectorFile('rsa2048.pub.pem') }
    const groups = (one: 'accept' | 'refuse', two: 'accept' | 'refuse') =>
      trustedKeys([
        { sha1: one, keys: [key] },
        { sha1: two, keys: [key] },
      ])
    expect(word(verdictOf(request, groups('refuse', 'accept')))).toBe('allowed')
    expect(word(verdictOf(request, groups('accept', 'refuse')))).toBe('allowed')
    expect(word(verdictOf(request, groups('refuse', 'refuse')))).toBe('weak-hash')
  })
})

describe('a policy without Resource', () => {
  const TEXT = '{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":1798761600}}}]}'
  const request = withPolicy(TEXT)
  const key = { id: P256_ID, type: 'p256' as const, pem: vectorFile('p256.pub.pem') }
  type Leave = 'accept' | 'refuse' | undefined
  const groups = (...leave: Leave[]) =>
    trustedKeys(
      leave.map(one => ({
        sha1: 'accept' as const,
        ...(one === undefined ? {} : { withoutResource: one }),
        keys: [key],
      })),
    )

  test.each<[Leave[], string]>([
    [[undefined], 'malformed'],
    [['refuse'], 'malformed'],
    [['accept'], 'allowed'],
    [['refuse', 'accept'], 'allowed'],
    [['accept', undefined], 'allowed'],
    [['refuse', undefined], 'malformed'],
  ])('of a key in groups that %j: %s', (leave, expected) => {
    expect(word(verdictOf(request, groups(...leave)))).toBe(expected)
  })

  test('of a key that nobody knows is malformed first, since no group lets it be', () => {
    expect(word(verdictOf(request, trustedKeys([])))).toBe('malformed')
  })

  test('opens everything to view and publishes nothing', () => {
    const everything = groups('accept')
    for (const url of ['http://a/', 'https://b:8443/x/y.m4s?z=1', 'https://[::1]/~x']) {
      expect(word(verdictOf({ ...request, ...arriving(url), query: request.query }, everything))).toBe(
        'allowed',
      )
    }
    const live = { ...request, ...arriving('rtmp://h/live/stage'), query: request.query }
    expect(word(verdictOf({ ...live, action: 'publish' }, everything))).toBe('wrong-action')
  })

  test('keeps its other conditions', () => {
    const bound = (condition: string) =>
      word(verdictOf(withPolicy(`{"Statement":[{"Condition":{${condition}}}]}`), groups('accept')))
    expect(bound('"DateLessThan":{"AWS:EpochTime":1}')).toBe('expired')
    expect(
      bound('"DateLessThan":{"AWS:EpochTime":1798761600},"IpAddress":{"AWS:SourceIp":"10.0.0.0/8"}'),
    ).toBe('wrong-ip')
  })
})

describe('the URL as it was sent', () => {
  const everyone = { expires: SOON }
  const canned = (url: string) => signUrl(signer, url, everyone).url
  test.each([
    ['as signed', canned(FILM), 'allowed'],
    [
      'signed without the port',
      canned(FILM.replace(':8080', '')).replace('example.com/', 'example.com:8080/'),
      'allowed',
    ],
    ['signed with a port that the viewer does not use', canned(FILM).replace(':8080', ''), 'bad-signature'],
    ['low-latency directives added', `${canned(FILM)}&_HLS_msn=1`, 'allowed'],
    ['directives signed with it', canned(`${FILM}?_HLS_msn=1`), 'allowed'],
    [
      'port dropped and directives added',
      `${canned(FILM.replace(':8080', '')).replace('example.com/', 'example.com:8080/')}&CMCD=x`,
      'allowed',
    ],
    ['own parameters before', canned(`${FILM}?b=2&a=%2f`), 'allowed'],
    ['own parameters and directives', `${canned(`${FILM}?b=2&a=1`)}&_HLS_part=1`, 'allowed'],
    ['another spelling of the path', canned(FILM).replace('/members/', '/%6Dembers/'), 'bad-signature'],
    ['an own parameter more', `${canned(FILM)}&a=1`, 'bad-signature'],
  ])('canned: %s', (_name, url, expected) => {
    expect(word(verdictOf(arriving(url)))).toBe(expected)
  })

  test.each([
    ['another spelling of the path is the same path', '/%6dembers/talk/index.m3u8', '', 'allowed'],
    ['own parameters where the path ends in a wildcard', '/members/talk/index.m3u8', 'a=1', 'allowed'],
    ['a neighbour with the same beginning', '/members/talkshow/index.m3u8', '', 'wrong-resource'],
    ['the folder itself', '/members/talk', '', 'wrong-resource'],
    ['two slashes', '//members/talk/index.m3u8', '', 'wrong-resource'],
    ['dot segments', '/members/talk/../other/index.m3u8', '', 'bad-path'],
    ['escaped dot segments', '/members/talk/%2e%2e/other/index.m3u8', '', 'bad-path'],
    ['an escaped slash', '/members/talk%2findex.m3u8', '', 'bad-path'],
    ['three dotted parts before it', '/~a.b.c/members/talk/index.m3u8', '', 'malformed'],
  ])('custom: %s', (_name, rawPath, query, expected) => {
    expect(word(verdictOf(withCookies({}, { rawPath, query })))).toBe(expected)
  })

  test.each([
    ['http://m.example.com/members/talk/a', '_HLS_msn=1', 'allowed'],
    ['http://m.example.com/members/talk/a', 'CMCD=1&_HLS_msn=1', 'allowed'],
    ['http://m.example.com/members/talk/a', 'x=1&_HLS_msn=1', 'wrong-resource'],
    ['http://m.example.com/members/talk/a\\?x=1', 'x=1&_HLS_msn=1', 'allowed'],
    ['http://m.example.com/members/talk/a\\?x=1', '_HLS_msn=1&x=1', 'allowed'],
    ['http://m.example.com/members/talk/a\\?_HLS_msn=1', '_HLS_msn=1', 'allowed'],
    ['http://m.example.com/members/talk/a\\?_HLS_msn=1', '_HLS_msn=2', 'wrong-resource'],
  ])('custom: %s with ?%s is %s', (resource, query, expected) => {
    expect(word(verdictOf(withCookies({ resource }, { rawPath: '/members/talk/a', query })))).toBe(expected)
  })

  test.each([
    ['M.EXAMPLE.COM', 'allowed'],
    ['m.example.com', 'allowed'],
    ['m.example.com:9999', 'allowed'],
    ['x.example.com', 'wrong-resource'],
    ['m.example.com.', 'wrong-resource'],
    ['', 'wrong-resource'],
    ['m.example.com:', 'wrong-resource'],
    ['m.example.com:*', 'wrong-resource'],
    ['m.example.com:80:80', 'wrong-resource'],
    ['m.example.com@evil.com', 'wrong-resource'],
  ])('Host "%s" is %s', (authority, expected) => {
    expect(word(verdictOf(withCookies({}, { authority })))).toBe(expected)
  })
})

describe('addresses', () => {
  test.each([
    ['192.0.2.0/24', '192.0.2.7', 'allowed'],
    ['192.0.2.0/24', '::ffff:192.0.2.7', 'allowed'],
    ['192.0.2.0/24', '192.0.3.7', 'wrong-ip'],
    ['2001:db8::/32', '2001:db8::7', 'allowed'],
    ['2001:db8::/32', '192.0.2.7', 'wrong-ip'],
    ['192.0.2.7', '192.0.2.7', 'allowed'],
    ['192.0.2.0/24', '', 'wrong-ip'],
    ['0.0.0.0/0', 'unknown', 'wrong-ip'],
  ])('%s seen from %s: %s', (range, address, expected) => {
    expect(word(verdictOf(withCookies({ address: range }, { address })))).toBe(expected)
  })
})

describe('what publishes and what does not (SEAMS 8)', () => {
  const publish = (resource: string, sent = 'rtmp://h:1935/live/stage') => {
    const { policy, signature } = signer.sign({ resource, expires: SOON })
    const query = `Policy=${policy}&Signature=${signature}&Key-Pair-Id=${P256_ID}&Hash-Algorithm=SHA256`
    return word(verdictOf(arriving(`${sent}?${query}`, { action: 'publish' })))
  }
  test.each([
    ['rtmp://h/live/stage', 'allowed'],
    ['rtmp://*/live/stage', 'allowed'],
    ['rtmp://h:1935/live/*', 'allowed'],
    ['live/stage', 'allowed'],
    ['live/*', 'allowed'],
    ['rtmps://h/live/stage', 'wrong-resource'],
    ['rtmp://h/live/other', 'wrong-resource'],
    ['http://h/live/stage', 'wrong-resource'],
    ['https://*', 'wrong-resource'],
    ['*', 'wrong-action'],
    ['*://*', 'wrong-action'],
    ['*://h/live/stage', 'wrong-action'],
    ['*/live/stage', 'wrong-action'],
  ])('%s: %s', (resource, expected) => {
    expect(publish(resource)).toBe(expected)
  })

  test('RTMPS matches RTMP resources', () => {
    expect(publish('rtmp://h/live/stage', 'rtmps://h:1936/live/stage')).toBe('allowed')
    expect(publish('live/stage', 'rtmps://h:1936/live/stage')).toBe('allowed')
  })

  test('a grant to publish opens nothing over HTTP', () => {
    const { url } = signPublish(signer, 'm.example.com', '/live/stage', { expires: SOON })
    for (const scheme of ['http', 'https']) {
      expect(word(verdictOf(arriving(url.replace('rtmp', scheme))))).toBe('wrong-resource')
    }
  })

  test('nor does the right resource with another action', () => {
    const text = (action: string, resource: string) =>
      `{"Statement":[{"Resource":"${resource}","Action":"${action}","Condition":{"DateLessThan":{"AWS:EpochTime":1798761600}}}]}`
    expect(word(verdictOf(withPolicy(text('play', 'http://m.example.com/members/*'))))).toBe('allowed')
    expect(word(verdictOf(withPolicy(text('publish', 'http://m.example.com/members/*'))))).toBe(
      'wrong-action',
    )
    expect(word(verdictOf(withPolicy(text('publish', '*'))))).toBe('wrong-action')
  })

  test('RTMP play is not opened by a grant to publish', () => {
    const { url } = signPublish(signer, 'h', '/live/stage', { expires: SOON })
    expect(word(verdictOf(arriving(url, { action: 'view' })))).toBe('wrong-action')
  })
})

test('a canned policy is rebuilt for four URLs at most', () => {
  let checks = 0
  const counting: CheckSignature = (...asked) => {
    checks++
    return checkSignature(...asked)
  }
  const url = `${signUrl(signer, FILM, { expires: SOON }).url}&_HLS_msn=1&other=1`
  expect(word(verdictOf(arriving(url), trust(), NOW, { checkSignature: counting }))).toBe('bad-signature')
  expect(checks).toBe(4)
})

test('a custom policy is checked once, a path token twice, one that no key could have signed never', () => {
  const asked: string[] = []
  const options = {
    checkSignature: (...[, , key, hash]: Parameters<CheckSignature>) => {
      asked.push(`${key.id} ${hash}`)
      return false
    },
  }
  verdictOf(withCookies(), trust(), NOW, options)
  verdictOf(arriving(signPath(signer, FILM, { expires: SOON }).url), trust(), NOW, options)
  verdictOf(withCookies({}, {}, createSigner(vectorFile('p256.pem'), 'KOTHER')), trust(), NOW, options)
  verdictOf(withCookies({}, {}, old), trust('refuse'), NOW, options)
  expect(asked).toEqual([`${P256_ID} sha256`, `${P256_ID} sha256`, `${P256_ID} sha1`])
})

test('quotes in a URL cannot forge a canned policy out of another', () => {
  const inner =
    'http://m.example.com/a","Condition":{"DateLessThan":{"AWS:EpochTime":1798761600}}}],"x":[{"y":"'
  const bytes = `{"Statement":[{"Resource":"${inner}","Condition":{"DateLessThan":{"AWS:EpochTime":1798761600}}}]}`
  const signature = encodeCloudFront(sign('sha256', Buffer.from(bytes), vectorFile('p256.pem')))
  const request = arriving('http://m.example.com/a', {
    rawPath: inner.slice('http://m.example.com'.length),
    query: `Expires=1798761600&Signature=${signature}&Key-Pair-Id=${P256_ID}&Hash-Algorithm=SHA256`,
  })
  expect(word(verdictOf(request))).toBe('bad-signature')
})

test('a refusal names no secret', () => {
  const request = withCookies({ expires: after(NOW, -1000) })
  const said = JSON.stringify([
    verdictOf(request),
    verdictOf({ ...request, cookies: request.cookies?.replace(/Signature=./, 'Signature=!') ?? '' }),
    verdictOf(withPolicy('{"Statement":[{"Resource":"secret"}]}')),
  ])
  for (const secret of [...(request.cookies ?? '').matchAll(/=([^;]{20,})/g)])
    expect(said).not.toContain(secret[1])
  expect(said).not.toContain('secret')
})

test("CloudFront's error codes", () => {
  expect(GRANT_REASONS.map(reason => [reason, cloudFrontError(reason).code])).toEqual([
    ['missing', 'MissingKey'],
    ['malformed', 'MalformedPolicy'],
    ['unknown-key', 'InvalidKey'],
    ['weak-hash', 'AccessDenied'],
    ['bad-signature', 'AccessDenied'],
    ['wrong-resource', 'AccessDenied'],
    ['wrong-action', 'AccessDenied'],
    ['expired', 'AccessDenied'],
    ['not-yet', 'AccessDenied'],
    ['wrong-ip', 'AccessDenied'],
  ])
})

test('a key that cannot be read opens nothing, is named, and harms no other', () => {
  const trusted = trustedKeys([
    {
      sha1: 'accept',
      keys: [
        { id: 'KBROKEN' as KeyId, type: 'rsa', pem: 'nothing' },
        { id: 'KWRONG' as KeyId, type: 'rsa', pem: vectorFile('p256.pub.pem') },
        { id: P256_ID, type: 'p256', pem: vectorFile('p256.pub.pem') },
      ],
    },
  ])
  expect(trusted.unusable).toEqual(['KBROKEN', 'KWRONG'])
  expect(word(verdictOf(withCookies(), trusted))).toBe('allowed')
  expect(word(verdictOf(withCookies({}, {}, createSigner(vectorFile('p256.pem'), 'KWRONG')), trusted))).toBe(
    'unknown-key',
  )
})

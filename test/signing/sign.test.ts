import { execFileSync } from 'node:child_process'
import { isIPv4, isIPv6 } from 'node:net'
import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { after, epochSeconds, instant } from '../../src/core/index.ts'
import { decodeCloudFront, parseAddress, renderCookies } from '../../src/signing/index.ts'
import {
  clearCookieLines,
  importKey,
  setCookieLines,
  signCookies,
  SignError,
  signPathUrl,
  signPublish,
  signUrl,
  type SignedCookies,
  type SigningKey,
} from '../../src/signing/sign.ts'
import { arriving, NOW, P256_ID, RSA_ID, vectorFile, verdictOf, word } from './edge.ts'

const SOON = new Date(after(NOW, 21_600_000))
const SECONDS = epochSeconds(instant(SOON.getTime()))
const FILM = 'https://m.example.com/members/talk/index.m3u8'
const AREA = 'https://m.example.com/members/*'
const KEYS = [
  { file: 'p256', id: P256_ID },
  { file: 'rsa2048', id: RSA_ID },
] as const

const keyOf = (file: string, id: string, hash?: 'sha1' | 'sha256'): Promise<SigningKey> =>
  importKey({ keyPairId: id, privateKey: vectorFile(`${file}.pem`), ...(hash === undefined ? {} : { hash }) })

const header = (cookies: SignedCookies): string =>
  Object.entries(cookies)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join('; ')

const decoded = (text: string | undefined): string => decodeCloudFront(text ?? '')?.toString() ?? 'not base64'

/** `code: sentence` of what was thrown. */
async function refusal(act: () => unknown): Promise<string> {
  try {
    await act()
  } catch (error) {
    if (error instanceof SignError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'nothing was thrown'
}

describe.each(KEYS)('what $file signs', ({ file, id }) => {
  test.each(['sha256', 'sha1'] as const)('is allowed by an edge on every carrier with %s', async hash => {
    const key = await keyOf(file, id, hash)
    const from = new Date(NOW - 60_000)
    const requests = [
      arriving(await signUrl(key, FILM, { expires: SOON })),
      arriving(await signUrl(key, `${FILM}?a=1&b=?`, { expires: SECONDS + 0.7 })),
      arriving(await signUrl(key, `${FILM}?a=1`, { expires: SOON, policy: 'custom' })),
      arriving(await signUrl(key, FILM, { expires: SOON, notBefore: from, ip: '192.0.2.7', resource: AREA })),
      arriving(await signPathUrl(key, `${FILM}?a=1`, { expires: SOON })),
      arriving(await signPathUrl(key, FILM, { expires: SOON, resource: '*://*/members/talk/*' })),
      arriving(FILM, { cookies: header(await signCookies(key, { resource: AREA, expires: SOON })) }),
      arriving((await signPublish(key, 'h:1935', '/live/stage', { expires: SOON })).url, {
        action: 'publish',
      }),
    ]
    expect(requests.map(request => word(verdictOf(request)))).toEqual(requests.map(() => 'allowed'))
    const neighbour = requests.map(request => ({
      ...request,
      rawPath: request.rawPath.replace('talk', 'tale'),
    }))
    expect(neighbour.slice(0, 3).map(request => word(verdictOf(request)))).not.toContain('allowed')
  })

  test.each(['sha256', 'sha1'] as const)("is to the byte what AWS's signer makes, with %s", async hash => {
    const key = await keyOf(file, id, hash)
    const algorithm = hash === 'sha256' ? ('SHA256' as const) : ('SHA1' as const)
    const aws = { keyPairId: id, privateKey: vectorFile(`${file}.pem`), algorithm }
    const bounds = {
      dateLessThan: SOON.toISOString(),
      dateGreaterThan: '2026-01-01T00:00:00Z',
      ipAddress: '192.0.2.7',
    }
    const from = new Date(bounds.dateGreaterThan)
    const cookies = await signCookies(key, {
      resource: FILM,
      expires: SOON,
      notBefore: from,
      ip: '192.0.2.7',
    })
    const policy = decoded(cookies['CloudFront-Policy'])
    const pairs: [ours: string, theirs: string][] = [
      [header(cookies), header(getSignedCookies({ ...aws, policy }) as SignedCookies)], // a custom policy's
      [
        await signUrl(key, `${FILM}?b=2`, { expires: SOON }),
        getSignedUrl({ ...aws, url: `${FILM}?b=2`, dateLessThan: bounds.dateLessThan }),
      ],
      [
        await signUrl(key, FILM, { expires: SOON, notBefore: from, ip: '192.0.2.7' }),
        getSignedUrl({ ...aws, url: FILM, ...bounds }),
      ],
    ]
    // The order of parameters differs; ECDSA signatures differ each time; undeclared is SHA-1 either way.
    const parts = (text: string): string[] =>
      text
        .split(/[?&]|; /)
        .filter(part => file === 'rsa2048' || !part.includes('Signature='))
        .filter(part => !part.endsWith('Hash-Algorithm=SHA1'))
        .sort()
    expect(pairs.map(([ours]) => parts(ours))).toEqual(pairs.map(([, theirs]) => parts(theirs)))
  })

  test('is to the byte what a CryptoKey signs', async () => {
    const der = execFileSync('openssl', ['pkcs8', '-topk8', '-nocrypt', '-outform', 'DER'], {
      input: vectorFile(`${file}.pem`),
    })
    const algorithm =
      file === 'p256'
        ? { name: 'ECDSA', namedCurve: 'P-256' }
        : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const privateKey = await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
    const key = await importKey({ keyPairId: id, privateKey })
    expect(word(verdictOf(arriving(await signUrl(key, FILM, { expires: SOON }))))).toBe('allowed')
  })
})

describe('forms', () => {
  let key: SigningKey
  beforeAll(async () => (key = await keyOf('p256', P256_ID)))

  test('a canned URL', async () => {
    expect(await signUrl(key, `${FILM}?a=1`, { expires: SOON })).toMatch(
      new RegExp(
        `^${FILM}\\?a=1&Expires=${SECONDS}&Signature=[\\w~-]+&Key-Pair-Id=KP256&Hash-Algorithm=SHA256$`,
      ),
    )
  })

  test('a custom URL opens itself alone unless a resource is given', async () => {
    const url = await signUrl(key, `${FILM}?a=1`, { expires: SOON, ip: '2001:db8::7' })
    expect(url).toMatch(/\?a=1&Policy=[\w~-]+&Signature=[\w~-]+&Key-Pair-Id=KP256&Hash-Algorithm=SHA256$/)
    expect(decoded(/Policy=([^&]+)/.exec(url)?.[1])).toBe(
      `{"Statement":[{"Resource":"${FILM}\\\\?a=1","Condition":{"DateLessThan":{"AWS:EpochTime":${SECONDS}},"IpAddress":{"AWS:SourceIp":"2001:db8::7/128"}}}]}`,
    )
  })

  test('SHA-1 is not declared, as old verifiers know it', async () => {
    const old = await keyOf('rsa2048', RSA_ID, 'sha1')
    expect(await signUrl(old, FILM, { expires: SOON })).not.toContain('Hash-Algorithm')
    expect(Object.keys(await signCookies(old, { resource: '*', expires: SOON }))).toEqual([
      'CloudFront-Policy',
      'CloudFront-Signature',
      'CloudFront-Key-Pair-Id',
    ])
  })

  test('an address for encoders', async () => {
    const made = await signPublish(key, 'live.example.com:1935', '/members/live/stage', { expires: SOON })
    expect(made).toEqual({
      server: 'rtmp://live.example.com:1935/members/live',
      streamKey: expect.stringMatching(
        /^stage\?Policy=[\w~-]+&Signature=[\w~-]+&Key-Pair-Id=KP256&Hash-Algorithm=SHA256$/,
      ) as unknown, // vitest's type is any
      url: `${made.server}/${made.streamKey}`,
    })
    const policyOf = (streamKey: string): string => decoded(/Policy=([^&]+)/.exec(streamKey)?.[1])
    expect(policyOf(made.streamKey)).toContain('{"Resource":"rtmp://*/members/live/stage",')
    const bound = await signPublish(key, 'h', '/live/stage', { expires: SOON, host: 'live.example.com' })
    expect(policyOf(bound.streamKey)).toContain('{"Resource":"rtmp://live.example.com/live/stage",')
  })

  const COOKIES: SignedCookies = {
    'CloudFront-Policy': 'P',
    'CloudFront-Signature': 'S',
    'CloudFront-Key-Pair-Id': 'K',
    'CloudFront-Hash-Algorithm': 'SHA256',
  }

  test('cookies to set, Secure unless told otherwise', () => {
    expect(setCookieLines(COOKIES, { domain: 'example.com', path: '/members/' })).toEqual([
      'CloudFront-Policy=P; Domain=example.com; Path=/members/; Secure; HttpOnly; SameSite=Lax',
      'CloudFront-Signature=S; Domain=example.com; Path=/members/; Secure; HttpOnly; SameSite=Lax',
      'CloudFront-Key-Pair-Id=K; Domain=example.com; Path=/members/; Secure; HttpOnly; SameSite=Lax',
      'CloudFront-Hash-Algorithm=SHA256; Domain=example.com; Path=/members/; Secure; HttpOnly; SameSite=Lax',
    ])
    expect(setCookieLines(COOKIES, { sameSite: 'None', partitioned: true })[0]).toBe(
      'CloudFront-Policy=P; Path=/; Secure; HttpOnly; SameSite=None; Partitioned',
    )
    expect(setCookieLines(COOKIES, { secure: false, sameSite: 'Strict' })[0]).toBe(
      'CloudFront-Policy=P; Path=/; HttpOnly; SameSite=Strict',
    )
    expect(renderCookies(COOKIES, 'curl')).toContain('-b CloudFront-Policy=P ')
  })

  test('cookies to drop, with the same attributes', () => {
    expect(clearCookieLines({ domain: 'example.com', path: '/members/' })).toEqual(
      ['Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'].map(
        name =>
          `CloudFront-${name}=; Domain=example.com; Path=/members/; Secure; HttpOnly; SameSite=Lax; Max-Age=0`,
      ),
    )
  })
})

describe('what cannot be signed is refused with a sentence that says how to mend it', () => {
  const ok = { expires: SOON }
  const cookie = (terms: object) => (key: SigningKey) => signCookies(key, { resource: AREA, ...ok, ...terms })
  const url =
    (text: string, terms: object = {}) =>
    (key: SigningKey) =>
      signUrl(key, text, { ...ok, ...terms })
  const NOT_WHOLE = 'bad-url: This URL cannot be signed: it must be whole and begin with http:// or https://.'
  const MORE =
    'bad-url: This URL cannot be signed: its * would open more than itself; give what it is to open as "resource".'
  const CANNED =
    'bad-policy: This policy cannot be signed: a canned one holds nothing but the URL and "expires"; ask for a custom one.'
  const DURATION =
    'bad-time: "expires" is a point in time, no duration: Date.now() / 1000 + 3600 is in an hour.'

  test.each<[string, (key: SigningKey) => unknown, string]>([
    ['a path for a URL', url('/members/talk/index.m3u8'), NOT_WHOLE],
    ['a path, with a token', key => signPathUrl(key, '/members/talk', ok), NOT_WHOLE],
    ['an rtmp URL', url('rtmp://h/live/stage'), NOT_WHOLE],
    [
      'a fragment',
      url(`${FILM}#t=1`),
      'bad-url: This URL cannot be signed: leave out the fragment behind "#", which is never sent.',
    ],
    [
      'a space',
      url('https://h/a b'),
      'bad-url: This URL cannot be signed: percent-encode its spaces and the letters beyond ASCII.',
    ],
    [
      'a URL that is signed already',
      url(`${FILM}?a=1&Policy=x`),
      'bad-url: This URL cannot be signed: it has a parameter Policy already.',
    ],
    ['a wildcard in a canned URL', url('https://h/members/*'), MORE],
    ['a wildcard in a URL with a policy', url('https://h/members/*', { policy: 'custom' }), MORE],
    ['a wildcard with a token', key => signPathUrl(key, 'https://h/members/*', ok), MORE],
    ['a canned URL for an address', url(FILM, { policy: 'canned', ip: '192.0.2.7' }), CANNED],
    ['a canned URL with a beginning', url(FILM, { policy: 'canned', notBefore: new Date(NOW) }), CANNED],
    ['a canned URL for something else', url(FILM, { policy: 'canned', resource: AREA }), CANNED],
    [
      'a path for a resource',
      cookie({ resource: '/members/*' }),
      'bad-resource: The resource "/members/*" opens nothing over HTTP: write it whole, as https://media.example.com/members/*, or *://*/members/* for any host.',
    ],
    [
      'an rtmp resource in cookies',
      cookie({ resource: 'rtmp://*/live/stage' }),
      'bad-resource: The resource "rtmp://*/live/stage" opens nothing over HTTP: write it whole, as https://media.example.com/members/*, or *://*/members/* for any host.',
    ],
    [
      'a space in a resource',
      cookie({ resource: 'https://h/a b' }),
      'bad-policy: This policy cannot be signed: its resource must be a URL with every space and letter beyond ASCII percent-encoded.',
    ],
    [
      'a resource of 8 KiB',
      cookie({ resource: `https://h/${'a'.repeat(8192)}` }),
      'bad-policy: This policy cannot be signed: it would have more than 8192 bytes.',
    ],
    [
      'milliseconds',
      cookie({ expires: SOON.getTime() }),
      'bad-time: "expires" is in milliseconds; give Unix seconds, or a Date.',
    ],
    [
      'milliseconds in a canned URL',
      url(FILM, { expires: SOON.getTime() }),
      'bad-time: "expires" is in milliseconds; give Unix seconds, or a Date.',
    ],
    [
      'milliseconds for a beginning',
      cookie({ notBefore: NOW }),
      'bad-time: "notBefore" is in milliseconds; give Unix seconds, or a Date.',
    ],
    ['a duration', cookie({ expires: 3600 }), DURATION],
    ['nought', cookie({ expires: 0 }), DURATION],
    ['no date', cookie({ expires: new Date('soon') }), 'bad-time: "expires" is no valid date.'],
    ['no number', cookie({ expires: NaN }), 'bad-time: "expires" is no valid date.'],
    [
      'an end before its beginning',
      cookie({ notBefore: SOON }),
      'bad-policy: This policy cannot be signed: it would begin after it ends.',
    ],
    [
      'a name for an address',
      cookie({ ip: 'localhost' }),
      'bad-policy: This policy cannot be signed: its address must be one range such as 192.0.2.0/24.',
    ],
    [
      'a range too narrow',
      cookie({ ip: '192.0.2.0/33' }),
      'bad-policy: This policy cannot be signed: its address must be one range such as 192.0.2.0/24.',
    ],
    [
      'no channel',
      key => signPublish(key, 'h', 'stage', ok),
      'bad-path: A channel needs an app and a stream, such as /live/stage; stage is not one.',
    ],
    [
      'a stream key that encoders would cut',
      key => signPublish(key, 'h', `/live/${'s'.repeat(600)}`, ok),
      'too-long: The stream key would have 1586 characters and encoders cut long ones: sign with a P-256 key (sluice keys create) or shorten the path.',
    ],
  ])('%s', async (name, act, sentence) => {
    const key = await keyOf('p256', P256_ID)
    const length = name.startsWith('a stream key') ? /\d{4}/ : /(?!)/
    expect((await refusal(() => act(key))).replace(length, '1586')).toBe(sentence)
  })

  test.each([
    [
      { domain: 'https://example.com' },
      '"domain" must be a name such as example.com, without scheme, port and path',
    ],
    [
      { domain: 'example.com:8080' },
      '"domain" must be a name such as example.com, without scheme, port and path',
    ],
    [{ domain: 'localhost' }, '"domain" must be a name such as example.com, without scheme, port and path'],
    [{ path: '/members/*' }, '"path" must begin with / and is a plain prefix, in which * stands for itself'],
    [{ path: 'members' }, '"path" must begin with / and is a plain prefix, in which * stands for itself'],
    [
      { path: '/; Domain=com' },
      '"path" must begin with / and is a plain prefix, in which * stands for itself',
    ],
    [{ sameSite: 'None', secure: false }, 'browsers drop SameSite=None and Partitioned without Secure'],
    [{ partitioned: true, secure: false }, 'browsers drop SameSite=None and Partitioned without Secure'],
  ] as const)('cookies with %j', async (attributes, why) => {
    const cookies = await signCookies(await keyOf('p256', P256_ID), { resource: AREA, ...ok })
    const sentence = `bad-cookie: These cookies cannot be set: ${why}.`
    expect(await refusal(() => setCookieLines(cookies, attributes))).toBe(sentence)
    expect(await refusal(() => clearCookieLines(attributes))).toBe(sentence)
  })
})

const TEXT_OF_ADDRESSES = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc
    .array(
      fc.constantFrom(
        '0',
        '1',
        'ff',
        '0db8',
        'fffff',
        '255',
        '256',
        '01',
        ':',
        '::',
        '.',
        '1.2.3.4',
        'g',
        '%e',
        '',
      ),
      { maxLength: 14 },
    )
    .map(parts => parts.join('')),
  fc
    .array(fc.constantFrom('0', '7', '10', '249', '250', '256', '00', ''), { minLength: 3, maxLength: 5 })
    .map(parts => parts.join('.')),
  fc
    .array(fc.constantFrom('0', 'a', 'ABCD', ''), { minLength: 2, maxLength: 10 })
    .map(parts => parts.join(':')),
)

test("addresses are read where Node's own reader would read them, without it", () => {
  fc.assert(
    fc.property(TEXT_OF_ADDRESSES, text => {
      fc.pre(!text.includes('%'))
      expect([text, parseAddress(text) !== undefined]).toEqual([text, isIPv4(text) || isIPv6(text)])
    }),
    { numRuns: 5000 },
  )
})

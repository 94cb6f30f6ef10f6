import { createHmac } from 'node:crypto'
import { AUDIENCE, encoded, ISSUER, signBytes, tokenKey, tokenOf, type TokenKey } from '../signing/tokens.ts'
import { KEY_ID } from './edge-bench.ts'
import { grantFor } from './grants.ts'

/** A request as an attacker writes it: method, target, Host, and further lines of the head. */
export interface Attack {
  /** For the message of a test that fails. */
  what: string
  method: string
  target: string
  host: string | undefined
  lines: string[]
  /** Whether it carries a good grant, which opens what it opens and nothing else. */
  grant: 'good' | 'bad'
}

/** The same attacks for the same seed (Mulberry32). */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T // within the list, which may hold undefined
  }
}

export const OPENED = '/members/talk/index.m3u8'
/** What no grant of these tests opens. */
const CLOSED = [
  '/members/other/index.m3u8',
  '/members/talk2/a.ts',
  '/members/tal',
  '/members/',
  '/members/x.pdf',
]
export const RESOURCE = '*://*/members/talk/*'
export const HOST = 'cdn.localhost'

const keys: readonly TokenKey[] = [
  tokenKey('RS256', 'rs'),
  tokenKey('PS256', 'ps'),
  tokenKey('ES256', 'es'),
  tokenKey('EdDSA', 'ed'),
]
/** Of nobody whom the edge trusts, with the ids of those whom it does. */
const strangers: readonly TokenKey[] = keys.map(({ algorithm, keyId }) => tokenKey(algorithm, keyId))
export const issuerKeys = keys

const good = grantFor(RESOURCE)
const weak = grantFor(RESOURCE, { hash: 'sha1' })
const late = grantFor(RESOURCE, { seconds: -60 })
const elsewhere = grantFor('*://*/members/other2/*')
const claims = (more: object = {}): object => ({
  iss: ISSUER,
  aud: AUDIENCE,
  exp: Math.floor(Date.now() / 1000) + 600,
  paths: ['/members/talk/*'],
  ...more,
})
const tokens = keys.map(key => tokenOf(key, claims()))

/** What the grants open while nobody touches them. */
export const controls: readonly Attack[] = [
  plain('good cookies', OPENED, [`Cookie: ${good.cookie}`]),
  plain('a good query', `${OPENED}?${good.query}`),
  plain('a good path token', `${good.token}${OPENED}`),
  ...tokens.flatMap((token, at) => [
    plain(`a good ${keys[at]?.algorithm ?? ''} in the path`, `/~${token}${OPENED}`),
    plain(`a good ${keys[at]?.algorithm ?? ''} as bearer`, OPENED, [`Authorization: Bearer ${token}`]),
    plain(`a good ${keys[at]?.algorithm ?? ''} as cookie`, OPENED, [`Cookie: sluice-token=${token}`]),
  ]),
]

function plain(what: string, target: string, lines: string[] = []): Attack {
  return { what, method: 'GET', target, host: HOST, lines, grant: 'bad' }
}

type Kind = (dice: Dice) => Attack

/** Each makes another attack each time; all are refused, whatever the dice say. */
const KINDS: Readonly<Record<string, Kind>> = {
  'a changed policy in cookies': dice => plain('', OPENED, [`Cookie: ${changed(good.cookie, dice, COOKIE)}`]),
  'a changed policy in the query': dice => plain('', `${OPENED}?${changed(good.query, dice, QUERY)}`),
  'a changed policy in a path token': dice =>
    plain('', `/~${dice.one(TOKEN_CHANGES)(parts(good.token), dice).join('.')}${OPENED}`),
  'parts of several grants': dice => {
    const [one, other] = dice.one([
      [good, elsewhere],
      [good, late],
      [elsewhere, good],
      [late, good],
    ] as const)
    return carriedBy(dice, one.policy, other.signature, KEY_ID)
  },
  'a key that is not that one': dice =>
    carriedBy(
      dice,
      good.policy,
      good.signature,
      dice.one([
        'KTESTKEY000002',
        KEY_ID.toLowerCase(),
        `${KEY_ID}0`,
        '__proto__',
        'constructor',
        ' ',
        '%00',
        '*',
      ]),
    ),
  'a good grant over another path': dice => carrying(dice, respelled(dice.one(CLOSED), dice)),
  'a way out of what is opened': dice =>
    carrying(
      dice,
      `/members/talk/${dice.one(WAYS_OUT)}${dice.one(['', 'a/', dice.one(WAYS_OUT)])}${dice.one(['other/index.m3u8', 'talk2/a.ts', 'x.pdf'])}`,
    ),
  'a gated path spelled otherwise': dice => plain('', respelled(dice.one([OPENED, ...CLOSED]), dice)),
  'a way in from what is open': dice =>
    plain(
      '',
      `${dice.one(['/open/', '/', '/open/a/b/', '/.sluice/', '/a.b.c/'])}${dice.one(WAYS_OUT)}${dice.one(WAYS_OUT)}${OPENED.slice(1)}`,
    ),
  'tokens that are none': dice => plain('', `${nest(dice)}${respelled(OPENED, dice)}`),
  'another form of target': dice =>
    plain(
      '',
      dice.one([
        `http://${HOST}${OPENED}`,
        `//${HOST}${OPENED}`,
        `https://u:p@${HOST}${OPENED}`,
        OPENED.slice(1),
        `*${OPENED}`,
        `/${OPENED}#`,
        `${OPENED}#?`,
        `\\${OPENED}`,
        `${HOST}:80`,
        `?${OPENED}`,
        `/?/../${OPENED}`,
      ]) + dice.one(['', '?', '?a=b', '#', '/', '//']),
    ),
  'another Host': dice => ({
    ...plain(
      '',
      dice.one([OPENED, ...CLOSED]),
      dice.one([
        [],
        [`X-Forwarded-Host: ${HOST}`],
        ['X-Forwarded-Proto: https', 'X-Forwarded-For: 127.0.0.1'],
        ['X-Original-URL: /open/a'],
        ['X-Rewrite-URL: /open/a'],
        [`Host: ${HOST}`],
      ]),
    ),
    host: dice.one([
      undefined,
      '',
      'localhost',
      '127.0.0.1',
      `${HOST}.`,
      `${HOST}:99999`,
      `${HOST}/open`,
      `${HOST}#`,
      `a@${HOST}`,
      `${HOST},a`,
      '[::1]',
      '[',
      'x'.repeat(300),
      'CDN.LOCALHOST',
      '..',
      `${HOST} a`,
      'é',
    ]),
  }),
  'the session as an oracle': dice => {
    const path = dice.one([
      respelled(dice.one(CLOSED), dice),
      OPENED,
      '/members/talk/',
      `/open/${dice.one(WAYS_OUT)}members/talk/`,
      '/members/talk/;Domain=localhost',
      '/members/talk/%0d%0aSet-Cookie:a=b',
    ])
    const spelled = dice.one([path, encodeURIComponent(path), encodeURIComponent(encodeURIComponent(path))])
    const grant = dice.one([
      '',
      `&${changed(good.query, dice, QUERY)}`,
      `&${late.query}`,
      `&${elsewhere.query}`,
    ])
    return plain(
      '',
      `${dice.one(['', late.token, '/~a.b.c', elsewhere.token])}/.sluice/session${dice.one(['?', '?a&', '?path=/open/&'])}path=${spelled}${grant}`,
    )
  },
  'Expires and Policy mixed': dice => {
    const expires = `Expires=${Math.floor(Date.now() / 1000) + dice.below(10_000)}`
    return plain(
      '',
      `${OPENED}?${dice.one([
        `${good.query}&${expires}`,
        `${expires}&${good.query}`,
        good.query.replace(/Policy=[^&]+/, expires),
        `${good.query}&Policy=`,
        good.query.replace('Policy=', 'policy='),
        `${good.query}&${late.query}`,
        `${late.query}&${good.query}`,
        good.query.replace(/&/g, ';'),
        good.query.replace(/&/g, '&amp;'),
        good.query.replace('Hash-Algorithm=SHA256', 'Hash-Algorithm=SHA1'),
        good.query.replace(/&?Hash-Algorithm=SHA256/, ''),
        weak.query.replace(/&?Hash-Algorithm=SHA1|$/, '&Hash-Algorithm=SHA256'),
      ])}${dice.one(['', `&x=${dice.below(1000)}`])}`,
    )
  },
  'a good cookie behind a bad URL': dice =>
    plain('', `${OPENED}?${changed(good.query, dice, QUERY)}`, [`Cookie: ${good.cookie}`]),
  'names of cookies that are not those': dice =>
    plain('', OPENED, [
      `Cookie: ${good.cookie.replaceAll('CloudFront-', dice.one(['cloudfront-', 'CLOUDFRONT-', 'CloudFront_', '__Host-CloudFront-', ' CloudFront -', '$CloudFront-', 'CloudFront-%2D', '"CloudFront-']))}`,
    ]),
  'cookies twice': dice => {
    const [first, second] = dice.one([
      [late.cookie, elsewhere.cookie],
      [elsewhere.cookie, late.cookie],
      [changed(good.cookie, dice, COOKIE), late.cookie],
    ])
    return plain(
      '',
      OPENED,
      dice.one([[`Cookie: ${first}; ${second}`], [`Cookie: ${first}`, `Cookie: ${second}`]]),
    )
  },
  'something very long': dice => {
    const long = 'A'.repeat(dice.one([2_000, 7_000, 8_200, 15_000]))
    return dice.one([
      plain('', `/members/${long}`),
      plain('', `${OPENED}?Policy=${long}&Signature=a&Key-Pair-Id=${KEY_ID}`),
      plain('', `/~${long}.a.b${OPENED}`),
      plain('', OPENED, [
        `Cookie: CloudFront-Policy=${long}; CloudFront-Signature=a; CloudFront-Key-Pair-Id=${KEY_ID}`,
      ]),
      plain('', OPENED, [`Authorization: Bearer ${long}.a.b`]),
      plain('', OPENED, [`Cookie: sluice-token=${long}`]),
      plain('', `${OPENED}${'/..'.repeat(500)}`),
      plain('', `${'/members'.repeat(200)}/..${OPENED}`),
    ])
  },
  'letters beyond ASCII': dice => {
    const bytes = Buffer.from(
      dice.one(['é', '／', '․․/', '\u0130', 'ſ', '\u2215', '\ufeff', '\u0000', '\u00a0']),
    ).toString('latin1')
    return plain(
      '',
      dice.one([
        `/${bytes}members/talk/a`,
        `/members${bytes}talk/a`,
        `/members/talk/${bytes}/../../other/a`,
        `/open/${bytes}..${OPENED}`,
      ]),
      dice.one([[], [`Cookie: ${bytes}=a; ${late.cookie}`], [`Authorization: Bearer ${bytes}`]]),
    )
  },
  'a changed token': dice => {
    const at = dice.below(tokens.length)
    const text = tokens[at] ?? ''
    return tokenBy(dice, withChange(text, dice))
  },
  'a token of another key or header': dice => tokenBy(dice, forged(dice)),
  'another method or part of it': dice => ({
    ...plain(
      '',
      OPENED,
      dice.one([
        ['Range: bytes=0-3'],
        ['If-None-Match: "t"'],
        ['If-None-Match: *'],
        ['If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT'],
        ['X-HTTP-Method-Override: GET', 'Content-Length: 0'],
        ['Origin: http://localhost'],
        ['Sluice-Node: token'],
        ['X-Sluice-Reason: none'],
        ['Upgrade: websocket', 'Connection: Upgrade'],
        ['Expect: 100-continue'],
        ['Connection: Cookie, Authorization'],
      ]),
    ),
    method: dice.one([
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'OPTIONS',
      'DELETE',
      'PATCH',
      'TRACE',
      'PURGE',
      'GETX',
      'get',
    ]),
  }),
}

export const KIND_COUNT = Object.keys(KINDS).length

/** Every kind in turn. */
export function attackOf(number: number, dice: Dice): Attack {
  const entries = Object.entries(KINDS)
  const [what, make] = entries[number % entries.length] ?? never()
  return { ...make(dice), what: `${what} (${number})` }
}

function never(): never {
  throw new Error('there are kinds')
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~_'
const BYTES = [
  ...ALPHABET,
  '%',
  '.',
  '/',
  '\\',
  '"',
  "'",
  '<',
  '{',
  '+',
  '=',
  ',',
  '@',
  ':',
  '!',
  '*',
  '?',
  '\t',
]

const COOKIE = /CloudFront-(?:Policy|Signature)=([^;]+)/g
const QUERY = /(?:Policy|Signature)=([^&]+)/g

/** One value of a grant is another one; what decodes to the same bytes is not counted as one. */
function changed(grant: string, dice: Dice, of: RegExp): string {
  const values = [...grant.matchAll(of)].map(match => match[1] ?? '')
  const value = dice.one(values)
  return grant.replace(value, () => withChange(value, dice))
}

/** Decoded as leniently as anybody does, so that no other spelling of the same grant counts as a forgery. */
function bytesOf(text: string): string {
  return text
    .split('.')
    .map(part =>
      Buffer.from(part.replaceAll('-', '+').replaceAll('~', '/').replaceAll('_', ''), 'base64').toString(
        'hex',
      ),
    )
    .join('.')
}

function withChange(text: string, dice: Dice): string {
  for (;;) {
    const at = dice.below(text.length)
    const made = dice.one<() => string>([
      () => text.slice(0, at) + dice.one([...ALPHABET]) + text.slice(at + 1),
      () => text.slice(0, at) + dice.one([...ALPHABET]) + text.slice(at + 1),
      () => text.slice(0, at),
      () => text.slice(at),
      () => text.slice(0, at) + text.slice(at + 1 + dice.below(8)),
      () => text.slice(0, at) + text.slice(at, at + 8) + text.slice(at),
      () => text.slice(at) + text.slice(0, at),
      () => [...text].reverse().join(''),
      () => text.toLowerCase(),
      () => text.slice(0, at) + swapCase(text.slice(at)),
      () => Buffer.from(text).toString('base64url'),
      () => text.slice(0, at) + dice.one(BYTES.slice(ALPHABET.length)) + text.slice(at),
    ])()
    if (made !== '' && bytesOf(made) !== bytesOf(text) && !made.includes(text)) return made
  }
}

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, char =>
    char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase(),
  )
}

type Parts = string[]

function parts(token: string): Parts {
  return token.slice(2).split('.')
}

const TOKEN_CHANGES: readonly ((token: Parts, dice: Dice) => Parts)[] = [
  ([policy = '', ...rest], dice) => [withChange(policy, dice), ...rest],
  ([policy = '', signature = '', key = ''], dice) => [policy, withChange(signature, dice), key],
  ([policy = '', signature = ''], dice) => [
    policy,
    signature,
    dice.one(['a', 'KTESTKEY000002', KEY_ID.toLowerCase()]),
  ],
  ([policy = '', signature = '', key = '']) => [signature, policy, key],
  ([policy = '', signature = '', key = '']) => [key, signature, policy],
  ([policy = '', signature = '']) => [policy, signature],
  token => [...token, 'a'],
  token => ['', ...token],
  token => token.map(part => `${part}%00`),
  ([policy = '', signature = '', key = '']) => [`${policy}%2E${signature}`, key],
  ([, signature = '', key = '']) => [encoded({ Statement: [] }), signature, key],
  ([, signature = '', key = '']) => [encoded({ alg: 'none' }), signature, key],
]

function carriedBy(dice: Dice, policy: string, signature: string, key: string): Attack {
  return dice.one([
    plain('', `${OPENED}?Policy=${policy}&Signature=${signature}&Key-Pair-Id=${key}&Hash-Algorithm=SHA256`),
    plain('', `/~${policy}.${signature}.${key}${OPENED}`),
    plain('', OPENED, [
      `Cookie: CloudFront-Policy=${policy}; CloudFront-Signature=${signature}; CloudFront-Key-Pair-Id=${key}; CloudFront-Hash-Algorithm=SHA256`,
    ]),
  ])
}

/** A good grant, by any carrier. */
function carrying(dice: Dice, path: string): Attack {
  const token = dice.one(tokens)
  const attack = dice.one([
    plain('', path, [`Cookie: ${good.cookie}`]),
    plain('', `${path}?${good.query}`),
    plain('', `${good.token}${path}`),
    plain('', `/~${token}${path}`),
    plain('', path, [`Authorization: Bearer ${token}`]),
    plain('', path, [`Cookie: sluice-token=${token}`]),
  ])
  return { ...attack, grant: 'good' }
}

const WAYS_OUT = [
  ...[
    '../',
    '..%2f',
    '..%2F',
    '%2e%2e/',
    '%2E./',
    '.%2e/',
    '..%5c',
    '..\\',
    '%2e%2e%2f',
    '%252e%252e/',
    '..%252f',
  ],
  ...[
    '..;/',
    '..;a=b/',
    '%2e%2e;/',
    '..%3b/',
    '.;/../',
    './../',
    '//../',
    '%00/../',
    '..%00/',
    '..%20/',
    '..%09/',
    '%c0%ae%c0%ae/',
  ],
  ...['..?/', '..#/', '%2f..%2f', '/..;/', '%c0%af../', '..%c0%af', '...//', '....//', ';/../', '%3b/../'],
]

/** Spellings that some server or other takes for the same path. */
function respelled(path: string, dice: Dice): string {
  return dice.one<() => string>([
    () => path,
    () => escapeSome(path, dice, /[a-z0-9]/i),
    () => escapeSome(path, dice, /[a-z0-9/.]/i),
    () => path.replace(/\//g, () => dice.one(['/', '//', '///', '/./', '/;/', '/;a=b/'])),
    () =>
      `${dice.one(['/', '//', '/./', '/;', '/;a', '/x/../', '/%2e/', '/.//', '/%20', '/%09', '/%00'])}${path.slice(1)}`,
    () =>
      path.replace(
        '/members',
        dice.one([
          '/members;',
          '/members;a=b',
          '/members;/',
          '/members%3b',
          '/members%20',
          '/members.',
          '/members%00',
          '/members%2f',
          '/members/.',
          '/members/x/..',
          '/members::$DATA',
        ]),
      ),
    () =>
      path +
      dice.one([
        '/',
        '//',
        '/.',
        '/..',
        '%00',
        '%20',
        ';',
        ';a=b',
        '?',
        '?a',
        '#',
        '.',
        '%2f',
        '::$DATA',
        '~',
        '%23',
        '%3f',
      ]),
    () => escapeSome(escapeSome(path, dice, /[a-z]/), dice, /%/),
    () => `/${'./'.repeat(dice.below(5))}${path.slice(1)}`,
    () => `//${HOST}${path}`,
  ])()
}

function escapeSome(path: string, dice: Dice, which: RegExp): string {
  return [...path]
    .map((char, at) => {
      if (at === 0 || !which.test(char) || dice.next() > 0.3) return char
      const hex = char.charCodeAt(0).toString(16).padStart(2, '0')
      return `%${dice.one([hex, hex.toUpperCase()])}`
    })
    .join('')
}

/** `/~…` of every kind but a good one, several behind each other at times. */
function nest(dice: Dice): string {
  const one = (): string =>
    dice.one([
      ...[
        '/~',
        '/~a',
        '/~a.b',
        '/~a.b.c',
        '/~a.b.c.d',
        '/%7ea.b.c',
        '/~a%2eb%2ec',
        '/~..',
        '/~.a.b',
        '/~~a.b.c',
      ],
      ...[
        late.token,
        elsewhere.token,
        `/~${encoded({ alg: 'none' })}.e30.`,
        `/~${encoded({ alg: 'none' })}.e30.a`,
      ],
      ...['/~e30_.a.b', '/~eyJ9.a.b', '/open/~a.b.c', '//~a.b.c', '/~a.b.c/', '/;~a.b.c', '/~/'],
    ])
  return Array.from({ length: 1 + dice.below(3) }, one).join('')
}

function tokenBy(dice: Dice, token: string): Attack {
  return dice.one([
    plain('', `/~${token}${OPENED}`),
    plain('', OPENED, [
      `Authorization: ${dice.one(['Bearer', 'bearer', 'Bearer ', 'Basic', 'DPoP'])} ${token}`,
    ]),
    plain('', OPENED, [`Cookie: sluice-token=${token}`]),
    plain('', OPENED, [`Cookie: sluice-token=${token}; sluice-token=${withChange(token, dice)}`]),
  ])
}

const ODD_IDS: readonly unknown[] = [
  '../../dev/null',
  "' OR 1=1 --",
  '',
  '__proto__',
  'constructor',
  'x'.repeat(3000),
  null,
  1,
  ['es'],
  { es: 1 },
  'http://127.0.0.1/jwks',
  '\u0000',
]

function forged(dice: Dice): string {
  const at = dice.below(keys.length)
  const key = keys[at] ?? never()
  const stranger = strangers[at] ?? never()
  const other = keys[(at + 1 + dice.below(keys.length - 1)) % keys.length] ?? never()
  const hmac = (algorithm: string, secret: string): string => {
    const signed = `${encoded({ alg: algorithm, kid: key.keyId, typ: 'JWT' })}.${encoded(claims())}`
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }
  const publicKey = key.privateKey
  return dice.one<() => string>([
    () => tokenOf(stranger, claims()),
    () => tokenOf(stranger, claims(), { jwk: stranger.jwk }),
    () => tokenOf(stranger, claims(), { jku: 'http://127.0.0.1:1/jwks' }),
    () => tokenOf(stranger, claims(), { x5u: 'http://127.0.0.1:1/x', x5c: ['MIIB'] }),
    () => tokenOf(key, claims(), { jwk: key.jwk }),
    () => tokenOf(stranger, claims(), { kid: dice.one(ODD_IDS) }),
    () => tokenOf(stranger, claims(), { kid: undefined }),
    () => tokenOf(key, claims(), { kid: other.keyId }),
    () => tokenOf(key, claims(), { alg: other.algorithm }),
    () => tokenOf(key, claims(), { alg: other.algorithm, kid: other.keyId }),
    () =>
      tokenOf(key, claims(), {
        alg: dice.one([
          'none',
          'None',
          'NONE',
          'nOnE',
          '',
          'HS256',
          'HS512',
          'RS512',
          'ES384',
          'ES256K',
          'RSA-OAEP',
          'dir',
          null,
          1,
          ['RS256'],
        ]),
      }),
    () =>
      `${encoded({ alg: dice.one(['none', 'None', 'NONE']) })}.${encoded(claims())}.${dice.one(['', 'a', 'AAAA'])}`,
    () => hmac('HS256', JSON.stringify(key.jwk)),
    () => hmac(dice.one(['HS256', key.algorithm]), key.jwk.n ?? key.jwk.x ?? ''),
    () => hmac('HS256', publicKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    () => tokenOf(key, claims(), { crit: ['exp'] }),
    () => tokenOf(key, claims(), { b64: false }),
    () =>
      tokenOf(
        key,
        claims({
          exp: dice.one([
            0,
            1,
            -1,
            '9999999999',
            null,
            undefined,
            1e300,
            Math.floor(Date.now() / 1000) - 1,
            Date.now() * 1000,
          ]),
        }),
      ),
    () => tokenOf(key, claims({ nbf: dice.one([Math.floor(Date.now() / 1000) + 3600, 'now', null, {}]) })),
    () =>
      tokenOf(
        key,
        claims({
          aud: dice.one([
            '',
            'https://other.example/',
            [AUDIENCE, 'b'],
            [],
            null,
            {},
            AUDIENCE.toUpperCase(),
            undefined,
          ]),
        }),
      ),
    () =>
      tokenOf(
        key,
        claims({
          iss: dice.one([
            '',
            'https://login.example',
            `${ISSUER}x`,
            ISSUER.toUpperCase(),
            null,
            undefined,
            [ISSUER],
          ]),
        }),
      ),
    () =>
      tokenOf(
        key,
        claims({
          paths: dice.one([
            [],
            '',
            ['/members/other/*'],
            ['/members/tal'],
            null,
            {},
            [1],
            ['/members/talk%2F*'],
            ['/members/talk/'],
            ['/MEMBERS/*'],
            ['members?talk'],
            [''],
            undefined,
          ]),
        }),
      ),
    () => tokenOf(key, `${JSON.stringify(claims()).slice(0, -1)},"exp":9999999999}`),
    () => tokenOf(key, `${JSON.stringify(claims()).slice(0, -1)}`),
    () => tokenOf(key, dice.one(['null', '[]', '1', '""', '{}', ''])),
    () => tokenOf(key, claims(), dice.one(['null', '[]', '1', '{}', '{"alg":"ES256","alg":"none"}'])),
    () => tokenOf(key, claims()).replace(/\.[^.]+$/, '.'),
    () =>
      tokenOf(key, claims()).replace(/[^.]+$/, signBytes(key, Buffer.from('other')).toString('base64url')),
    () => `${tokenOf(key, claims())}.${encoded('more')}`,
    () => `${tokenOf(key, claims())}=`,
  ])()
}

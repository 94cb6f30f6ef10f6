import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createVerify } from 'node:crypto'
import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { after, epochSeconds, instant, SluiceError } from '../../src/core/index.ts'
import {
  createSigner,
  decodeCloudFront,
  generateKeyPair,
  mayBeSecure,
  readPublicKey,
  renderCookies,
  resourceOfPath,
  setCookieValues,
  signCookies,
  signPath,
  signPublish,
  signUrl,
  type KeyPair,
  type SignedCookies,
} from '../../src/signing/index.ts'
import { arriving, NOW, P256_ID, RSA_ID, vectorFile, verdictOf, word } from './edge.ts'

const SOON = after(NOW, 21_600_000)
const FILM = 'https://m.example.com/members/talk/index.m3u8'
const KEYS = [
  { file: 'p256', id: P256_ID },
  { file: 'rsa2048', id: RSA_ID },
]

function codeAndSentence(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof SluiceError) return `${error.code} (${error.kind}): ${error.message}`
    throw error
  }
  return 'nothing was thrown'
}

const decoded = (text: string | undefined): string => decodeCloudFront(text ?? '')?.toString() ?? 'not base64'

describe.each(KEYS)("what AWS's signer signs with $file today is allowed", ({ file, id }) => {
  const by = { keyPairId: id, privateKey: vectorFile(`${file}.pem`) }
  test.each([undefined, 'SHA1', 'SHA256'] as const)('with the algorithm %s', algorithm => {
    const signed = { ...by, ...(algorithm === undefined ? {} : { algorithm }) }
    const dateLessThan = new Date(SOON).toISOString()
    const policy = `{"Statement":[{"Resource":"*://*/members/*","Condition":{"DateLessThan":{"AWS:EpochTime":${epochSeconds(SOON)}}}}]}`
    const cookies = Object.entries(getSignedCookies({ ...signed, policy }))
    const urls = [
      getSignedUrl({ ...signed, url: FILM, dateLessThan }),
      getSignedUrl({ ...signed, url: `${FILM}?b=2&a=x%20y`, dateLessThan }),
      getSignedUrl({ ...signed, url: `${FILM}?b=2`, dateLessThan, ipAddress: '192.0.2.0/24' }),
      getSignedUrl({ ...signed, url: FILM, policy }),
    ].map(url => arriving(url))
    const all = [
      ...urls,
      arriving(FILM, { cookies: cookies.map(([name, value]) => `${name}=${String(value)}`).join('; ') }),
    ]
    expect(all.map(request => word(verdictOf(request)))).toEqual(all.map(() => 'allowed'))
  })
})

describe.each(KEYS)('what we sign with $file', ({ file, id }) => {
  const pem = vectorFile(`${file}.pem`)
  let folder = ''
  beforeAll(() => (folder = mkdtempSync(path.join(tmpdir(), 'sluice-sign-'))))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each(['sha256', 'sha1'] as const)('openssl and node:crypto verify with %s', hash => {
    const { policy, signature } = createSigner(pem, id, { hash }).sign({
      resource: '*://*/a/*',
      expires: SOON,
    })
    const bytes = decodeCloudFront(policy) ?? Buffer.alloc(0)
    const signed = decodeCloudFront(signature) ?? Buffer.alloc(0)
    const publicPem = vectorFile(`${file}.pub.pem`)
    expect(createVerify(hash).update(bytes).verify(publicPem, signed)).toBe(true)
    for (const [name, content] of Object.entries({
      policy: bytes,
      signature: signed,
      'pub.pem': publicPem,
    })) {
      writeFileSync(path.join(folder, name), content)
    }
    const said = execFileSync(
      'openssl',
      ['dgst', `-${hash}`, '-verify', 'pub.pem', '-signature', 'signature', 'policy'],
      { cwd: folder, encoding: 'utf8' },
    )
    expect(said).toBe('Verified OK\n')
  })

  test("is to the byte what AWS's signer makes of the same terms", () => {
    const signer = createSigner(pem, id)
    const aws = {
      keyPairId: id,
      privateKey: pem,
      algorithm: 'SHA256' as const,
      dateLessThan: new Date(SOON).toISOString(),
    }
    // The guide and AWS's JavaScript order the parameters differently; verifiers must not care.
    const parameters = (url: string) => url.split(/[?&]/).sort()
    const withoutSignature = (url: string) => parameters(url).filter(part => !part.startsWith('Signature='))
    const canned = signUrl(signer, FILM, { expires: SOON }).url
    expect(withoutSignature(canned)).toEqual(withoutSignature(getSignedUrl({ ...aws, url: FILM })))
    const bound = { notBefore: instant(1_767_225_600_000), address: '192.0.2.0/24', resource: FILM }
    const theirs = getSignedUrl({
      ...aws,
      url: FILM,
      dateGreaterThan: '2026-01-01T00:00:00Z',
      ipAddress: '192.0.2.0/24',
    })
    expect(withoutSignature(signUrl(signer, FILM, { expires: SOON, ...bound }).url)).toEqual(
      withoutSignature(theirs),
    )
    // PKCS #1 signatures are the same each time, so the whole URL is.
    if (file === 'rsa2048')
      expect(parameters(canned)).toEqual(parameters(getSignedUrl({ ...aws, url: FILM })))
  })

  test('is allowed by an edge on every carrier', () => {
    const signer = createSigner(pem, id)
    const cookies = renderCookies(
      signCookies(signer, { resource: resourceOfPath('/members/talk', 'inside'), expires: SOON }),
      'curl',
    )
    const requests = [
      arriving(signUrl(signer, FILM, { expires: SOON }).url),
      arriving(signUrl(signer, `${FILM}?a=1&b=?`, { expires: SOON, address: '192.0.2.7' }).url),
      arriving(signPath(signer, `${FILM}?a=1`, { expires: SOON }).url),
      arriving(FILM, { cookies: cookies.replaceAll('-b ', '').replaceAll(' ', '; ') }),
      arriving(signPublish(signer, 'h:1935', '/live/stage', { expires: SOON }).url, { action: 'publish' }),
    ]
    expect(requests.map(request => word(verdictOf(request)))).toEqual(requests.map(() => 'allowed'))
  })
})

describe('signed URLs', () => {
  const signer = createSigner(vectorFile('p256.pem'), P256_ID)
  test('are canned when they open just themselves', () => {
    const { url, ...rest } = signUrl(signer, `${FILM}?a=1`, { expires: SOON })
    expect(url).toMatch(
      new RegExp(
        `^${FILM}\\?a=1&Expires=1780021600&Signature=[\\w~-]+&Key-Pair-Id=KP256&Hash-Algorithm=SHA256$`,
      ),
    )
    expect(rest).toEqual({ resource: `${FILM}?a=1`, expires: SOON })
  })

  test.each([
    ['a resource', { resource: 'https://m.example.com/*' }, 'https://m.example.com/*'],
    ['an address', { address: '192.0.2.7' }, `${FILM}\\?a=1`],
    ['a beginning', { notBefore: NOW }, `${FILM}\\?a=1`],
  ])('have the policy in them with %s', (_name, more, resource) => {
    const { url, ...rest } = signUrl(signer, `${FILM}?a=1`, { expires: SOON, ...more })
    expect(url).toMatch(/\?a=1&Policy=[\w~-]+&Signature=[\w~-]+&Key-Pair-Id=KP256&Hash-Algorithm=SHA256$/)
    expect(rest).toEqual({ resource, expires: SOON })
    const policy = JSON.parse(decoded(/Policy=([^&]+)/.exec(url)?.[1])) as {
      Statement: { Resource: string }[]
    } // just made
    expect(policy.Statement[0]?.Resource).toBe(resource)
  })

  test('SHA-1 is signed on request and not declared, as old verifiers know it', () => {
    const old = createSigner(vectorFile('p256.pem'), P256_ID, { hash: 'sha1' })
    expect(signUrl(old, FILM, { expires: SOON }).url).not.toContain('Hash-Algorithm')
    expect(Object.keys(signCookies(old, { resource: '*', expires: SOON }))).not.toContain(
      'CloudFront-Hash-Algorithm',
    )
  })

  test.each([
    ['/members/talk', 'it must be whole and begin with http:// or https://'],
    ['rtmp://h/live/stage', 'it must be whole and begin with http:// or https://'],
    ['https:///x', 'it must be whole and begin with http:// or https://'],
    [`${FILM}#t=10`, 'leave out the fragment behind "#", which is never sent'],
    ['https://h/für', 'percent-encode its spaces and the letters beyond ASCII'],
    ['https://h/a b', 'percent-encode its spaces and the letters beyond ASCII'],
    [`${FILM}?Expires=1`, 'it has a parameter Expires already'],
    [`${FILM}?a=1&Key-Pair-Id`, 'it has a parameter Key-Pair-Id already'],
  ])('%s is refused', (url, why) => {
    const said = `bad-url (usage): This URL cannot be signed: ${why}.`
    expect(codeAndSentence(() => signUrl(signer, url, { expires: SOON }))).toBe(said)
    expect(codeAndSentence(() => signPath(signer, url, { expires: SOON }))).toBe(said)
  })
})

test('a path token stands before the path, and its policy names the path without it', () => {
  const signer = createSigner(vectorFile('p256.pem'), P256_ID)
  const signed = signPath(signer, FILM, { expires: SOON, resource: 'https://m.example.com/members/talk/*' })
  expect(signed.url).toMatch(
    /^https:\/\/m\.example\.com\/~[\w~-]+\.[\w~-]+\.KP256\/members\/talk\/index\.m3u8$/,
  )
  expect(signed.resource).toBe('https://m.example.com/members/talk/*')
  expect(signPath(signer, 'https://m.example.com', { expires: SOON }).url).toMatch(/\.KP256\/$/)
  expect(signPath(signer, 'https://m.example.com?a=1', { expires: SOON }).url).toMatch(/\.KP256\/\?a=1$/)
})

test('a path signs any host, and what is inside it', () => {
  expect(resourceOfPath('/members/talk', 'inside')).toBe('*://*/members/talk/*')
  expect(resourceOfPath('/members/talk/', 'inside')).toBe('*://*/members/talk/*')
  expect(resourceOfPath('/files/setup.exe', 'exact')).toBe('*://*/files/setup.exe')
})

describe('terms that make no policy are refused', () => {
  const signer = createSigner(vectorFile('p256.pem'), P256_ID)
  test.each([
    [
      'a space',
      { resource: 'https://h/a b' },
      'its resource must be a URL with every space and letter beyond ASCII percent-encoded',
    ],
    [
      'nothing',
      { resource: '' },
      'its resource must be a URL with every space and letter beyond ASCII percent-encoded',
    ],
    ['an end before its beginning', { notBefore: SOON }, 'it would begin after it ends'],
    ['a name for an address', { address: 'localhost' }, 'its address must be one range such as 192.0.2.0/24'],
    [
      'a resource of 8 KiB',
      { resource: `https://h/${'a'.repeat(8192)}` },
      'it would have more than 8192 bytes',
    ],
  ])('%s', (_name, more, why) => {
    expect(codeAndSentence(() => signer.sign({ resource: '*', expires: SOON, ...more }))).toBe(
      `bad-policy (usage): This policy cannot be signed: ${why}.`,
    )
  })

  test.each([
    ['192.0.2.7', '192.0.2.7/32'],
    ['2001:db8::7', '2001:db8::7/128'],
    ['192.0.2.0/24', '192.0.2.0/24'],
  ])('an address alone becomes a range: %s → %s', (address, range) => {
    const { policy } = signer.sign({ resource: '*', expires: SOON, address })
    expect(decoded(policy)).toContain(`"IpAddress":{"AWS:SourceIp":"${range}"}`)
  })
})

describe('live streams', () => {
  const signer = createSigner(vectorFile('p256.pem'), P256_ID)
  test('what is pasted into an encoder', () => {
    const signed = signPublish(signer, '192.168.1.5:1935', '/members/live/stage', { expires: SOON })
    expect(signed.server).toBe('rtmp://192.168.1.5:1935/members/live')
    expect(signed.streamKey).toMatch(
      /^stage\?Policy=[\w~-]+&Signature=[\w~-]+&Key-Pair-Id=KP256&Hash-Algorithm=SHA256$/,
    )
    expect(signed.url).toBe(`${signed.server}/${signed.streamKey}`)
    expect([signed.resource, signed.expires]).toEqual(['rtmp://*/members/live/stage', SOON])
  })

  test('a host can be named', () => {
    expect(
      signPublish(signer, 'h:1935', '/live/stage', { expires: SOON, host: 'live.example.com' }).resource,
    ).toBe('rtmp://live.example.com/live/stage')
  })

  test('a stream key that encoders would cut is refused', () => {
    const long = `/live/${'s'.repeat(400)}`
    const said = codeAndSentence(() =>
      signPublish(createSigner(vectorFile('rsa2048.pem'), RSA_ID), 'h', long, { expires: SOON }),
    )
    expect(said).toMatch(
      /^too-long \(usage\): The stream key would have \d{4} characters and encoders cut long ones: sign with a P-256 key \(sluice keys create\) or shorten the path\.$/,
    )
    const { url } = signPublish(createSigner(vectorFile('rsa2048.pem'), RSA_ID), 'h', '/live/stage', {
      expires: SOON,
    })
    expect(url.length).toBeLessThan(1000)
  })

  test.each(['live/stage', '/stage', '/', '/live/', 'stage'])('%s is no channel', channel => {
    expect(codeAndSentence(() => signPublish(signer, 'h', channel, { expires: SOON }))).toBe(
      `bad-path (usage): A channel needs an app and a stream, such as /live/stage; ${channel} is not one.`,
    )
  })
})

describe('cookies are printed', () => {
  const cookies: SignedCookies = {
    'CloudFront-Policy': 'P~-_',
    'CloudFront-Signature': 'S~-_',
    'CloudFront-Key-Pair-Id': 'K',
    'CloudFront-Hash-Algorithm': 'SHA256',
  }
  test('as JSON', () => {
    expect(renderCookies(cookies, 'json')).toBe(
      '{"CloudFront-Policy":"P~-_","CloudFront-Signature":"S~-_","CloudFront-Key-Pair-Id":"K","CloudFront-Hash-Algorithm":"SHA256"}',
    )
  })
  test('for curl, such that a shell changes nothing', () => {
    const text = renderCookies(cookies, 'curl')
    expect(text).toBe(
      '-b CloudFront-Policy=P~-_ -b CloudFront-Signature=S~-_ -b CloudFront-Key-Pair-Id=K -b CloudFront-Hash-Algorithm=SHA256',
    )
    expect(execFileSync('sh', ['-c', `echo ${text}`], { encoding: 'utf8' })).toBe(`${text}\n`)
  })
  test('as Set-Cookie lines', () => {
    expect(
      renderCookies(cookies, 'set-cookie', { domain: 'example.com', path: '/members/', secure: true }),
    ).toBe(
      [
        'Set-Cookie: CloudFront-Policy=P~-_; Domain=example.com; Path=/members/; Secure; HttpOnly; SameSite=Lax',
        'Set-Cookie: CloudFront-Signature=S~-_; Domain=example.com; Path=/members/; Secure; HttpOnly; SameSite=Lax',
        'Set-Cookie: CloudFront-Key-Pair-Id=K; Domain=example.com; Path=/members/; Secure; HttpOnly; SameSite=Lax',
        'Set-Cookie: CloudFront-Hash-Algorithm=SHA256; Domain=example.com; Path=/members/; Secure; HttpOnly; SameSite=Lax',
      ].join('\n'),
    )
    expect(setCookieValues(cookies)[2]).toBe('CloudFront-Key-Pair-Id=K; Path=/; HttpOnly; SameSite=Lax')
  })
  test.each([
    ['https://example.com/', true],
    ['http://media.cdn.localhost:8080/', true],
    ['http://localhost:8080/', false],
    ['http://127.0.0.1:8080/', false],
    ['http://example.com/', false],
    ['http://evil-localhost/', false],
  ])('Secure for %s: %s', (url, secure) => {
    expect(mayBeSecure(url)).toBe(secure)
  })
})

describe('keys', () => {
  const pairs: Record<string, KeyPair> = {}
  beforeAll(async () => {
    pairs.p256 = await generateKeyPair('p256')
    pairs.rsa = await generateKeyPair('rsa2048')
  })

  test.each(['p256', 'rsa'] as const)('a new %s pair signs and is read back', type => {
    const pair = pairs[type]
    if (pair === undefined) throw new Error('made above')
    expect(pair.type).toBe(type)
    expect(pair.privatePem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(readPublicKey(pair.publicPem)).toMatchObject({ kind: 'key', type, pem: pair.publicPem })
    expect(createSigner(pair.privatePem, 'K').sign({ resource: '*', expires: SOON }).signature).not.toBe('')
  })

  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
  const publicOf = (pem: string): string =>
    execFileSync('openssl', ['pkey', '-pubout'], { encoding: 'utf8', input: pem })

  test('PKCS #1 and white space around are read too, and become SubjectPublicKeyInfo', () => {
    const pkcs1 = execFileSync('openssl', ['rsa', '-pubin', '-RSAPublicKey_out'], {
      encoding: 'utf8',
      input: vectorFile('rsa2048.pub.pem'),
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    expect(pkcs1).toContain('BEGIN RSA PUBLIC KEY')
    expect(readPublicKey(`\n\n${pkcs1}\n`)).toMatchObject({
      kind: 'key',
      type: 'rsa',
      pem: vectorFile('rsa2048.pub.pem'),
    })
    const windows = vectorFile('p256.pub.pem').replaceAll('\n', '\r\n')
    expect(readPublicKey(windows)).toMatchObject({
      kind: 'key',
      type: 'p256',
      pem: vectorFile('p256.pub.pem'),
    })
  })

  test.each<[string, () => string, string]>([
    [
      'a private key',
      () => vectorFile('p256.pem'),
      'this is a private key; keep it with the signer and give its public half: openssl pkey -in KEY -pubout',
    ],
    [
      'an RSA private key',
      () => '-----BEGIN RSA PRIVATE KEY-----\n',
      'this is a private key; keep it with the signer and give its public half: openssl pkey -in KEY -pubout',
    ],
    [
      'a certificate',
      () => '-----BEGIN CERTIFICATE-----\n',
      'this is a certificate; give its public key: openssl x509 -in CERTIFICATE -pubkey -noout',
    ],
    [
      'an SSH key',
      () => 'ssh-ed25519 AAAA',
      'this is not a public key in PEM, which begins with -----BEGIN PUBLIC KEY-----',
    ],
    ['nothing', () => '', 'this is not a public key in PEM, which begins with -----BEGIN PUBLIC KEY-----'],
    [
      'a damaged key',
      () => vectorFile('p256.pub.pem').replace(/.{20}\n-----END/, '\n-----END'),
      'this cannot be read as a public key; it is cut short or damaged',
    ],
    [
      'a short RSA key',
      () => publicOf(openssl('genrsa', '1024')),
      'this is RSA with 1024 bits; use RSA with 2048 to 4096 bits or P-256',
    ],
    [
      'RSA with an exponent of 3 is the least',
      () =>
        publicOf(
          openssl(
            'genpkey',
            '-algorithm',
            'RSA',
            '-pkeyopt',
            'rsa_keygen_bits:2048',
            '-pkeyopt',
            'rsa_keygen_pubexp:4294967299',
          ),
        ),
      'this is RSA with an unusual exponent; use one that openssl makes by default',
    ],
    [
      'RSA-PSS',
      () => publicOf(openssl('genpkey', '-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048')),
      'this is of the type rsa-pss; use P-256 or RSA with 2048 bits',
    ],
    [
      'another curve',
      () => publicOf(openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384')),
      'this is on the curve secp384r1; use P-256 (prime256v1) or RSA with 2048 bits',
    ],
    [
      "Bitcoin's curve",
      () => publicOf(openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1')),
      'this is on the curve secp256k1; use P-256 (prime256v1) or RSA with 2048 bits',
    ],
    [
      'Ed25519',
      () => publicOf(openssl('genpkey', '-algorithm', 'ED25519')),
      'this is of the type ed25519; use P-256 or RSA with 2048 bits',
    ],
  ])('%s is refused with what was found', (_name, make, why) => {
    expect(readPublicKey(make())).toEqual({ kind: 'refused', why })
  })

  test.each<[string, () => string, string]>([
    ['a public key', () => vectorFile('p256.pub.pem'), 'cannot be read: it must be a private key in PEM'],
    ['nothing', () => '', 'cannot be read: it must be a private key in PEM'],
    [
      'a locked key',
      () =>
        openssl(
          'genpkey',
          '-algorithm',
          'EC',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-aes256',
          '-pass',
          'pass:x',
        ),
      'cannot be read: it has a passphrase; write it without one: openssl pkey -in KEY -out PLAIN',
    ],
    [
      'Ed25519',
      () => openssl('genpkey', '-algorithm', 'ED25519'),
      'is of the type ed25519; use P-256 or RSA with 2048 bits',
    ],
  ])('%s cannot sign', (_name, make, why) => {
    expect(codeAndSentence(() => createSigner(make(), 'K'))).toBe(`bad-key (usage): The signing key ${why}.`)
  })
})

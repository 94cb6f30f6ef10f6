import { execFileSync } from 'node:child_process'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { generateKeyPair } from '../../src/signing/index.ts'
import { ecdsaSequence, readDer, writeDer } from '../../src/signing/der.ts'
import { importKey, SignError, signUrl, type KeyOptions } from '../../src/signing/sign.ts'
import { arriving, NOW, P256_ID, RSA_ID, vectorFile, verdictOf, word } from './edge.ts'

const FILM = 'https://m.example.com/members/talk/index.m3u8'
const EXPIRES = NOW / 1000 + 3600

const openssl = (args: string[], input?: string): string =>
  execFileSync('openssl', args, {
    encoding: 'utf8',
    stdio: 'pipe',
    ...(input === undefined ? {} : { input }),
  })

const P256 = vectorFile('p256.pem')
const RSA = vectorFile('rsa2048.pem')
const PKCS8 = ['pkcs8', '-topk8', '-nocrypt']
const EC_PARAMETERS = openssl(['ecparam', '-name', 'prime256v1'])

async function refusal(options: Partial<KeyOptions>): Promise<string> {
  try {
    await importKey({ keyPairId: 'K', privateKey: P256, ...options })
  } catch (error) {
    if (error instanceof SignError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'nothing was thrown'
}

describe('a private key is read', () => {
  test.each<[string, string, () => string]>([
    ['P-256 in PKCS #8', P256_ID, () => openssl(PKCS8, P256)],
    ['P-256 in SEC 1', P256_ID, () => openssl(['ec'], P256)],
    ['P-256 in SEC 1 behind its parameters', P256_ID, () => EC_PARAMETERS + openssl(['ec'], P256)],
    ['P-256 without its public half', P256_ID, () => openssl(['ec', '-no_public'], P256)],
    ['RSA in PKCS #8', RSA_ID, () => openssl(PKCS8, RSA)],
    ['RSA in PKCS #1', RSA_ID, () => openssl(['rsa', '-traditional'], RSA)],
    [
      'with the line ends of Windows',
      RSA_ID,
      () => openssl(['rsa', '-traditional'], RSA).replaceAll('\n', '\r\n'),
    ],
    ['from a setting of one line', P256_ID, () => openssl(PKCS8, P256).replaceAll('\n', '\\n')],
    ['with words around it', P256_ID, () => `website\n${openssl(PKCS8, P256)}\nkept since May`],
  ])('%s', async (_name, keyPairId, pem) => {
    const key = await importKey({ keyPairId, privateKey: pem() })
    const request = arriving(await signUrl(key, FILM, { expires: EXPIRES }))
    expect(word(verdictOf(request))).toBe('allowed')
  })

  test('and signs by another way where there is one', async () => {
    const own = await importKey({ keyPairId: P256_ID, privateKey: P256 })
    const asked: string[] = []
    const remote = {
      keyPairId: P256_ID,
      hash: 'sha256' as const,
      sign: (policy: Uint8Array) => {
        asked.push(new TextDecoder().decode(policy))
        return own.sign(policy)
      },
    }
    expect(word(verdictOf(arriving(await signUrl(remote, FILM, { expires: EXPIRES }))))).toBe('allowed')
    expect(asked).toEqual([
      `{"Statement":[{"Resource":"${FILM}","Condition":{"DateLessThan":{"AWS:EpochTime":${EXPIRES}}}}]}`,
    ])
  })
})

describe('a key that cannot sign policies is refused', () => {
  const UNREADABLE = 'cannot be read: it must be a private key in PEM, whole, from BEGIN to END'
  const UNKNOWN = 'is of another kind; use P-256 (prime256v1) or RSA with 2048 bits'
  const LOCKED = 'has a passphrase; write it without one: openssl pkey -in KEY -out PLAIN'
  test.each<[string, () => string, string]>([
    ['nothing', () => '', UNREADABLE],
    ['a public key', () => vectorFile('p256.pub.pem'), UNREADABLE],
    ['the name of a file', () => './website.pem', UNREADABLE],
    ['a key that is cut short', () => P256.slice(0, 100), UNREADABLE],
    ['base64 that is none', () => '-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----', UNREADABLE],
    [
      'bytes that are no key',
      () => '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----',
      UNREADABLE,
    ],
    [
      'bytes that are no RSA key',
      () => '-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----',
      UNREADABLE,
    ],
    [
      'an empty RSA key',
      () => '-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----',
      'cannot be read: its PEM is damaged',
    ],
    ['a locked key', () => openssl(['pkcs8', '-topk8', '-passout', 'pass:x'], P256), LOCKED],
    [
      'a key that was locked in the old way',
      () => openssl(['rsa', '-traditional', '-aes128', '-passout', 'pass:x'], RSA),
      LOCKED,
    ],
    [
      'RSA with 1024 bits',
      () => openssl(['genrsa', '1024']),
      'is RSA with 1024 bits; use RSA with 2048 to 4096 bits or P-256',
    ],
    [
      'another curve',
      () => openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384']),
      UNKNOWN,
    ],
    [
      'another curve in SEC 1',
      () => openssl(['ecparam', '-name', 'secp384r1', '-genkey', '-noout']),
      UNKNOWN,
    ],
    ['Ed25519', () => openssl(['genpkey', '-algorithm', 'ED25519']), UNKNOWN],
  ])('%s', async (_name, pem, why) => {
    expect(await refusal({ privateKey: pem() })).toBe(`bad-key: The signing key ${why}.`)
  })

  const webKey = (
    algorithm: object,
    usages: string[] = ['sign'],
    type = 'private',
  ): KeyOptions['privateKey'] => ({
    type,
    usages,
    algorithm: algorithm as { name: string }, // as Web Crypto gives it
  })
  const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048 }
  test.each<[string, KeyOptions['privateKey'], string]>([
    [
      'a public CryptoKey',
      webKey(rsa, ['verify'], 'public'),
      'must be the private half, and this one is public',
    ],
    ['one that may not sign', webKey(rsa, ['deriveKey']), 'must have the usage "sign"'],
    [
      'one for RSA-PSS',
      webKey({ ...rsa, name: 'RSA-PSS' }),
      'is for RSA-PSS; use RSASSA-PKCS1-v1_5 or ECDSA on P-256',
    ],
    [
      'one for the other hash',
      webKey({ ...rsa, hash: { name: 'SHA-1' } }),
      'was imported for SHA-1; import it for SHA-256, or ask for the other hash',
    ],
    [
      'one on another curve',
      webKey({ name: 'ECDSA', namedCurve: 'P-521' }),
      'is on the curve P-521; use P-256 or RSA with 2048 bits',
    ],
  ])('%s', async (_name, privateKey, why) => {
    expect(await refusal({ privateKey })).toBe(`bad-key: The signing key ${why}.`)
  })

  test.each(['', 'K 1', 'K;1', 'Kü', 'K.1'])('with the id %j', async keyPairId => {
    expect(await refusal({ keyPairId })).toBe(
      'bad-key: The signing key needs its Key-Pair-Id, of letters, digits, "-" and "_".',
    )
  })

  test('for a hash that nobody verifies', async () => {
    expect(await refusal({ hash: 'md5' as 'sha1' })).toBe(
      'bad-key: The signing key signs with sha256 or sha1 and nothing else.',
    ) // what a caller without types may write
  })

  afterEach(() => vi.unstubAllGlobals())
  test('where there is no Web Crypto', async () => {
    vi.stubGlobal('crypto', {})
    expect(await refusal({})).toBe(
      'no-web-crypto: There is no Web Crypto here: browsers give it to https pages and localhost only, Node from 20 on.',
    )
  })

  test('and never repeated', async () => {
    const damaged = P256.replace('MIG', 'AAA')
    const said = await refusal({ privateKey: damaged })
    expect(said).toContain('bad-key')
    for (const line of damaged.split('\n').slice(1, -2)) expect(said).not.toContain(line)
  })
})

describe('DER', () => {
  test('ECDSA numbers are positive and as short as they can be', () => {
    const raw = new Uint8Array(64)
    raw.set([0x80], 0)
    raw.set([0x7f, 0x01], 62)
    const first = [0x02, 33, 0, 0x80, ...new Array<number>(31).fill(0)]
    expect([...ecdsaSequence(raw)]).toEqual([0x30, 39, ...first, 0x02, 2, 0x7f, 0x01])
    expect([...ecdsaSequence(new Uint8Array(64))]).toEqual([0x30, 6, 2, 1, 0, 2, 1, 0])
  })

  test.each([0, 127, 128, 255, 256, 65_536])('%i bytes are written and read back', length => {
    const value = new Uint8Array(length).fill(7)
    expect(readDer(writeDer(4, value))).toEqual([{ tag: 4, value }])
  })

  test.each([[[4]], [[4, 2, 0]], [[4, 0x80, 0, 0]], [[4, 0x85, 0, 0, 0, 0, 1, 0]], [[4, 0x82, 1]]])(
    'what does not fit is no DER: %j',
    bytes => {
      expect(readDer(Uint8Array.from(bytes))).toBeUndefined()
    },
  )
})

test('a pair that Sluice makes signs', async () => {
  const pair = await generateKeyPair('p256')
  const key = await importKey({ keyPairId: 'K', privateKey: pair.privatePem })
  expect(await signUrl(key, FILM, { expires: EXPIRES })).toContain('Key-Pair-Id=K&')
})

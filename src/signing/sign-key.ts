import { ecdsaSequence } from './der.ts'
import { readPrivatePem } from './private-pem.ts'
import type { KeyType } from './public-key.ts'
import { SignError } from './sign-error.ts'
import type { Hash } from './hash.ts'

/**
 * What signs. `importKey` makes one; an object of your own may stand in for it, so that a key management service can
 * sign.
 */
export interface SigningKey {
  /** The id under which the verifier knows the public half. */
  readonly keyPairId: string
  readonly hash: 'sha256' | 'sha1'
  /** RSA: PKCS #1 v1.5. P-256: ECDSA, in DER. */
  sign(policy: Uint8Array): Promise<Uint8Array>
}

/** A `CryptoKey` of Web Crypto, in whichever library of types. */
export interface PrivateCryptoKey {
  readonly type: string
  readonly algorithm: { readonly name: string }
  readonly usages: readonly string[]
}

export interface KeyOptions {
  /** The id that `sluice keys create` or `keys import` printed, or CloudFront's console. */
  keyPairId: string
  /**
   * PEM without passphrase: `BEGIN PRIVATE KEY`, `BEGIN RSA PRIVATE KEY` or `BEGIN EC PRIVATE KEY`; or a `CryptoKey`
   * that may `sign`: RSASSA-PKCS1-v1_5 with the same hash, or ECDSA on P-256.
   */
  privateKey: string | PrivateCryptoKey
  /** SHA-256 unless given, declared by `Hash-Algorithm`. `sha1` is for verifiers that know nothing else. */
  hash?: 'sha256' | 'sha1'
}

const DIGEST: Record<Hash, string> = { sha256: 'SHA-256', sha1: 'SHA-1' }
const RSA = 'RSASSA-PKCS1-v1_5'

/** The parts of an algorithm that tell whether a key can sign policies. */
interface Algorithm {
  name: string
  hash?: { name: string }
  modulusLength?: number
  namedCurve?: string
}

/**
 * Reads a private key once, for as many signatures as you like. RSA from 2048 to 4096 bits, or P-256, whose signatures
 * have a third of the length. Throws `SignError` with the code `bad-key`.
 */
export async function importKey({ keyPairId, privateKey, hash = 'sha256' }: KeyOptions): Promise<SigningKey> {
  // Stands in URLs, cookies and paths as it is.
  if (!/^[A-Za-z0-9_-]+$/.test(keyPairId)) {
    throw badKey('needs its Key-Pair-Id, of letters, digits, "-" and "_"')
  }
  if (!Object.hasOwn(DIGEST, hash)) throw badKey('signs with sha256 or sha1 and nothing else')
  const key = typeof privateKey === 'string' ? await fromPem(privateKey, hash) : privateKey
  const why = whyUnfit(key, hash)
  if (why !== undefined) throw badKey(why)
  return { keyPairId, hash, sign: policy => sign(key, hash, policy) }
}

async function fromPem(pem: string, hash: Hash): Promise<PrivateCryptoKey> {
  const read = readPrivatePem(pem)
  if (read.kind === 'bad') throw badKey(read.why)
  const algorithms: Record<KeyType, { name: string; hash?: string; namedCurve?: string }> = {
    rsa: { name: RSA, hash: DIGEST[hash] },
    p256: { name: 'ECDSA', namedCurve: 'P-256' },
  }
  const subtle = webCrypto()
  try {
    return await subtle.importKey('pkcs8', Uint8Array.from(read.pkcs8), algorithms[read.type], false, [
      'sign',
    ])
  } catch {
    // What Web Crypto says of it is one word, and other in each browser.
    throw badKey('cannot be read: its PEM is damaged')
  }
}

function whyUnfit({ type, algorithm, usages }: PrivateCryptoKey, hash: Hash): string | undefined {
  if (type !== 'private') return `must be the private half, and this one is ${type}`
  if (!usages.includes('sign')) return 'must have the usage "sign"'
  const { name, hash: own, modulusLength = 0, namedCurve } = algorithm as Algorithm // as Web Crypto defines it
  if (name === 'ECDSA') {
    return namedCurve === 'P-256'
      ? undefined
      : `is on the curve ${namedCurve}; use P-256 or RSA with 2048 bits`
  }
  if (name !== RSA) return `is for ${name}; use ${RSA} or ECDSA on P-256`
  if (own?.name !== DIGEST[hash]) {
    return `was imported for ${own?.name}; import it for ${DIGEST[hash]}, or ask for the other hash`
  }
  if (modulusLength >= 2048 && modulusLength <= 4096) return undefined
  return `is RSA with ${modulusLength} bits; use RSA with 2048 to 4096 bits or P-256`
}

async function sign(key: PrivateCryptoKey, hash: Hash, policy: Uint8Array): Promise<Uint8Array> {
  const { name } = key.algorithm
  const subtle = webCrypto()
  const ours = key as Parameters<typeof subtle.sign>[1] // whyUnfit has looked at it
  const made = await subtle.sign({ name, hash: DIGEST[hash] }, ours, Uint8Array.from(policy))
  const signature = new Uint8Array(made)
  return name === 'ECDSA' ? ecdsaSequence(signature) : signature
}

function webCrypto(): typeof crypto.subtle {
  const subtle = (globalThis as { crypto?: { subtle?: typeof crypto.subtle } }).crypto?.subtle // absent on http pages
  if (subtle !== undefined) return subtle
  const sentence =
    'There is no Web Crypto here: browsers give it to https pages and localhost only, Node from 20 on.'
  throw new SignError('no-web-crypto', sentence)
}

function badKey(why: string): SignError {
  return new SignError('bad-key', `The signing key ${why}.`)
}

import { createPublicKey, type KeyObject } from 'node:crypto'

/** `rsa` from 2048 bits, `p256` is ECDSA on prime256v1; CloudFront knows these two. */
export type KeyType = 'rsa' | 'p256'

export type PublicKeyResult =
  | { kind: 'key'; type: KeyType; /** SubjectPublicKeyInfo, PEM. */ pem: string; key: KeyObject }
  | { kind: 'refused'; /** One sentence that says what was found and what to give. */ why: string }

const SMALLEST_RSA = 2048
/** A larger one costs every viewer's request more time than it is worth. */
const LARGEST_RSA = 4096

/** Reads a public key that somebody wants policies to be signed with. Never accepts, keeps or repeats a private one. */
export function readPublicKey(pem: string): PublicKeyResult {
  if (pem.includes('PRIVATE KEY')) {
    return refused(
      'is a private key; keep it with the signer and give its public half: openssl pkey -in KEY -pubout',
    )
  }
  if (pem.includes('BEGIN CERTIFICATE')) {
    return refused('is a certificate; give its public key: openssl x509 -in CERTIFICATE -pubkey -noout')
  }
  if (!/-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) {
    return refused('is not a public key in PEM, which begins with -----BEGIN PUBLIC KEY-----')
  }
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch {
    return refused('cannot be read as a public key; it is cut short or damaged')
  }
  const unfit = whyUnfit(key)
  if (unfit !== undefined) return refused(unfit)
  const type = key.asymmetricKeyType === 'rsa' ? 'rsa' : 'p256'
  return { kind: 'key', type, pem: key.export({ type: 'spki', format: 'pem' }).toString(), key }
}

/** Why a key, public or private, cannot sign policies; undefined when it can. */
export function whyUnfit(key: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength < SMALLEST_RSA || modulusLength > LARGEST_RSA) {
        return `is RSA with ${modulusLength} bits; use RSA with ${SMALLEST_RSA} to ${LARGEST_RSA} bits or P-256`
      }
      // With an exponent of 1 everybody can sign; a huge one makes each check as slow as signing.
      if (publicExponent < 3n || publicExponent > 0xffffffffn) {
        return 'is RSA with an unusual exponent; use one that openssl makes by default'
      }
      return undefined
    case 'ec':
      if (namedCurve === 'prime256v1') return undefined
      return `is on the curve ${namedCurve ?? 'of its own parameters'}; use P-256 (prime256v1) or RSA with ${SMALLEST_RSA} bits`
    default:
      return `is of the type ${key.asymmetricKeyType ?? 'unknown'}; use P-256 or RSA with ${SMALLEST_RSA} bits`
  }
}

function refused(found: string): PublicKeyResult {
  return { kind: 'refused', why: `this ${found}` }
}

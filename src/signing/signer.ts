import { createPrivateKey, sign, type KeyObject } from 'node:crypto'
import { SluiceError, type Instant } from '../core/index.ts'
import { parseCidr } from './address.ts'
import { encodeCloudFront } from './cloudfront-base64.ts'
import { LARGEST_POLICY, policyText, type PolicyTerms } from './policy.ts'
import { whyUnfit } from './public-key.ts'
import type { Hash } from './signature.ts'

/** Signs with one private key. Lives with the caller; no role ever makes one. */
export interface Signer {
  readonly keyId: string
  readonly hash: Hash
  /** The policy and its signature in CloudFront's base64. Throws `bad-policy` when the terms make none. */
  sign(terms: PolicyTerms): SignedPolicy
}

export interface SignedPolicy {
  readonly policy: string
  readonly signature: string
  readonly resource: string
  readonly expires: Instant
}

export interface SignerOptions {
  /** SHA-256 unless an old verifier needs SHA-1. */
  hash?: Hash
}

/** Reads a private key, PEM without passphrase. Throws `bad-key` with a sentence; it never repeats the key. */
export function createSigner(privatePem: string, keyId: string, options: SignerOptions = {}): Signer {
  const hash = options.hash ?? 'sha256'
  const key = readPrivateKey(privatePem)
  return {
    keyId,
    hash,
    sign: terms => {
      const text = policyText(checked(terms))
      if (Buffer.byteLength(text) > LARGEST_POLICY)
        throw badPolicy(`it would have more than ${LARGEST_POLICY} bytes`)
      return {
        policy: encodeCloudFront(Buffer.from(text)),
        signature: encodeCloudFront(sign(hash, Buffer.from(text), { key, dsaEncoding: 'der' })),
        resource: terms.resource,
        expires: terms.expires,
      }
    },
  }
}

function readPrivateKey(pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    const locked = /ENCRYPTED/.test(pem)
    const how = locked
      ? 'it has a passphrase; write it without one: openssl pkey -in KEY -out PLAIN'
      : 'it must be a private key in PEM'
    // The cause names the parser's complaint only, never the key.
    throw new SluiceError('bad-key', `The signing key cannot be read: ${how}.`, {
      side: 'operator',
      kind: 'usage',
      cause,
    })
  }
  const unfit = whyUnfit(key)
  if (unfit === undefined) return key
  throw new SluiceError('bad-key', `The signing key ${unfit}.`, { side: 'operator', kind: 'usage' })
}

function checked(terms: PolicyTerms): PolicyTerms {
  const { resource, expires, notBefore, address } = terms
  // Exactly what cannot be in a URL.
  if (!/^[^\u0000-\u0020\u007f-\uffff]+$/.test(resource)) {
    throw badPolicy('its resource must be a URL with every space and letter beyond ASCII percent-encoded')
  }
  if (notBefore !== undefined && notBefore >= expires) throw badPolicy('it would begin after it ends')
  if (address === undefined) return terms
  if (parseCidr(address) === undefined) throw badPolicy('its address must be one range such as 192.0.2.0/24')
  const alone = address.includes(':') ? '/128' : '/32'
  return { ...terms, address: address.includes('/') ? address : address + alone }
}

function badPolicy(why: string): SluiceError {
  return new SluiceError('bad-policy', `This policy cannot be signed: ${why}.`, {
    side: 'operator',
    kind: 'usage',
  })
}

import { createPrivateKey, sign, type KeyObject } from 'node:crypto'
import { SluiceError, type Instant } from '../core/index.ts'
import { encodeCloudFront } from './cloudfront-encoder.ts'
import { inSeconds, type PolicyTerms } from './policy.ts'
import { writePolicy } from './policy-text.ts'
import { whyUnfit } from './public-key.ts'
import type { Hash } from './hash.ts'

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
      const written = writePolicy(inSeconds(terms))
      if (written.kind === 'bad') throw badPolicy(written.why)
      const bytes = Buffer.from(written.text)
      return {
        policy: encodeCloudFront(bytes),
        signature: encodeCloudFront(sign(hash, bytes, { key, dsaEncoding: 'der' })),
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

function badPolicy(why: string): SluiceError {
  return new SluiceError('bad-policy', `This policy cannot be signed: ${why}.`, {
    side: 'operator',
    kind: 'usage',
  })
}

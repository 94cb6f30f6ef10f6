import { verify } from 'node:crypto'
import type { Hash } from './hash.ts'
import type { TrustedKey } from './trusted-keys.ts'

/** Answers whether a key signed these bytes; hand in another to remember answers or to count them. */
export type CheckSignature = (
  policy: Uint8Array,
  signature: Uint8Array,
  key: TrustedKey,
  hash: Hash,
) => boolean

/** RSA is PKCS #1 v1.5, ECDSA is DER, as openssl and AWS's signers write them. A broken signature is just false. */
export const checkSignature: CheckSignature = (policy, signature, { key }, hash) => {
  try {
    return verify(hash, policy, { key, dsaEncoding: 'der' }, signature)
  } catch {
    return false
  }
}

import { createRequire } from 'node:module'
import type * as Library from '@aws-crypto/client-node'

/** The one door to AWS's own implementation; loaded in a thread, when the first field is to be encrypted. */
export const LIBRARY = createRequire(import.meta.url).resolve('@aws-crypto/client-node')

/** For whom a value is encrypted. */
export interface Recipient {
  provider: string
  keyName: string
  /** RSA, public, PEM. */
  pem: string
}

/**
 * Makes messages of the AWS Encryption SDK as CloudFront's fields are: a data key of its own for each, wrapped by RSA-OAEP
 * with SHA-256, AES-256-GCM with HKDF-SHA-256 and no signature (suite 0x0178), base64, escaped for a form. Stands for
 * itself: its text is what the thread runs.
 */
export function messageMaker(library: typeof Library): (value: Uint8Array, to: Recipient) => Promise<string> {
  const { buildClient, CommitmentPolicy, RawRsaKeyringNode, AlgorithmSuiteIdentifier } = library
  // CloudFront's messages have no key commitment, and whoever decrypts them is told so by this policy's name.
  const { encrypt } = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
  const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA256
  const mostKeys = 64
  const keyrings = new Map<string, Library.RawRsaKeyringNode>()
  const keyringOf = ({ provider, keyName, pem }: Recipient) => {
    const name = [provider, keyName, pem].join('\n')
    let keyring = keyrings.get(name)
    if (keyring === undefined) {
      if (keyrings.size >= mostKeys) keyrings.clear()
      keyring = new RawRsaKeyringNode({
        rsaKey: { publicKey: pem },
        ...{ keyNamespace: provider, keyName, oaepHash: 'sha256' },
      })
      keyrings.set(name, keyring)
    }
    return keyring
  }
  return async (value, to) => {
    const { result } = await encrypt(keyringOf(to), value, { suiteId })
    return encodeURIComponent(result.toString('base64'))
  }
}

import { generateKeyPairSync } from 'node:crypto'
import { buildClient, CommitmentPolicy, RawRsaKeyringNode, type MessageHeader } from '@aws-crypto/client-node'
import type { EncryptionProfileId, KeyId } from '../../src/core/index.ts'
import type { EncryptionProfile } from '../../src/distribution/index.ts'

const { decrypt } = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)

/** The one service that reads fields: AWS's decryptor with a private key that nobody else has. */
export class Recipient {
  readonly pem: string
  readonly privatePem: string
  readonly provider = 'shop:payments'
  readonly keyName = 'cards-2026'
  readonly #keyring: RawRsaKeyringNode

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    this.pem = publicKey
    this.privatePem = privateKey
    this.#keyring = new RawRsaKeyringNode({
      ...{ keyNamespace: this.provider, keyName: this.keyName, oaepHash: 'sha256' },
      rsaKey: { privateKey },
    })
  }

  /** Of base64, as it stands in a form that has been read. */
  async read(text: string): Promise<Buffer> {
    return (await this.opened(text)).plaintext
  }

  async opened(text: string): Promise<{ plaintext: Buffer; messageHeader: MessageHeader }> {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new Error(`this is no base64: ${text.slice(0, 40)}`)
    const { plaintext, messageHeader } = await decrypt(this.#keyring, Buffer.from(text, 'base64'))
    return { plaintext, messageHeader: messageHeader }
  }

  profile(...patterns: string[]): EncryptionProfile {
    const { pem, provider, keyName } = this
    return {
      id: 'P1' as EncryptionProfileId, // a test's own
      entities: [{ keyId: 'K1' as KeyId, keyName, provider, pem, patterns }], // as above
    }
  }
}

import { generateKeyPair as generate } from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyType } from './public-key.ts'

export interface KeyPair {
  type: KeyType
  /** PKCS #8, PEM; belongs to whoever signs and to nobody else. */
  privatePem: string
  /** SubjectPublicKeyInfo, PEM. */
  publicPem: string
}

const makeKeys = promisify(generate)

const PUBLIC = { type: 'spki', format: 'pem' } as const
const PRIVATE = { type: 'pkcs8', format: 'pem' } as const

/** `p256` signs in a third of the length of `rsa2048`; the latter is for signers that know nothing else. */
export async function generateKeyPair(kind: 'p256' | 'rsa2048'): Promise<KeyPair> {
  const { privateKey, publicKey } =
    kind === 'p256'
      ? await makeKeys('ec', { namedCurve: 'prime256v1' })
      : await makeKeys('rsa', { modulusLength: 2048 })
  return {
    type: kind === 'p256' ? 'p256' : 'rsa',
    privatePem: privateKey.export(PRIVATE).toString(),
    publicPem: publicKey.export(PUBLIC).toString(),
  }
}

import { createHash, X509Certificate } from 'node:crypto'
import { reader, SluiceError, Type } from '../core/index.ts'

/** What a machine that joins is told: where control is, by what it knows it, and what lets it in, once (SEAMS 25). */
export interface JoinTokenParts {
  /** Of control, over TLS. */
  url: string
  /** Of the authority's certificate: SHA-256, hex. */
  fingerprint: string
  secret: string
}

const MARK = 'sluice-join-'

const readParts = reader(
  Type.Object({
    url: Type.String({ pattern: '^https://' }),
    fingerprint: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    secret: Type.String({ minLength: 20 }),
  }),
  'the join token',
)

export function renderJoinToken({ url, fingerprint, secret }: JoinTokenParts): string {
  return `${MARK}${Buffer.from(JSON.stringify({ url, fingerprint, secret })).toString('base64url')}`
}

/** Throws SluiceError `bad-join-token`. */
export function readJoinToken(text: string): JoinTokenParts {
  const token = text.trim()
  try {
    if (!token.startsWith(MARK)) throw new Error(`it begins with ${MARK}`)
    return readParts(JSON.parse(Buffer.from(token.slice(MARK.length), 'base64url').toString()))
  } catch (error) {
    throw new SluiceError(
      'bad-join-token',
      'This is no join token: copy the whole line that "sluice nodes token" printed.',
      { side: 'operator', kind: 'usage', cause: error },
    )
  }
}

/** Throws what is no certificate. */
export function fingerprintOf(certificate: string): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex')
}

import { hashesOf, BAD_SIGNATURE_TEXT } from './authenticate.ts'
import type { Carrier } from './carrier.ts'
import type { Hash } from './hash.ts'
import { checkSignature } from './signature.ts'
import {
  readPolicyBytes,
  readSignature,
  readStatements,
  type Statement,
  type ViewerUrl,
} from './statement.ts'
import type { TrustedKey, TrustedKeys } from './trusted-keys.ts'

/** All that can be read of a grant, so that what is behind its first fault can be judged too. */
export interface Evidence {
  readonly carrier: Carrier
  readonly trusted: TrustedKeys
  /** Why it is malformed; undefined when it is not. */
  readonly fault: string | undefined
  readonly key: TrustedKey | undefined
  readonly signature: Uint8Array | undefined
  /** What may have been signed; empty when nothing of it can be read. */
  readonly statements: readonly Statement[]
  /** The bytes that may have been signed, as text, even where they are no policy. */
  readonly texts: readonly string[]
  /** What the named key did sign; undefined when it signed none of it. */
  readonly match: Match | undefined
}

export interface Match {
  readonly statement: Statement
  readonly hash: Hash
}

export function readEvidence(carrier: Carrier, url: ViewerUrl, trusted: TrustedKeys): Evidence {
  const key = trusted.byId.get(carrier.keyId)
  const signature = readSignature(carrier)
  const strict = readStatements(carrier, url, { withoutResource: key?.withoutResource ?? 'refuse' })
  const lenient = strict.kind === 'ok' ? strict : readStatements(carrier, url, { withoutResource: 'accept' })
  const statements = lenient.kind === 'ok' ? lenient.statements : []
  const unsigned = signature === undefined ? BAD_SIGNATURE_TEXT : undefined
  return {
    ...{ carrier, trusted, key, signature, statements },
    fault: unsigned ?? (strict.kind === 'bad' ? strict.why : undefined),
    texts: textsOf(carrier, statements),
    match:
      key === undefined || signature === undefined
        ? undefined
        : matchOf(statements, signature, key, hashesOf(carrier)),
  }
}

/** The first statement, in the order in which they are tried, that a key signed with one of these digests. */
export function matchOf(
  statements: readonly Statement[],
  signature: Uint8Array,
  key: TrustedKey,
  hashes: readonly Hash[],
): Match | undefined {
  for (const statement of statements) {
    for (const hash of hashes) {
      if (checkSignature(statement.bytes, signature, key, hash)) return { statement, hash }
    }
  }
  return undefined
}

function textsOf({ statement }: Carrier, statements: readonly Statement[]): string[] {
  if (statement.kind === 'canned') return statements.map(({ bytes }) => textOf(bytes))
  const decoded = readPolicyBytes(statement.policy)
  return decoded.kind === 'ok' ? [textOf(decoded.bytes)] : []
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

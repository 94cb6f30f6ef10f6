import type { GrantReason, KeyId } from '../core/index.ts'
import type { Carrier } from './carrier.ts'
import type { Policy } from './policy.ts'
import type { Hash } from './hash.ts'
import { checkSignature, type CheckSignature } from './signature.ts'
import { readSignature, readStatements, type ViewerUrl } from './statement.ts'
import type { TrustedKey, TrustedKeys } from './trusted-keys.ts'

export interface Refused {
  kind: 'refused'
  reason: GrantReason
  /** A sentence for whoever asks why; never a secret. */
  detail: string
}

export type Authenticated =
  /** `hash` is the one that was signed with, which a path token does not declare. */
  { kind: 'authentic'; policy: Policy; keyId: KeyId; hash: Hash } | Refused

export interface AuthenticateOptions {
  checkSignature?: CheckSignature
}

/**
 * Whether a trusted key signed what a request carries. Says nothing yet of resource, time and address, so the answer
 * holds for as long as the keys do and may be remembered under `memoKey`.
 */
export function authenticate(
  carrier: Carrier,
  url: ViewerUrl,
  trusted: TrustedKeys,
  options: AuthenticateOptions = {},
): Authenticated {
  const signature = readSignature(carrier)
  if (signature === undefined) return refuse('malformed', BAD_SIGNATURE_TEXT)
  const key = trusted.byId.get(carrier.keyId)
  const signed = readStatements(carrier, url, { withoutResource: key?.withoutResource ?? 'refuse' })
  if (signed.kind === 'bad') return refuse('malformed', signed.why)
  if (key === undefined) return refuse('unknown-key', 'no key group of this behaviour has this Key-Pair-Id')
  if (carrier.hash === 'sha1' && key.sha1 === 'refuse') return weak()
  const check = options.checkSignature ?? checkSignature
  for (const { bytes, policy } of signed.statements) {
    for (const hash of hashesOf(carrier)) {
      if (!check(bytes, signature, key, hash)) continue
      return hash === 'sha1' && key.sha1 === 'refuse' ? weak() : authentic(policy(), key, hash)
    }
  }
  return refuse('bad-signature', mismatch(carrier))
}

/** Names the question that `authenticate` answers, for one set of trusted keys. It holds what lets a reader in. */
export function memoKey({ statement, hash, keyId, signature }: Carrier, url: ViewerUrl): string {
  // Neither header values nor request targets can hold a line feed.
  const common = `${hash}\n${keyId}\n${signature}\n`
  if (statement.kind === 'custom') return `${common}${statement.policy}`
  return `${common}\n${statement.expires}\n${url.scheme}\n${url.authority}\n${url.rawPath}\n${url.query}`
}

export const BAD_SIGNATURE_TEXT = "the signature is not in CloudFront's base64"

/** The digests that a carrier may mean. */
export function hashesOf({ hash }: Carrier): readonly Hash[] {
  return hash === 'either' ? ['sha256', 'sha1'] : [hash]
}

function authentic(policy: Policy, { id }: TrustedKey, hash: Hash): Authenticated {
  return { kind: 'authentic', policy, keyId: id, hash }
}

function mismatch({ statement, hash }: Carrier): string {
  const canned = statement.kind === 'canned' ? ', which covers this exact URL and Expires' : ''
  const digest = {
    sha1: 'SHA-1 (no Hash-Algorithm=SHA256 is declared)',
    sha256: 'SHA-256',
    either: 'SHA-256 or SHA-1',
  }
  return `the key did not sign this policy${canned} with ${digest[hash]}`
}

export const WEAK_HASH = 'the key group refuses SHA-1; sign with SHA-256 and declare Hash-Algorithm=SHA256'

function weak(): Refused {
  return refuse('weak-hash', WEAK_HASH)
}

export function refuse(reason: GrantReason, detail: string): Refused {
  return { kind: 'refused', reason, detail }
}

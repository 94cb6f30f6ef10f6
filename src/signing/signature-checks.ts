import { hashesOf, WEAK_HASH } from './authenticate.ts'
import { matchOf, type Evidence } from './evidence.ts'
import { grantCheck, shownKeyId, type GrantCheck } from './grant-check.ts'
import type { Hash } from './hash.ts'
import type { TrustedKey } from './trusted-keys.ts'

const NAMES: Record<Hash, string> = { sha1: 'SHA-1', sha256: 'SHA-256' }

/** So many other keys are tried for who else may have signed, and named where keys are listed. */
const MOST_KEYS = 20

export function malformedCheck({ fault, statements, carrier }: Evidence): GrantCheck {
  if (fault !== undefined) return grantCheck('malformed', 'fails', fault)
  const size = statements[0]?.bytes.byteLength ?? 0
  const canned = `Expires is ${carrier.statement.kind === 'canned' ? carrier.statement.expires : ''}`
  return grantCheck(
    'malformed',
    'holds',
    carrier.statement.kind === 'canned' ? canned : `the policy can be read and has ${size} bytes`,
  )
}

export function keyCheck({ key, carrier, trusted }: Evidence): GrantCheck {
  if (key !== undefined)
    return grantCheck('unknown-key', 'holds', `${key.id} is one of the keys that count here`)
  const known = [...trusted.byId.keys()]
  const listed =
    known.length === 0
      ? 'no key counts here'
      : `the keys that count here are ${known.slice(0, MOST_KEYS).join(', ')}${known.length > MOST_KEYS ? ', …' : ''}`
  return grantCheck('unknown-key', 'fails', `no key group has ${shownKeyId(carrier.keyId)}; ${listed}`)
}

export function hashCheck({ key, carrier, match }: Evidence): GrantCheck {
  const say = grantCheck.bind(undefined, 'weak-hash')
  if (key === undefined)
    return say('unknown', 'whether SHA-1 is accepted depends on the key, which is not known')
  if (key.sha1 === 'accept') return say('holds', 'the key group accepts SHA-1 and SHA-256')
  const used = carrier.hash === 'either' ? match?.hash : carrier.hash
  if (used === undefined)
    return say('unknown', 'the digest is not declared, and no signature fits to tell it')
  if (used === 'sha1') return say('fails', WEAK_HASH)
  return say('holds', 'SHA-256 is used; the key group refuses SHA-1')
}

export function signatureCheck(evidence: Evidence): GrantCheck {
  const { key, signature, statements, match, carrier } = evidence
  const say = grantCheck.bind(undefined, 'bad-signature')
  if (signature === undefined || statements.length === 0)
    return say('unknown', 'there is no signature or no policy to hold it against')
  const other = otherSigner(evidence, signature)
  if (key === undefined) return say('unknown', `the key is not known here${other === '' ? '' : `; ${other}`}`)
  if (match !== undefined)
    return say('holds', `${key.id} signed this ${carrier.statement.kind} policy with ${NAMES[match.hash]}`)
  const undeclared = undeclaredHash(evidence, signature, key)
  if (undeclared !== '') return say('fails', undeclared)
  const declared = hashesOf(carrier)
    .map(hash => NAMES[hash])
    .join(' or ')
  const likely = other === '' ? likelyCause(evidence) : other
  return say('fails', `${key.id} did not sign this with ${declared}; ${likely}`)
}

function undeclaredHash({ carrier, statements }: Evidence, signature: Uint8Array, key: TrustedKey): string {
  const others = (['sha256', 'sha1'] as const).filter(hash => !hashesOf(carrier).includes(hash))
  const used = matchOf(statements, signature, key, others)?.hash
  if (used === undefined) return ''
  const mend = used === 'sha256' ? 'declare Hash-Algorithm=SHA256' : 'leave Hash-Algorithm out'
  return `${key.id} signed this with ${NAMES[used]}, which is not what is declared; ${mend}`
}

/** A mix-up of Key-Pair-Ids is common after a rotation. */
function otherSigner({ trusted, carrier, statements }: Evidence, signature: Uint8Array): string {
  for (const other of [...trusted.byId.values()].slice(0, MOST_KEYS)) {
    if (other.id === carrier.keyId) continue
    if (matchOf(statements, signature, other, ['sha256', 'sha1']) === undefined) continue
    return `${other.id} made this signature, so Key-Pair-Id names the wrong key`
  }
  return ''
}

function likelyCause({ carrier }: Evidence): string {
  return carrier.statement.kind === 'canned'
    ? 'a canned policy covers the exact URL, its own parameters in their order and encoding, and Expires'
    : 'the policy was changed after it was signed, or another private key signed it'
}

import { GRANT_REASONS, type GrantReason, type Instant } from '../core/index.ts'
import type { Carrier } from './carrier.ts'
import { conditionChecks } from './condition-checks.ts'
import {
  grantCheck,
  oneLine,
  severalLines,
  shownKeyId,
  withoutTokens,
  type GrantCheck,
} from './grant-check.ts'
import { readEvidence, type Evidence } from './evidence.ts'
import { hashCheck, keyCheck, malformedCheck, signatureCheck } from './signature-checks.ts'
import type { TrustedKeys } from './trusted-keys.ts'
import { verifyGrant, type GrantRequest } from './verify.ts'

/** Why a grant opens what is asked for or does not. A plain document; it holds nothing that lets a reader in. */
export interface GrantExplanation {
  /** What `verifyGrant` answers: the first check that fails. */
  verdict: 'allowed' | GrantReason
  /** What carried the grant; null when none was found that could be read. */
  via: Carrier['via'] | null
  keyId: string | null
  /** As declared; `either` is SHA-256, then SHA-1, for carriers that cannot declare one. */
  hash: Carrier['hash'] | null
  statement:
    | null
    /** The text as it was signed, even when it is no policy; null when it is not base64. */
    | { kind: 'custom'; policy: string | null }
    /** Nothing but `Expires` is sent; the signature must be over one of these texts. */
    | { kind: 'canned'; expires: string; candidates: string[] }
  /** Every reason of GRANT_REASONS in its order. */
  checks: GrantCheck[]
}

/** Asks every question that `verifyGrant` asks, those behind the first failing one too, and says what was compared. */
export function explainGrant(request: GrantRequest, trusted: TrustedKeys, now: Instant): GrantExplanation {
  const verdict = verifyGrant(request, trusted, now)
  const word = verdict.kind === 'refused' ? verdict.reason : verdict.kind
  const { carrier } = request
  if (carrier.kind !== 'carrier') {
    const why = carrier.kind === 'none' ? 'the request carries no signed policy' : carrier.why
    const checks = withoutCarrier(carrier.kind === 'malformed' ? 'malformed' : 'missing', why)
    return { verdict: word, via: null, keyId: null, hash: null, statement: null, checks }
  }
  const evidence = readEvidence(carrier, request, trusted)
  const { via, keyId, hash, statement } = carrier
  return {
    verdict: word,
    ...{ via, hash },
    keyId: shownKeyId(keyId),
    statement:
      statement.kind === 'canned'
        ? { kind: 'canned', expires: statement.expires, candidates: evidence.texts.map(shown) }
        : {
            kind: 'custom',
            policy: evidence.texts[0] === undefined ? null : severalLines(evidence.texts[0]),
          },
    checks: [
      grantCheck('missing', 'holds', carried(carrier)),
      malformedCheck(evidence),
      keyCheck(evidence),
      hashCheck(evidence),
      signatureCheck(evidence),
      ...conditionChecks(promised(evidence), request, now),
    ],
  }
}

/** What is there to be held against the request, whoever signed it. */
function promised({ statements, match }: Evidence): Parameters<typeof conditionChecks>[0] {
  const policy = (match?.statement ?? statements[0])?.policy()
  if (policy === undefined) return { kind: 'nothing' }
  // A canned policy names whatever was signed, and only its signature can tell what that was.
  const unnamed = policy.resource.readings === 'compared' && match === undefined
  return unnamed ? { kind: 'unnamed', policy } : { kind: 'policy', policy }
}

function carried({ via, statement, keyId }: Carrier): string {
  const where = { query: 'the query', path: 'a path token', cookie: 'cookies' }[via]
  return `a ${statement.kind} policy comes in ${where} and names the key ${shownKeyId(keyId)}`
}

function shown(text: string): string {
  return oneLine(withoutTokens(text))
}

/** What only a grant that can be read is asked. */
const BEHIND = GRANT_REASONS.filter(reason => reason !== 'missing' && reason !== 'malformed')

function withoutCarrier(failing: 'missing' | 'malformed', why: string): GrantCheck[] {
  const nothing = 'there is no grant to look at'
  const malformed =
    failing === 'malformed'
      ? [
          grantCheck('missing', 'holds', 'something of a signed policy is there'),
          grantCheck('malformed', 'fails', why),
        ]
      : [grantCheck('missing', 'fails', why), grantCheck('malformed', 'unknown', nothing)]
  return [...malformed, ...BEHIND.map(check => grantCheck(check, 'unknown', nothing))]
}

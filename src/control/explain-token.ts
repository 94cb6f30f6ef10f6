import { instant, type CanonicalPath, type GrantReason, type Instant } from '../core/index.ts'
import type { ExplainedCheck, Explanation } from '../client/index.ts'
import type { TrustedIssuer } from '../distribution/index.ts'
import {
  authenticateToken,
  judgeToken,
  mayBeOf,
  readTokenPaths,
  readViewerToken,
  trustIssuer,
  unknownIssuer,
  type TokenCarrierResult,
  type TokenGrant,
  type ViewerToken,
} from '../signing/index.ts'
import { concluded, firstThatOpens, type ExplainedGrant } from './explain-grant.ts'

/** Claims that decide; the others may hold what is nobody's business. */
const TOLD = ['iss', 'aud', 'exp', 'nbf']
const LONGEST_TOLD = 500

const HERE = check('missing', 'holds', 'a JSON Web Token is there')

/** Explains a JSON Web Token; of several issuers of one name, for several audiences, any that opens will do. */
export async function explainToken(
  carrier: TokenCarrierResult,
  issuers: readonly TrustedIssuer[],
  path: CanonicalPath,
  now: Instant,
): Promise<ExplainedGrant> {
  const empty = { carrier: null, key: null, policy: null, token: null }
  if (carrier.kind === 'none')
    return { ...empty, ...concluded([check('missing', 'fails', 'no token came')], '') }
  if (carrier.kind === 'malformed') {
    return { ...empty, ...concluded([check('malformed', 'fails', carrier.why)], '') }
  }
  const base = { ...empty, carrier: { via: carrier.via, kind: 'token', hash: null } as const }
  const token = readViewerToken(carrier.text)
  if (token.kind === 'malformed') {
    return { ...base, ...concluded([HERE, check('malformed', 'fails', token.why)], '') }
  }
  const told: ExplainedGrant[] = []
  for (const issuer of issuers.filter(each => each.issuer === token.issuer)) {
    const concludedOf = concluded(
      await checksOf(token, issuer, path, now),
      'every condition of the token holds',
    )
    told.push({ ...base, token: tokenOf(token, issuer), ...concludedOf })
  }
  const stranger = [HERE, check('unknown-key', 'fails', unknownIssuer().detail)]
  return firstThatOpens(told) ?? { ...base, token: tokenOf(token, undefined), ...concluded(stranger, '') }
}

async function checksOf(
  token: ViewerToken,
  issuer: TrustedIssuer,
  path: CanonicalPath,
  now: Instant,
): Promise<ExplainedCheck[]> {
  const read = readTokenPaths(token.claims.get(issuer.claim))
  if (read.kind === 'bad') {
    return [HERE, check('malformed', 'fails', `the claim "${issuer.claim}" ${read.why}`)]
  }
  const { audiences, expires, notBefore } = token
  const ours = audiences.length === 1 && audiences[0] === issuer.audience
  const promised: TokenGrant = {
    ...{ kind: 'authentic', issuerId: issuer.id, label: '', paths: read.paths, expires, notBefore },
    audience: ours ? 'ours' : 'other',
  }
  return [
    HERE,
    check('malformed', 'holds', 'the token can be read'),
    ...(await signedBy(token, issuer)),
    ...conditions(promised, path, now),
  ]
}

/** Keys behind a URL are the edges' to fetch, so what hangs on them stays open here. */
async function signedBy(token: ViewerToken, issuer: TrustedIssuer): Promise<ExplainedCheck[]> {
  const { keys, name } = issuer
  if (keys.kind === 'url') {
    const open = `the keys of ${name} are at ${keys.url}, where edges fetch them and control does not`
    const algorithm: ExplainedCheck = mayBeOf(token, issuer)
      ? check('unknown-key', 'unknown', open)
      : check(
          'unknown-key',
          'fails',
          `${name} may not sign with ${shown(token.algorithm)}, or the token brings a key of its own`,
        )
    return [algorithm, check('bad-signature', 'unknown', open)]
  }
  const answer = await authenticateToken(token, trustIssuer(issuer, keys.keys))
  if (answer.kind === 'authentic') {
    return [
      check('unknown-key', 'holds', `${name} has a key that the token can be signed with`),
      check('bad-signature', 'holds', `${name} signed the token`),
    ]
  }
  if (answer.reason === 'unknown-key') {
    return [
      check('unknown-key', 'fails', answer.detail),
      check('bad-signature', 'unknown', 'there is no key to hold the signature against'),
    ]
  }
  return [
    check('unknown-key', 'holds', `${name} has a key that the token can be signed with`),
    check('bad-signature', 'fails', answer.detail),
  ]
}

/** Each condition alone: the others are given what they want. */
function conditions(grant: TokenGrant, canonicalPath: CanonicalPath, now: Instant): ExplainedCheck[] {
  const ever = instant(Number.MAX_SAFE_INTEGER)
  const anywhere = { ...grant, audience: 'ours', paths: { cover: () => true } } as const
  const held = (name: GrantReason, alone: TokenGrant, well: string): ExplainedCheck => {
    const verdict = judgeToken(alone, { canonicalPath }, now)
    return verdict.kind === 'allowed' ? check(name, 'holds', well) : check(name, 'fails', verdict.detail)
  }
  const { expires, notBefore } = grant
  const begins = notBefore === undefined ? 'no nbf: valid from any time' : `valid from ${moment(notBefore)}`
  return [
    held(
      'wrong-resource',
      { ...grant, expires: ever, notBefore: undefined },
      'audience and path globs cover this path',
    ),
    held('expired', { ...anywhere, notBefore: undefined }, `valid until ${moment(expires)}`),
    held('not-yet', { ...anywhere, expires: ever }, begins),
  ]
}

function tokenOf(token: ViewerToken, issuer: TrustedIssuer | undefined): Explanation['token'] {
  const names = issuer ? [...TOLD, issuer.claim] : TOLD
  const claims = names.flatMap((name): [string, unknown][] => {
    const value = token.claims.get(name)
    return value === undefined ? [] : [[name, JSON.parse(told(value)) as unknown]]
  })
  return {
    algorithm: shown(token.algorithm),
    keyId: token.keyId === undefined ? null : shown(token.keyId),
    trustedIssuer: issuer?.name ?? null,
    claims: Object.fromEntries(claims),
  }
}

function told(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) =>
    each instanceof Map ? (Object.fromEntries(each) as unknown) : each,
  )
  return text.length <= LONGEST_TOLD ? text : JSON.stringify(`${text.slice(0, LONGEST_TOLD)}…`)
}

function shown(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 64)}…`
}

function moment(at: Instant): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? 'a time beyond all calendars' : date.toISOString()
}

function check(name: GrantReason, verdict: ExplainedCheck['verdict'], detail: string): ExplainedCheck {
  return { check: name, verdict, detail }
}

import type { CanonicalPath } from '../../core/index.ts'
import type { Behaviour } from '../../distribution/index.ts'
import {
  judgeToken,
  keysFor,
  mayBeOf,
  readViewerToken,
  unknownIssuer,
  type IssuerTrust,
  type Refused,
  type TokenAuthenticated,
  type TokenCarrierResult,
  type TokenGrant,
  type ViewerToken,
} from '../../signing/index.ts'
import type { Admission, Asked } from './admission.ts'
import type { Exchange } from '../exchange.ts'
import type { CacheNode } from '../node.ts'

/** `cookie` is the one in which tokens of this issuer may come. */
type TokenAdmission = { kind: 'admitted'; label: string; cookie: string } | Refused

/**
 * Holds a JSON Web Token against the issuers of a behaviour's gate and the path that is asked for. One that was seen
 * before and opens the path costs a look into the memo; only the rest is read, verified, and waits.
 */
export function admitToken(
  x: Exchange,
  behaviour: Behaviour,
  asked: Asked,
  carrier: TokenCarrierResult,
): Admission | Promise<Admission> {
  if (carrier.kind === 'none') return { kind: 'refused', reason: 'missing' }
  if (carrier.kind === 'malformed') return { kind: 'refused', reason: 'malformed' }
  const told = (admission: TokenAdmission): Admission => {
    if (admission.kind === 'refused') return { kind: 'refused', reason: admission.reason }
    const { label, cookie } = admission
    return { kind: 'admitted', grant: label, carrier: { ...carrier, cookie } }
  }
  const admission = admitText(x, behaviour, carrier.text, asked.path)
  return admission instanceof Promise ? admission.then(told) : told(admission)
}

function admitText(
  x: Exchange,
  behaviour: Behaviour,
  text: string,
  path: CanonicalPath,
): TokenAdmission | Promise<TokenAdmission> {
  for (const trust of x.node.issuersOf(behaviour)) {
    const grant = x.node.grants.seenToken(text, trust)
    const admission = grant && judged(grant, trust, x, path)
    if (admission?.kind === 'admitted') return admission
  }
  const token = readViewerToken(text)
  return token.kind === 'malformed'
    ? { kind: 'refused', reason: 'malformed', detail: token.why }
    : admitUnseen(x, behaviour, token, path)
}

/** Several of the issuers may bear one name, for several audiences; the token may be any one's. */
async function admitUnseen(
  x: Exchange,
  behaviour: Behaviour,
  token: ViewerToken,
  path: CanonicalPath,
): Promise<TokenAdmission> {
  let first: Refused | undefined
  for (const trust of x.node.issuersOf(behaviour)) {
    if (trust.terms.issuer !== token.issuer) continue
    const answer = await authenticated(x.node, token, trust)
    const admission = answer.kind === 'refused' ? answer : judged(answer, trust, x, path)
    if (admission.kind === 'admitted') return admission
    first ??= admission
  }
  return first ?? unknownIssuer()
}

async function authenticated(
  node: CacheNode,
  token: ViewerToken,
  trust: IssuerTrust,
): Promise<TokenAuthenticated> {
  if (!mayBeOf(token, trust.terms) || keysFor(token, trust).length > 0)
    return node.grants.authenticateToken(token, trust)
  // The issuer may have a new key; and while it was asked, control may have said that it is trusted no more.
  await node.issuers.renew(trust.terms.id)
  const renewed = node.issuers.of(trust.terms.id)
  return renewed?.terms.issuer === token.issuer
    ? node.grants.authenticateToken(token, renewed)
    : unknownIssuer()
}

function judged(grant: TokenGrant, { terms }: IssuerTrust, x: Exchange, path: CanonicalPath): TokenAdmission {
  const verdict = judgeToken(grant, { canonicalPath: path }, x.startedAt)
  return verdict.kind === 'allowed' ? { kind: 'admitted', label: grant.label, cookie: terms.cookie } : verdict
}

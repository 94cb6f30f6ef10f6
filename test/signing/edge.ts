import { readFileSync } from 'node:fs'
import { canonicalPath, instant, type Instant, type KeyId } from '../../src/core/index.ts'
import {
  findCarrier,
  stripSigning,
  takePathToken,
  trustedKeys,
  verifyGrant,
  type Action,
  type AuthenticateOptions,
  type TrustedKeys,
  type Verdict,
  type ViewerScheme,
} from '../../src/signing/index.ts'

/** A request as it arrives at an edge. */
export interface Arriving {
  scheme: ViewerScheme
  authority: string
  rawPath: string
  query: string
  cookies?: string
  address: string
  action: Action
}

export const NOW = instant(1_780_000_000_000)

export function vectorFile(name: string): string {
  return readFileSync(new URL(`../vectors/signing/${name}`, import.meta.url), 'utf8')
}

export const RSA_ID = 'KRSA2048' as KeyId
export const P256_ID = 'KP256' as KeyId

export function trust(sha1: 'accept' | 'refuse' = 'accept'): TrustedKeys {
  return trustedKeys([
    {
      sha1,
      keys: [
        { id: RSA_ID, type: 'rsa', pem: vectorFile('rsa2048.pub.pem') },
        { id: P256_ID, type: 'p256', pem: vectorFile('p256.pub.pem') },
      ],
    },
  ])
}

export function arriving(url: string, more: Partial<Arriving> = {}): Arriving {
  const [, scheme = '', authority = '', rawPath = '', query = ''] =
    /^(\w+):\/\/([^/?]*)([^?]*)(?:\?(.*))?$/.exec(url) ?? []
  const known = scheme as ViewerScheme // tests name schemes that exist
  return { scheme: known, authority, rawPath, query, address: '192.0.2.7', action: 'view', ...more }
}

/** The steps that an edge takes with a gated request. */
export function verdictOf(
  request: Arriving,
  trusted: TrustedKeys = trust(),
  now: Instant = NOW,
  options: AuthenticateOptions = {},
): Verdict | { kind: 'bad-path' } {
  const { token, rest, lookalike } = takePathToken(request.rawPath)
  const canonical = canonicalPath(rest)
  if (canonical.kind === 'bad') return { kind: 'bad-path' }
  if (lookalike !== undefined)
    return { kind: 'refused', reason: 'malformed', detail: 'looks like a path token' }
  const { scheme, authority, query, address, action } = request
  const carrier = findCarrier({ query, token, cookies: request.cookies })
  return verifyGrant(
    {
      carrier,
      scheme,
      authority,
      rawPath: rest,
      canonicalPath: canonical.path,
      query: stripSigning(query),
      address,
      action,
    },
    trusted,
    now,
    options,
  )
}

/** `allowed`, `bad-path`, or the reason. */
export function word(verdict: Verdict | { kind: 'bad-path' }): string {
  return verdict.kind === 'refused' ? verdict.reason : verdict.kind
}

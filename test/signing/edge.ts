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
  type GrantRequest,
  type KeyGroupKeys,
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

export type TrustOptions = Partial<Pick<KeyGroupKeys, 'sha1' | 'withoutResource'>>

export function trust(sha1: 'accept' | 'refuse' = 'accept'): TrustedKeys {
  return trustWith({ sha1 })
}

/** One group with both keys. */
export function trustWith({ sha1 = 'accept', withoutResource = 'refuse' }: TrustOptions): TrustedKeys {
  return trustedKeys([
    {
      ...{ sha1, withoutResource },
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

/** What the steps before the verdict make of a request; undefined where they refuse it. */
export type Read = { kind: 'grant'; request: GrantRequest } | { kind: 'bad-path' } | { kind: 'lookalike' }

/** The steps that an edge takes with a gated request before it asks for the verdict. */
export function readArriving({ rawPath, ...request }: Arriving): Read {
  const { token, rest, lookalike } = takePathToken(rawPath)
  const canonical = canonicalPath(rest)
  if (canonical.kind === 'bad') return { kind: 'bad-path' }
  if (lookalike !== undefined) return { kind: 'lookalike' }
  const { scheme, authority, query, address, action, cookies } = request
  return {
    kind: 'grant',
    request: {
      carrier: findCarrier({ query, token, cookies }),
      ...{ scheme, authority, address, action },
      rawPath: rest,
      canonicalPath: canonical.path,
      query: stripSigning(query),
    },
  }
}

export function verdictOf(
  arrived: Arriving,
  trusted: TrustedKeys = trust(),
  now: Instant = NOW,
  options: AuthenticateOptions = {},
): Verdict | { kind: 'bad-path' } {
  const read = readArriving(arrived)
  if (read.kind === 'bad-path') return read
  if (read.kind === 'lookalike')
    return { kind: 'refused', reason: 'malformed', detail: 'looks like a path token' }
  return verifyGrant(read.request, trusted, now, options)
}

/** `allowed`, `bad-path`, or the reason. */
export function word(verdict: Verdict | { kind: 'bad-path' }): string {
  return verdict.kind === 'refused' ? verdict.reason : verdict.kind
}

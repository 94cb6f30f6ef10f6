import { instant, type GrantReason, type KeyId } from '../core/index.ts'
import type { Carrier } from './carrier.ts'
import { stripPlayer } from './carrier-query.ts'
import { decodeCloudFront } from './cloudfront-base64.ts'
import { actionsOf, cannedPolicy, LARGEST_POLICY, parsePolicy, type Policy } from './policy.ts'
import { exactResource, splitHost, type ViewerScheme } from './resource.ts'
import { checkSignature, type CheckSignature, type Hash } from './signature.ts'
import type { TrustedKey, TrustedKeys } from './trusted-keys.ts'

/** A URL as the viewer sent it. */
export interface ViewerUrl {
  scheme: ViewerScheme
  /** `host` or `host:port`, any case; for RTMP that of `tcUrl`. */
  authority: string
  /** Without the path token and without the query. For RTMP `/app/stream`. */
  rawPath: string
  /** As sent, without signing parameters and without `?`. */
  query: string
}

export interface Refused {
  kind: 'refused'
  reason: GrantReason
  /** A sentence for whoever asks why; never a secret. */
  detail: string
}

export type Authenticated = { kind: 'authentic'; policy: Policy; keyId: KeyId } | Refused

export interface AuthenticateOptions {
  checkSignature?: CheckSignature
}

/** More base64 than the largest policy or any signature needs is not decoded. */
const LONGEST_POLICY = Math.ceil((LARGEST_POLICY + 2) / 3) * 4
const LONGEST_SIGNATURE = 1024

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
  const signature =
    carrier.signature.length > LONGEST_SIGNATURE ? undefined : decodeCloudFront(carrier.signature)
  if (signature === undefined) return refuse('malformed', "the signature is not in CloudFront's base64")
  const signed = readStatement(carrier, url)
  if (signed.kind === 'bad') return refuse('malformed', signed.why)
  const key = trusted.byId.get(carrier.keyId)
  if (key === undefined) return refuse('unknown-key', 'no key group of this behaviour has this Key-Pair-Id')
  if (carrier.hash === 'sha1' && key.sha1 === 'refuse') return weak()
  const check = options.checkSignature ?? checkSignature
  for (const { bytes, policy } of signed.statements) {
    for (const hash of hashesOf(carrier)) {
      if (!check(bytes, signature, key, hash)) continue
      return hash === 'sha1' && key.sha1 === 'refuse' ? weak() : authentic(policy(), key)
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

interface Statement {
  bytes: Uint8Array
  policy: () => Policy
}

type Statements = { kind: 'ok'; statements: Statement[] } | { kind: 'bad'; why: string }

function readStatement({ statement }: Carrier, url: ViewerUrl): Statements {
  if (statement.kind === 'canned') {
    const expires = instant(Number(statement.expires) * 1000)
    const statements = cannedCandidates(url).map(text => ({
      bytes: Buffer.from(cannedPolicy(text, expires)),
      policy: (): Policy => {
        const resource = exactResource(text)
        return { resource, opens: actionsOf(resource), expires }
      },
    }))
    return { kind: 'ok', statements }
  }
  if (statement.policy.length > LONGEST_POLICY) return { kind: 'bad', why: 'the policy is too long' }
  const bytes = decodeCloudFront(statement.policy)
  if (bytes === undefined) return { kind: 'bad', why: "the policy is not in CloudFront's base64" }
  const parsed = parsePolicy(bytes)
  if (parsed.kind === 'bad') return parsed
  return { kind: 'ok', statements: [{ bytes, policy: () => parsed.policy }] }
}

/** At most four URLs that a signer may have meant: with and without port, with and without players' parameters. */
export function cannedCandidates({ scheme, authority, rawPath, query }: ViewerUrl): string[] {
  const { explicit, port } = splitHost(authority, scheme)
  const hosts = explicit ? [authority, authority.slice(0, -port.length - 1)] : [authority]
  const target = (own: string): string => (own === '' ? rawPath : `${rawPath}?${own}`)
  if (scheme === 'rtmp' || scheme === 'rtmps') {
    // AWS's signers reduce rtmp: URLs to the bare stream name; RTMPS matches RTMP resources (SEAMS 13).
    const full = hosts.map(host => `${scheme}://${host}${target(query)}`)
    const plain = scheme === 'rtmps' ? [`rtmp://${hosts.at(-1) ?? ''}${target(query)}`] : []
    return [target(query).slice(1), ...full, ...plain]
  }
  return [...new Set([query, stripPlayer(query)])].flatMap(own =>
    hosts.map(host => `${scheme}://${host}${target(own)}`),
  )
}

function hashesOf({ hash }: Carrier): readonly Hash[] {
  return hash === 'either' ? ['sha256', 'sha1'] : [hash]
}

function authentic(policy: Policy, { id }: TrustedKey): Authenticated {
  return { kind: 'authentic', policy, keyId: id }
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

function weak(): Refused {
  return refuse(
    'weak-hash',
    'the key group refuses SHA-1; sign with SHA-256 and declare Hash-Algorithm=SHA256',
  )
}

export function refuse(reason: GrantReason, detail: string): Refused {
  return { kind: 'refused', reason, detail }
}

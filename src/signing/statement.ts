import { instant } from '../core/index.ts'
import { stripPlayer } from './carrier-query.ts'
import type { Carrier } from './carrier.ts'
import { decodeCloudFront, plainTilde } from './cloudfront-base64.ts'
import { actionsOf, cannedPolicy, parsePolicy, type Policy, type PolicyOptions } from './policy.ts'
import { LARGEST_POLICY } from './policy-text.ts'
import { compileResource, exactResource, splitHost, type ViewerScheme } from './resource.ts'

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

/** What a signature may be over, and what it then promises. */
export interface Statement {
  bytes: Uint8Array
  policy: () => Policy
}

export type Statements =
  { kind: 'ok'; statements: [Statement, ...Statement[]] } | { kind: 'bad'; why: string }

/** More base64 than the largest policy or any signature needs is not decoded. */
const LONGEST_POLICY = Math.ceil((LARGEST_POLICY + 2) / 3) * 4
const LONGEST_SIGNATURE = 1024

/** The bytes of a signature; undefined when they cannot be any. */
export function readSignature({ signature }: Carrier): Buffer | undefined {
  return plainTilde(signature).length > LONGEST_SIGNATURE ? undefined : decodeCloudFront(signature)
}

export type PolicyBytes = { kind: 'ok'; bytes: Buffer } | { kind: 'bad'; why: string }

export function readPolicyBytes(policy: string): PolicyBytes {
  if (plainTilde(policy).length > LONGEST_POLICY)
    return { kind: 'bad', why: `the policy has more than ${LARGEST_POLICY} bytes` }
  const bytes = decodeCloudFront(policy)
  if (bytes === undefined) return { kind: 'bad', why: "the policy is not in CloudFront's base64" }
  return { kind: 'ok', bytes }
}

/** One statement of a custom policy, or those that a canned one may have been. */
export function readStatements(
  { statement }: Carrier,
  url: ViewerUrl,
  options: PolicyOptions = {},
): Statements {
  if (statement.kind === 'canned') {
    const [first, ...others] = cannedCandidates(url).map(text => cannedStatement(text, statement.expires))
    if (first === undefined) return { kind: 'bad', why: 'the URL names nothing that can be signed' }
    return { kind: 'ok', statements: [first, ...others] }
  }
  const decoded = readPolicyBytes(statement.policy)
  if (decoded.kind === 'bad') return decoded
  const parsed = parsePolicy(decoded.bytes, options)
  if (parsed.kind === 'bad') return parsed
  return { kind: 'ok', statements: [{ bytes: decoded.bytes, policy: () => parsed.policy }] }
}

function cannedStatement(text: string, seconds: string): Statement {
  const expires = instant(Number(seconds) * 1000)
  return {
    bytes: Buffer.from(cannedPolicy(text, expires)),
    policy: () => {
      const resource = exactResource(text)
      return { resource, opens: actionsOf(resource), expires }
    },
  }
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
    const name = target(query).slice(1)
    // The path `/rtmp://h/live/stage` must not pass for the stream that this text names.
    const bare = compileResource(name).scheme === 'bare' ? [name] : []
    return [...bare, ...full, ...plain]
  }
  return [...new Set([query, stripPlayer(query)])].flatMap(own =>
    hosts.map(host => `${scheme}://${host}${target(own)}`),
  )
}

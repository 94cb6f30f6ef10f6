import { Readable } from 'node:stream'
import { KiB, SluiceError, type Instant } from '../../core/index.ts'
import type { OriginAccess, S3Origin } from '../../distribution/index.ts'
import { fieldValue, withoutFields, type FlatHeaders } from '../../http/index.ts'
import { s3Path, s3Query, signS3 } from '../../signing/index.ts'
import type { UpstreamAnswer } from '../../cache/index.ts'
import { namesOf, override, ownFields, type OriginRequest } from './origin-request.ts'
import type { UpstreamQuestion } from './upstream.ts'

export type BucketRequest =
  | ({ kind: 'ask'; signer: Signer } & OriginRequest)
  /** No object has this name, and the bucket itself is never asked for: it would list what is in it. */
  | { kind: 'no-object' }

/** Who proves himself to the store, and so whose fault it is when the proof is wrong. */
export type Signer = 'node' | 'viewer'

/** A request for one object of a bucket, signed as the origin's access says. Throws `origin-access` when it cannot be. */
export function bucketRequest(origin: S3Origin, question: UpstreamQuestion, now: Instant): BucketRequest {
  const key = s3Path(`${origin.path}${question.path}`)
  // Proxies before a store may merge slashes, and would ask for the bucket then.
  if (key === undefined || /^\/*$/.test(key)) return { kind: 'no-object' }
  const url = bucketUrl(origin)
  const { host } = new URL(url)
  const path = bucketPath(origin, key)
  const query = s3Query(question.query)
  const proof = proofOf(origin, question)
  const fields =
    proof.kind === 'signature'
      ? signS3({ method: 'GET', host, path, query }, proof.credentials, origin.region, now)
      : []
  const viewers = proof.kind === 'viewer' ? question.headers : withoutAws(question.headers)
  return {
    kind: 'ask',
    signer: proof.kind === 'signature' ? 'node' : 'viewer',
    url,
    target: query === '' ? path : `${path}?${query}`,
    headers: override(ownFields(question), viewers, fields),
    forwarded: namesOf(viewers),
  }
}

/** What belongs to a viewer's own AWS signature goes with the request where he signs it himself, and nowhere else. */
export const AWS_SIGNATURE_FIELDS = ['x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'] as const

const OF_AWS_SIGNATURE: ReadonlySet<string> = new Set(['authorization', ...AWS_SIGNATURE_FIELDS])

function withoutAws(headers: FlatHeaders): string[] {
  return withoutFields(headers, OF_AWS_SIGNATURE)
}

/** Where a bucket is: scheme, host and port. */
export function bucketUrl(origin: S3Origin): string {
  const { protocol, host } = new URL(origin.endpoint)
  const name = origin.addressing === 'host' ? `${origin.bucket}.${host}` : host
  return new URL(`${protocol}//${name}`).origin
}

/** The path of an object there. */
function bucketPath(origin: S3Origin, key: string): string {
  const prefix = new URL(origin.endpoint).pathname.replace(/\/$/, '')
  return origin.addressing === 'host' ? `${prefix}${key}` : `${prefix}/${origin.bucket}${key}`
}

type Proof =
  | { kind: 'signature'; credentials: NonNullable<OriginAccess['credentials']> }
  /** The viewer's own Authorization, if there is one. */
  | { kind: 'viewer' }

function proofOf(origin: S3Origin, { access, headers }: UpstreamQuestion): Proof {
  if (origin.access === null) return { kind: 'viewer' }
  if (access === undefined) throw accessTrouble(`the origin access "${origin.access}" is not known here`)
  const signing = access.kind === 'identity' ? 'always' : access.signing
  if (signing === 'never') return { kind: 'viewer' }
  if (signing === 'no-override' && fieldValue(headers, 'authorization') !== undefined)
    return { kind: 'viewer' }
  if (access.credentials === null)
    throw accessTrouble(`the origin access "${access.name}" has no credentials to sign with`)
  return { kind: 'signature', credentials: access.credentials }
}

export function accessTrouble(sentence: string): SluiceError {
  return new SluiceError('origin-access', sentence, { side: 'upstream', kind: 'unavailable' })
}

/** What a store says when a proof is wrong, and what mends ours. Nothing of it is for viewers. */
const PROOF_TROUBLE: Readonly<Record<string, string>> = {
  RequestTimeTooSkewed: "this node's clock is more than 15 minutes off: set it by NTP",
  RequestExpired: "this node's clock is off: set it by NTP",
  SignatureDoesNotMatch: 'the secret access key is wrong, or a proxy before the store changes path or Host',
  InvalidAccessKeyId: 'the store does not know the access key: give the origin access another',
  AuthorizationHeaderMalformed: "the origin's region is not the bucket's",
  AuthorizationQueryParametersError: "the origin's region is not the bucket's",
  InvalidRegion: "the origin's region is not the bucket's",
  ExpiredToken: 'the temporary credentials have run out: give the origin access new ones',
  InvalidToken: 'the session token does not belong to the access key',
}

/** What it says when the origin is described wrongly, whoever signs. */
const ORIGINS_TROUBLE: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket at this endpoint',
  PermanentRedirect: 'the bucket is at another endpoint or in another region',
  TemporaryRedirect: 'the bucket is at another endpoint or in another region',
  AllAccessDisabled: 'the store has switched this bucket off',
}

/** Errors of a store are a few hundred bytes. */
const LARGEST_ERROR = 16 * KiB

/**
 * An answer of a bucket as it may go on. A store's errors name access keys, session tokens and what was signed, so
 * viewers are given none of their text. Where the fault is ours, the question has failed: throws `origin-access`. A
 * viewer's own signature that is wrong is his, and denied.
 */
export async function bucketAnswer(answer: UpstreamAnswer, signer: Signer): Promise<UpstreamAnswer> {
  const { status } = answer
  if (status === 304 || status < 300) return answer
  const code = /<Code>\s*([A-Za-z]{1,64})\s*<\/Code>/.exec(await beginning(answer))?.[1]
  const wrongProof = code === undefined ? undefined : PROOF_TROUBLE[code]
  if (wrongProof !== undefined && signer === 'viewer' && status >= 400)
    return { ...answer, ...storeError(403) }
  const trouble = wrongProof ?? (code === undefined ? undefined : ORIGINS_TROUBLE[code])
  if (trouble !== undefined) throw accessTrouble(`the bucket answered ${status} ${code ?? ''}: ${trouble}`)
  // A redirect would send viewers to the bucket itself.
  if (status < 400) throw accessTrouble(`the bucket answered ${status}: it is at another address`)
  return { ...answer, ...storeError(status) }
}

/** Of the body, which is let go then. */
async function beginning(answer: UpstreamAnswer): Promise<string> {
  const read: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of answer.body) {
      read.push(chunk)
      size += chunk.length
      if (size >= LARGEST_ERROR) break
    }
  } catch {
    // An error that breaks off is an error all the same.
  }
  answer.destroy()
  return Buffer.concat(read).toString('utf8')
}

/** 404 for what is not there; a store that hides that answers 403, which goes on as it is. */
export function storeError(status: number): Pick<UpstreamAnswer, 'status' | 'headers' | 'body' | 'destroy'> {
  const code = status === 404 ? 'NoSuchKey' : status === 403 ? 'AccessDenied' : 'OriginError'
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`)
  return {
    status,
    headers: ['Content-Type', 'application/xml', 'Content-Length', String(body.length)],
    body: inOnePiece(body),
    destroy: () => {},
  }
}

function inOnePiece(body: Uint8Array): AsyncIterable<Uint8Array> {
  return Readable.from([body])
}

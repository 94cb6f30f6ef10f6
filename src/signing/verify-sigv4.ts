import { createHash, timingSafeEqual } from 'node:crypto'
import { instant, type Instant, type Milliseconds } from '../core/index.ts'
import { hmac, s3Query, sha256, signingKey, strictly } from './sigv4.ts'

/**
 * Verifies AWS Signature Version 4 in header form, for services other than S3: their paths are encoded once more than
 * they were sent (AWS General Reference, "Create a signed AWS API request"). Signatures in the query, temporary credentials,
 * and bodies that are not signed are refused.
 */
export interface SignedRequest {
  method: string
  /** As it was sent: path and query. */
  target: string
  /** Names and values in turn, as they were sent. */
  fields: readonly string[]
  body: Uint8Array
}

/** What a request says of its signature; nothing of it is believed yet. */
export interface SignatureClaim {
  accessKeyId: string
  /** `YYYYMMDDTHHMMSSZ`. */
  at: string
  /** Day, region, service and `aws4_request`. */
  scope: string
  service: string
  /** Names of fields, lower case, in the order in which they were signed. */
  signed: readonly string[]
  /** Hex. */
  signature: string
}

/** Words of AWS's for what is wrong with a signature. */
export type SignatureFault =
  | 'MissingAuthenticationToken'
  | 'IncompleteSignature'
  | 'InvalidClientTokenId'
  | 'RequestTimeTooSkewed'
  | 'SignatureDoesNotMatch'

export interface SignatureRefused {
  kind: 'refused'
  fault: SignatureFault
  why: string
}

export type ClaimResult = { kind: 'claimed'; claim: SignatureClaim } | SignatureRefused

/** How far the signer's clock may be from ours, either way. */
export const SIGNATURE_SKEW: Milliseconds = 300_000

/** Reads who signed, and whether it could be good at all. The key's secret is not needed for this. */
export function readSignature(
  request: SignedRequest,
  { services, now }: { services: readonly string[]; now: Instant },
): ClaimResult {
  const authorizations = valuesOf(request.fields, 'authorization')
  const [authorization] = authorizations
  if (authorization === undefined || authorizations.length > 1)
    return refused('MissingAuthenticationToken', 'the request is not signed: it has no Authorization field')
  const parts = partsOf(authorization)
  if (!parts)
    return refused('IncompleteSignature', 'the Authorization field is no signature of AWS4-HMAC-SHA256')
  if (valuesOf(request.fields, 'x-amz-security-token').length > 0)
    return refused('InvalidClientTokenId', 'temporary credentials are unknown here: use an access key alone')
  const { accessKeyId, day, region, service, signed, signature } = parts
  if (!services.includes(service))
    return refused(
      'SignatureDoesNotMatch',
      `the request is signed for the service "${service}", and this is ${services.join(' or ')}`,
    )
  if (!signed.includes('host'))
    return refused('SignatureDoesNotMatch', 'the signature does not cover the Host field')
  const dates = valuesOf(request.fields, 'x-amz-date')
  const at = dates.length === 1 ? dates[0] : undefined
  const signedAt = at === undefined ? undefined : momentOf(at)
  if (at === undefined || signedAt === undefined || !at.startsWith(day))
    return refused(
      'IncompleteSignature',
      'the field X-Amz-Date is missing, or of another day than the signature',
    )
  if (Math.abs(signedAt - now) > SIGNATURE_SKEW)
    return refused(
      'RequestTimeTooSkewed',
      `the request was signed at ${iso(signedAt)} and it is ${iso(now)} here: set the clock, or sign anew`,
    )
  const scope = `${day}/${region}/${service}/aws4_request`
  return { kind: 'claimed', claim: { accessKeyId, at, scope, service, signed, signature } }
}

/** Whether the signature is that of this request by this secret. */
export function isSignedBy(request: SignedRequest, claim: SignatureClaim, secret: string): boolean {
  const hash = createHash('sha256').update(request.body).digest('hex')
  // What is not the hash of this very body, `UNSIGNED-PAYLOAD` too, would leave the body to whoever is on the way.
  const said = valuesOf(request.fields, 'x-amz-content-sha256')
  if (said.some(each => each !== hash)) return false
  const { path, query } = splitTarget(request.target)
  const lines = claim.signed.map(name => `${name}:${valuesOf(request.fields, name).join(',')}`)
  const canonical = [
    ...[request.method, encodedAgain(path), s3Query(query)],
    ...[...lines, '', claim.signed.join(';'), hash],
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', claim.at, claim.scope, sha256(canonical)].join('\n')
  const wanted = hmac(signingKey(secret, claim.scope), toSign)
  return timingSafeEqual(wanted, Buffer.from(claim.signature, 'hex'))
}

interface AuthorizationParts {
  accessKeyId: string
  day: string
  region: string
  service: string
  signed: string[]
  signature: string
}

function partsOf(authorization: string): AuthorizationParts | undefined {
  const [, rest] = /^AWS4-HMAC-SHA256 +(.+)$/.exec(authorization) ?? []
  if (rest === undefined) return undefined
  const named = new Map<string, string>()
  for (const part of rest.split(',')) {
    const [, name, value] = /^ *(Credential|SignedHeaders|Signature)=([^ ]+) *$/.exec(part) ?? []
    if (name === undefined || value === undefined || named.has(name)) return undefined
    named.set(name, value)
  }
  const credential = /^([\w-]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request$/
  const [, accessKeyId, day, region, service] = credential.exec(named.get('Credential') ?? '') ?? []
  const signed = named.get('SignedHeaders')
  const signature = named.get('Signature')
  if (accessKeyId === undefined || day === undefined || region === undefined || service === undefined)
    return undefined
  if (signed === undefined || !/^[a-z0-9-]+(?:;[a-z0-9-]+)*$/.test(signed)) return undefined
  if (signature === undefined || !/^[0-9a-f]{64}$/.test(signature)) return undefined
  return { accessKeyId, day, region, service, signed: signed.split(';'), signature }
}

/** All values of a field, as the signature has them. */
function valuesOf(fields: readonly string[], name: string): string[] {
  const values: string[] = []
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() === name) values.push((fields[at + 1] ?? '').trim().replace(/ +/g, ' '))
  }
  return values
}

function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?')
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) }
}

function encodedAgain(path: string): string {
  return path.split('/').map(strictly).join('/')
}

function momentOf(text: string): Instant | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? []
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(at) ? undefined : instant(at)
}

function iso(at: Instant): string {
  return new Date(at).toISOString()
}

function refused(fault: SignatureFault, why: string): SignatureRefused {
  return { kind: 'refused', fault, why }
}

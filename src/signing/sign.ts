/**
 * `sluice/sign`: signs policies in Node, Deno, Workers and browsers, by Web Crypto and without dependencies. What it
 * makes opens Sluice and CloudFront alike. A private key belongs on a server; never send one to viewers.
 *
 * @example
 * import { importKey, setCookieLines, signCookies } from 'sluice/sign'
 *
 * const key = await importKey({ keyPairId: 'K2JCJMDEHXQW5F', privateKey: pem })
 * const cookies = await signCookies(key, {
 *   resource: 'https://media.example.com/members/*',
 *   expires: new Date(Date.now() + 2 * 60 * 60 * 1000),
 * })
 * for (const line of setCookieLines(cookies, { domain: 'example.com', path: '/members/' })) {
 *   headers.append('Set-Cookie', line)
 * }
 *
 * @packageDocumentation
 */
import { encodeCloudFront } from './cloudfront-encoder.ts'
import {
  clearCookieValues,
  grantCookies,
  setCookieValues,
  type CookieAttributes,
  type SignedCookies,
} from './cookie-formats.ts'
import { literalResource, queryUrl, tokenUrl, whyUnsignable, type Grant } from './grant-url.ts'
import { writePolicy } from './policy-text.ts'
import { SignError } from './sign-error.ts'
import type { SigningKey } from './sign-key.ts'
import { moment, type Moment } from './sign-moment.ts'
import { encoderAddress, publishResource, whyNoChannel, type EncoderAddress } from './stream-key.ts'

export type { CookieAttributes, SignedCookies } from './cookie-formats.ts'
export { SignError, type SignErrorCode } from './sign-error.ts'
export { importKey, type KeyOptions, type PrivateCryptoKey, type SigningKey } from './sign-key.ts'
export type { Moment } from './sign-moment.ts'
export type { EncoderAddress } from './stream-key.ts'

/** Until when a grant holds, from when, and for whom. */
export interface Conditions {
  /** A `Date`, or Unix seconds (`Date.now() / 1000 + 3600`). */
  expires: Moment
  /** Good from then on; at once unless given. */
  notBefore?: Moment
  /** One address or range, such as `192.0.2.0/24`. CloudFront knows IPv4 only, Sluice IPv6 too. */
  ip?: string
}

export interface CookieTerms extends Conditions {
  /**
   * What the grant opens: `https://media.example.com/members/*`, or `*://*` and a path for any host. `*` is any run of
   * characters, `?` any one, `\?` a question mark.
   */
  resource: string
}

export interface UrlTerms extends Conditions {
  /** What the grant opens, when that is not this very URL. */
  resource?: string
  /**
   * `canned` is shorter and opens exactly this URL until `expires`; it is chosen when nothing else is asked for.
   * `custom` carries its policy along.
   */
  policy?: 'canned' | 'custom'
}

export interface PublishTerms extends Conditions {
  /** Binds the grant to one host name; any host otherwise. */
  host?: string
}

/** The cookies that open `resource`, by name. They go into `setCookieLines`, or into your framework's own function. */
export async function signCookies(key: SigningKey, terms: CookieTerms): Promise<SignedCookies> {
  const { policy, signature } = await signCustom(key, checkedResource(terms.resource), terms)
  return grantCookies({ policy, signature, keyId: key.keyPairId, hash: key.hash })
}

/**
 * One value of a `Set-Cookie` header for each cookie. `Secure` unless `secure` is false. Site and media have to be
 * siblings under `domain`; `path` is a plain prefix, without `*`.
 */
export function setCookieLines(cookies: SignedCookies, attributes: CookieAttributes = {}): string[] {
  return setCookieValues(cookies, checkedAttributes(attributes))
}

/** For log-out: a browser drops these cookies only when `domain`, `path` and `partitioned` are those of log-in. */
export function clearCookieLines(attributes: CookieAttributes = {}): string[] {
  return clearCookieValues(checkedAttributes(attributes))
}

/** A URL with its grant in the query: for one file, a download above all. */
export async function signUrl(key: SigningKey, url: string, terms: UrlTerms): Promise<string> {
  checkUrl(url)
  const { resource, notBefore, ip } = terms
  const bound = [resource, notBefore, ip].some(each => each !== undefined)
  const policy = terms.policy ?? (bound ? 'custom' : 'canned')
  if (policy === 'custom') return queryUrl(url, await customGrant(key, ownResource(url, resource), terms))
  if (bound) throw badPolicy('a canned one holds nothing but the URL and "expires"; ask for a custom one')
  // A canned policy's resource is the URL as it is: its question mark stands for itself.
  ownResource(url, undefined)
  const expires = moment('expires', terms.expires)
  const signature = await signText(key, url, { expires })
  const { keyPairId: keyId, hash } = key
  return queryUrl(url, {
    statement: { kind: 'canned', expires },
    signature: signature.signature,
    keyId,
    hash,
  })
}

/**
 * A URL with its grant before the path, for players that keep neither cookies nor queries: every relative URL of a
 * playlist inherits it. Give a `resource` that covers them. Sluice's own carrier; CloudFront does not know it.
 */
export async function signPathUrl(
  key: SigningKey,
  url: string,
  terms: Conditions & { resource?: string },
): Promise<string> {
  checkUrl(url)
  const { policy, signature } = await signCustom(key, ownResource(url, terms.resource), terms)
  return tokenUrl(url, { policy, signature, keyId: key.keyPairId })
}

/**
 * What an encoder needs to publish a channel by RTMP: server and stream key, or both as one URL. `authority` is the
 * host and port that it connects to (`live.example.com:1935`), `path` the channel (`/live/stage`). Sluice only.
 */
export async function signPublish(
  key: SigningKey,
  authority: string,
  path: string,
  terms: PublishTerms,
): Promise<EncoderAddress> {
  const noChannel = whyNoChannel(path)
  if (noChannel !== undefined) throw new SignError('bad-path', noChannel)
  const result = encoderAddress(
    authority,
    path,
    await customGrant(key, publishResource(path, terms.host), terms),
  )
  if (result.kind === 'too-long') throw new SignError('too-long', result.why)
  return result.address
}

interface Signed {
  policy: string
  signature: string
}

function signCustom(key: SigningKey, resource: string, terms: Conditions): Promise<Signed> {
  const { expires, notBefore, ip } = terms
  return signText(key, resource, {
    expires: moment('expires', expires),
    ...(notBefore === undefined ? {} : { notBefore: moment('notBefore', notBefore) }),
    ...(ip === undefined ? {} : { address: ip }),
  })
}

async function customGrant(key: SigningKey, resource: string, terms: Conditions): Promise<Grant> {
  const { policy, signature } = await signCustom(key, resource, terms)
  return { statement: { kind: 'custom', policy }, signature, keyId: key.keyPairId, hash: key.hash }
}

async function signText(
  key: SigningKey,
  resource: string,
  conditions: { expires: number; notBefore?: number; address?: string },
): Promise<Signed> {
  const written = writePolicy({ resource, ...conditions })
  if (written.kind === 'bad') throw badPolicy(written.why)
  const bytes = new TextEncoder().encode(written.text)
  return { policy: encodeCloudFront(bytes), signature: encodeCloudFront(await key.sign(bytes)) }
}

function ownResource(url: string, resource: string | undefined): string {
  if (resource !== undefined) return checkedResource(resource)
  if (!url.includes('*')) return literalResource(url)
  throw new SignError(
    'bad-url',
    'This URL cannot be signed: its * would open more than itself; give what it is to open as "resource".',
  )
}

function checkedResource(resource: string): string {
  if (/^(?:https?:\/\/[^/]|\*)/.test(resource)) return resource
  const mend = 'write it whole, as https://media.example.com/members/*, or *://*/members/* for any host'
  throw new SignError('bad-resource', `The resource "${resource}" opens nothing over HTTP: ${mend}.`)
}

function checkUrl(url: string): void {
  const why = whyUnsignable(url)
  if (why !== undefined) throw new SignError('bad-url', `This URL cannot be signed: ${why}.`)
}

function checkedAttributes(attributes: CookieAttributes): CookieAttributes {
  const { domain, path = '/', secure = true, sameSite, partitioned } = attributes
  const refuse = (why: string): never => {
    throw new SignError('bad-cookie', `These cookies cannot be set: ${why}.`)
  }
  if (domain !== undefined && !/^\.?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/.test(domain)) {
    refuse('"domain" must be a name such as example.com, without scheme, port and path')
  }
  if (!/^\/[^\u0000-\u0020;*\u007f-\uffff]*$/.test(path)) {
    refuse('"path" must begin with / and is a plain prefix, in which * stands for itself')
  }
  if (!secure && (sameSite === 'None' || partitioned === true)) {
    refuse('browsers drop SameSite=None and Partitioned without Secure')
  }
  return { ...attributes, secure }
}

function badPolicy(why: string): SignError {
  return new SignError('bad-policy', `This policy cannot be signed: ${why}.`)
}

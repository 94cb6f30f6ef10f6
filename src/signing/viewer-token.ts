import { instant, type Instant } from '../core/index.ts'
import { readStrictJson, type Json, type JsonObject } from './strict-json.ts'

/**
 * A JSON Web Token as a viewer sent it (RFC 7519, compact serialisation), read and not believed. Holds what lets a
 * reader in.
 */
export interface ViewerToken {
  readonly kind: 'token'
  readonly text: string
  /** The header's `alg`, whatever it says. */
  readonly algorithm: string
  readonly keyId: string | undefined
  /** `foreign` when the header names or brings a key of its own; such a key is neither fetched nor used. */
  readonly keySource: 'issuer' | 'foreign'
  /** The header, for whoever explains it. */
  readonly header: JsonObject
  readonly claims: JsonObject
  /** `iss`; says which issuer is asked, nothing more. */
  readonly issuer: string
  readonly audiences: readonly string[]
  /** Good before this instant (`exp`). */
  readonly expires: Instant
  /** Good from this instant on (`nbf`). */
  readonly notBefore: Instant | undefined
}

export type ViewerTokenResult = ViewerToken | { kind: 'malformed'; why: string }

/** In characters; a token of one film has some 500. */
export const LARGEST_TOKEN = 8192

/** Beyond 11 digits somebody has written milliseconds. */
const LATEST = 99_999_999_999

/** Parameters by which a header names or brings a key of its own (RFC 7515 §4.1.2, §4.1.3, §4.1.5, §4.1.6). */
const OWN_KEY = ['jku', 'jwk', 'x5u', 'x5c']

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

class Malformed extends Error {}

/**
 * Reads what does not depend on who is trusted. Names that stand twice are refused, since two readers could keep
 * different ones, and so are extensions that must be understood (`crit`, RFC 7515 §4.1.11) and unencoded payloads
 * (`b64`, which RFC 7797 §7 forbids in a JWT).
 */
export function readViewerToken(text: string): ViewerTokenResult {
  if (text.length > LARGEST_TOKEN) return malformed(`the token has more than ${LARGEST_TOKEN} characters`)
  const parts = text.split('.')
  const [protectedHeader = '', payload = '', signature = ''] = parts
  if (parts.length !== 3) return malformed('the token has not three parts')
  try {
    if (decodeBase64url(signature) === undefined) throw new Malformed('its signature is not in base64url')
    return { kind: 'token', text, ...readHeader(protectedHeader), ...readClaims(payload) }
  } catch (error) {
    if (error instanceof Malformed) return malformed(`the token is no JSON Web Token: ${error.message}`)
    throw error
  }
}

/** Whether the first of three dotted parts is the header of a JWS: an object with an `alg`. */
export function isTokenHeader(part: string): boolean {
  const bytes = part.length > LARGEST_TOKEN ? undefined : decodeBase64url(part)
  // The name in plain letters comes first: it spares most policies the rest.
  if (bytes?.includes('"alg"') !== true) return false
  const json = readJson(bytes)
  return json.kind === 'object' && json.object.has('alg')
}

/** The bytes, or undefined for padding, foreign characters and stray bits: no two texts stand for one token. */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

function readHeader(part: string): Pick<ViewerToken, 'algorithm' | 'keyId' | 'keySource' | 'header'> {
  const header = readPart(part, 'header')
  if (header.has('crit'))
    throw new Malformed('its header has crit, which names extensions that nobody knows here')
  if (header.has('b64')) throw new Malformed('its header has b64, which no JSON Web Token may have')
  const keyId = header.get('kid')
  if (keyId !== undefined && typeof keyId !== 'string') throw new Malformed('its kid is no text')
  return {
    algorithm: textOf(header, 'alg', 'header'),
    keyId,
    keySource: OWN_KEY.some(name => header.has(name)) ? 'foreign' : 'issuer',
    header,
  }
}

function readClaims(
  part: string,
): Pick<ViewerToken, 'claims' | 'issuer' | 'audiences' | 'expires' | 'notBefore'> {
  const claims = readPart(part, 'payload')
  const expires = timeOf(claims, 'exp')
  if (expires === undefined) throw new Malformed('exp is missing, and a token without it would open for ever')
  return {
    ...{ claims, expires, notBefore: timeOf(claims, 'nbf') },
    issuer: textOf(claims, 'iss', 'payload'),
    audiences: textsOf(claims.get('aud'), 'aud'),
  }
}

function readPart(part: string, name: string): JsonObject {
  const bytes = decodeBase64url(part)
  if (bytes === undefined) throw new Malformed(`its ${name} is not in unpadded base64url`)
  const json = readJson(bytes)
  if (json.kind === 'bad') throw new Malformed(`its ${name} is ${json.why}`)
  return json.object
}

function readJson(bytes: Uint8Array): { kind: 'object'; object: JsonObject } | { kind: 'bad'; why: string } {
  let text: string
  try {
    text = UTF8.decode(bytes)
    // Policies may write `\?`, which is not JSON; tokens may not.
    JSON.parse(text)
  } catch {
    return { kind: 'bad', why: 'not JSON' }
  }
  const json = readStrictJson(text)
  if (json.kind === 'bad') return { kind: 'bad', why: `not JSON as it should be: ${json.why}` }
  return isObject(json.value)
    ? { kind: 'object', object: json.value }
    : { kind: 'bad', why: 'no JSON object' }
}

function isObject(value: Json): value is JsonObject {
  return value instanceof Map
}

function textOf(object: JsonObject, name: string, where: string): string {
  const value = object.get(name)
  if (typeof value !== 'string') throw new Malformed(`${name} is missing in its ${where} or is no text`)
  return value
}

/** One text or a list of texts (RFC 7519 §4.1.3). */
function textsOf(value: Json | undefined, name: string): string[] {
  const texts = typeof value === 'string' ? [value] : value
  if (!Array.isArray(texts)) throw new Malformed(`${name} is missing or neither a text nor a list of texts`)
  return texts.map(text => {
    if (typeof text !== 'string') throw new Malformed(`${name} lists something that is no text`)
    return text
  })
}

/** NumericDate: seconds since the epoch, perhaps with a fraction (RFC 7519 §2). */
function timeOf(claims: JsonObject, name: string): Instant | undefined {
  const seconds = claims.get(name)
  if (seconds === undefined) return undefined
  if (typeof seconds !== 'number' || Math.abs(seconds) > LATEST)
    throw new Malformed(`${name} is not a number of Unix seconds`)
  return instant(seconds * 1000)
}

function malformed(why: string): ViewerTokenResult {
  return { kind: 'malformed', why }
}

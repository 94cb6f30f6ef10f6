import {
  createHash,
  createHmac,
  createPublicKey,
  randomBytes,
  randomInt,
  randomUUID,
  sign,
  verify,
  type JsonWebKey,
  type JsonWebKeyInput,
  type KeyObject,
  type PrivateKeyInput,
} from 'node:crypto'
import { format, parse, resolve, type UrlObject } from 'node:url'

/** A function's key, as it wrote it. */
interface Told {
  pem?: string
  jwk?: JsonWebKey
  der?: string
  type?: 'spki' | 'pkcs1' | 'pkcs8' | 'sec1'
  passphrase?: string
  dsaEncoding?: 'der' | 'ieee-p1363'
  padding?: number
  saltLength?: number
}

/** The most bytes that one question draws; what is drawn is not counted against the function until it has it. */
const MOST_RANDOM = 65_536

const PARTS = ['href', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname'] as const
const MORE_PARTS = ['search', 'hash', 'origin'] as const
const SETTABLE = [...PARTS, 'search', 'hash'] as const

/**
 * What a function's environment has done outside of QuickJS, since Node does it at once and well: pure operations, by
 * name. They take what JSON says and bytes, and give bytes or what JSON can say; what they throw is thrown inside.
 */
export function outside(operation: string, asked: unknown, bytes: Uint8Array): unknown {
  const { text, count, optional } = readerOf(asked)
  switch (operation) {
    case 'random':
      return randomInt(2 ** 47) / 2 ** 47
    case 'bytes':
      return Buffer.from(text(0), encodingOf(text(1)))
    case 'text':
      return Buffer.from(bytes.buffer, bytes.byteOffset + count(0), count(1)).toString(encodingOf(text(2)))
    case 'decode': {
      const decoder = new TextDecoder('utf-8', { fatal: text(2) === 'true', ignoreBOM: text(3) === 'true' })
      return decoder.decode(bytes.subarray(count(0), count(0) + count(1)))
    }
    case 'form':
      return [...new URLSearchParams(text(0))]
    case 'url':
      return URL.canParse(text(0), optional(1)) ? partsOf(new URL(text(0), optional(1))) : null
    case 'url-set':
      return changed(text(0), text(1), text(2))
    case 'url-parse':
      return { ...parse(text(0)) }
    case 'url-format':
      return format(asked as UrlObject) // Node looks at each field
    case 'url-resolve':
      return resolve(text(0), text(1))
    default:
      return cryptography(operation, asked, bytes)
  }
}

function cryptography(operation: string, asked: unknown, bytes: Uint8Array): unknown {
  const { text, count, optional, at } = readerOf(asked)
  switch (operation) {
    case 'hash':
      return createHash(text(0)).update(bytes).digest()
    case 'hmac':
      return createHmac(text(0), Buffer.from(text(1), 'base64'))
        .update(bytes)
        .digest()
    case 'verify': {
      const key = at(1) as Told // Node refuses what is no key
      return verify(
        digestOf(optional(0)),
        bytes,
        { key: publicKey(key), ...optionsOf(key) },
        Buffer.from(text(2), 'base64'),
      )
    }
    case 'sign': {
      const key = at(1) as Told // as above
      return sign(digestOf(optional(0)), bytes, { ...privateKey(key), ...optionsOf(key) })
    }
    case 'random-bytes':
      if (!(count(0) <= MOST_RANDOM)) throw new RangeError(`at most ${MOST_RANDOM} bytes are drawn at once`)
      return randomBytes(count(0))
    case 'random-int':
      return randomInt(count(0), count(1))
    case 'uuid':
      return randomUUID()
    default:
      throw new Error(`${operation} is not offered here`)
  }
}

interface Reader {
  at: (index: number) => unknown
  text: (index: number) => string
  count: (index: number) => number
  /** Undefined where there is nothing, or null. */
  optional: (index: number) => string | undefined
}

/** What was asked, a list; its author's values may be in it, of any type. */
function readerOf(asked: unknown): Reader {
  const list: unknown[] = Array.isArray(asked) ? asked : []
  const at = (index: number): unknown => list[index]
  const text = (index: number): string => String(list[index])
  return {
    at,
    text,
    count: index => Number(list[index]),
    optional: index => (list[index] === undefined || list[index] === null ? undefined : text(index)),
  }
}

function encodingOf(name: string): BufferEncoding {
  if (!Buffer.isEncoding(name)) throw new TypeError(`Unknown encoding: ${name}`)
  return name
}

/** `RSA-SHA256` is the older name of what Node calls sha256 beside an RSA key. */
function digestOf(name: string | undefined): string | undefined {
  return name?.replace(/^(?:RSA|ecdsa-with)-/i, '')
}

function publicKey(told: Told): KeyObject {
  if (told.jwk !== undefined) return createPublicKey({ key: told.jwk, format: 'jwk' })
  if (told.der === undefined) return createPublicKey(told.pem ?? '')
  const type = told.type === 'pkcs1' ? 'pkcs1' : 'spki'
  return createPublicKey({ key: Buffer.from(told.der, 'base64'), format: 'der', type })
}

/** A function's own, in its code: it goes to Node as it is. */
function privateKey(told: Told): KeyInput {
  if (told.jwk !== undefined) return { key: told.jwk, format: 'jwk' }
  const passphrase = told.passphrase === undefined ? {} : { passphrase: told.passphrase }
  if (told.der === undefined) return { key: told.pem ?? '', ...passphrase }
  const type = told.type === undefined || told.type === 'spki' ? 'pkcs8' : told.type
  return { key: Buffer.from(told.der, 'base64'), format: 'der', type, ...passphrase }
}

type KeyInput = JsonWebKeyInput | PrivateKeyInput

interface Signing {
  dsaEncoding?: 'der' | 'ieee-p1363'
  padding?: number
  saltLength?: number
}

function optionsOf(told: Told): Signing {
  return {
    ...(told.dsaEncoding === undefined ? {} : { dsaEncoding: told.dsaEncoding }),
    ...(told.padding === undefined ? {} : { padding: told.padding }),
    ...(told.saltLength === undefined ? {} : { saltLength: told.saltLength }),
  }
}

function partsOf(url: URL): Record<string, string> {
  return Object.fromEntries([...PARTS, ...MORE_PARTS].map(part => [part, url[part]]))
}

function changed(href: string, name: string, value: string): Record<string, string> | null {
  const part = SETTABLE.find(each => each === name)
  if (part === undefined || (part === 'href' && !URL.canParse(value))) return null
  const url = new URL(href)
  url[part] = value
  return partsOf(url)
}

import { DER, readDer, writeDer } from './der.ts'
import type { KeyType } from './public-key.ts'

export type PrivatePemResult =
  | {
      kind: 'key'
      type: KeyType
      /** PKCS #8 in DER, the one form that Web Crypto takes. */ pkcs8: Uint8Array
    }
  /** Ends the sentence "The signing key …"; never repeats the key. */
  | { kind: 'bad'; why: string }

const BLOCK = /-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----([\s\S]*?)-----END \1-----/

const oid = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)
const RSA = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01)
const EC = oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01)
const P256 = oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07)

const UNREADABLE = bad('cannot be read: it must be a private key in PEM, whole, from BEGIN to END')
const UNKNOWN = bad('is of another kind; use P-256 (prime256v1) or RSA with 2048 bits')

/** Reads what openssl writes: PKCS #8, PKCS #1 (`BEGIN RSA PRIVATE KEY`) and SEC 1 (`BEGIN EC PRIVATE KEY`). */
export function readPrivatePem(pem: string): PrivatePemResult {
  // Settings of hosted platforms keep line ends as the two characters `\n`.
  const [, label, body = ''] = BLOCK.exec(pem.replaceAll('\\n', '\n')) ?? []
  if (label === undefined) return UNREADABLE
  if (label.startsWith('ENCRYPTED') || body.includes('ENCRYPTED')) {
    return bad('has a passphrase; write it without one: openssl pkey -in KEY -out PLAIN')
  }
  const der = bytesOf(body)
  if (der === undefined) return UNREADABLE
  switch (label) {
    case 'RSA PRIVATE KEY':
      return wrapped('rsa', [RSA], der)
    case 'EC PRIVATE KEY':
      return readSec1(der)
    default:
      return readPkcs8(der)
  }
}

/** RFC 5208 section 5: version, algorithm, key. */
function readPkcs8(der: Uint8Array): PrivatePemResult {
  const [, algorithm] = inside(der) ?? []
  const [name, parameters] = (algorithm === undefined ? undefined : readDer(algorithm.value)) ?? []
  if (name === undefined) return UNREADABLE
  if (same(name.value, RSA)) return { kind: 'key', type: 'rsa', pkcs8: der }
  if (!same(name.value, EC) || parameters === undefined || !same(parameters.value, P256)) return UNKNOWN
  return { kind: 'key', type: 'p256', pkcs8: der }
}

/** RFC 5915 section 3: version, key, and the curve in `[0]`. */
function readSec1(der: Uint8Array): PrivatePemResult {
  const curve = inside(der)?.find(({ tag }) => tag === 0xa0)
  const [name] = (curve === undefined ? undefined : readDer(curve.value)) ?? []
  if (name === undefined) return UNREADABLE
  return same(name.value, P256) ? wrapped('p256', [EC, P256], der) : UNKNOWN
}

function wrapped(type: KeyType, [name, curve]: readonly Uint8Array[], key: Uint8Array): PrivatePemResult {
  if (inside(key) === undefined || name === undefined) return UNREADABLE
  const parameters = curve === undefined ? writeDer(DER.null) : writeDer(DER.oid, curve)
  const version = writeDer(DER.integer, Uint8Array.of(0))
  const algorithm = writeDer(DER.sequence, writeDer(DER.oid, name), parameters)
  return {
    kind: 'key',
    type,
    pkcs8: writeDer(DER.sequence, version, algorithm, writeDer(DER.octets, key)),
  }
}

function inside(der: Uint8Array): ReturnType<typeof readDer> {
  const [outer, ...more] = readDer(der) ?? []
  return outer?.tag === DER.sequence && more.length === 0 ? readDer(outer.value) : undefined
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(base64.replace(/\s/g, '')), character => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}

function bad(why: string): PrivatePemResult {
  return { kind: 'bad', why }
}

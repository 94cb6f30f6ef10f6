/**
 * CloudFront's base64: the ordinary alphabet on one line, then `+` → `-`, `=` → `_`, `/` → `~`, padding kept
 * (CloudFront Developer Guide, "Creating a signature"). It is not base64url, whose `-` and `_` mean other things.
 */
export function encodeCloudFront(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('=', '_')
    .replaceAll('/', '~')
}

const ALPHABET = /^[A-Za-z0-9~-]*_{0,2}$/

/** Undoes what some URL encoders do to `~`, the only character of the alphabet that they touch. */
export function plainTilde(text: string): string {
  return text.includes('%') ? text.replace(/%7e/gi, '~') : text
}

/**
 * The bytes, or undefined for anything that no encoder writes: foreign characters, missing padding, stray bits
 * behind the last byte. So two different texts never stand for one signature.
 */
export function decodeCloudFront(text: string): Buffer | undefined {
  const plain = plainTilde(text)
  if (plain.length % 4 !== 0 || !ALPHABET.test(plain)) return undefined
  const base64 = plain.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/')
  const bytes = Buffer.from(base64, 'base64')
  return bytes.toString('base64') === base64 ? bytes : undefined
}

/** What `encodeCloudFront` writes. */
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

import type { Instant, Milliseconds } from '../core/index.ts'

/** Text in PEM: a certificate, followed by those that lead to its authority, and its private key (PKCS #8). */
export interface PemPair {
  certificate: string
  key: string
}

/** What signs certificates; lives ten years. */
export type Authority = PemPair

export interface LeafTerms {
  /** Its common name. */
  subject: string
  /** Host names and addresses that it is good for. */
  names: readonly string[]
  usages: readonly ('server' | 'client')[]
  now: Instant
  life: Milliseconds
}

/** The longest life that browsers accept is 398 days (SEAMS 36). */
export const LEAF_LIFE: Milliseconds = 397 * 86_400_000

// The maker is loaded when there is something to make, about once a year: its library takes a third of a second.

/** A new authority of that name; its key stays with the caller. */
export async function newAuthority(name: string, now: Instant): Promise<Authority> {
  const { makeAuthority } = await import('./certificate-maker.ts')
  return makeAuthority(name, now)
}

/** A certificate with a key of its own. */
export async function newLeaf(authority: Authority, terms: LeafTerms): Promise<PemPair> {
  const { makeLeaf } = await import('./certificate-maker.ts')
  return makeLeaf(authority, terms)
}

/** A certificate request (PKCS #10, PEM) and the key that stays with who makes it. */
export async function newRequest(subject: string): Promise<{ request: string; key: string }> {
  const { makeRequest } = await import('./certificate-maker.ts')
  return makeRequest(subject)
}

/**
 * The certificate that a request asks for, on these terms whatever it says itself. Throws SluiceError `bad-request` for
 * what is none.
 */
export async function signRequest(authority: Authority, request: string, terms: LeafTerms): Promise<string> {
  const maker = await import('./certificate-maker.ts')
  return maker.signRequest(authority, request, terms)
}

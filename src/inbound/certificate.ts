import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { codeOf, instant, SluiceError, type Instant } from '../core/index.ts'

/** PEM files: the leaf with what lies between it and its authority, and the leaf's key. */
export interface CertificatePair {
  certificateFile: string
  keyFile: string
  /** By which distributions ask for it; that of the certificate's file, without its ending, when left out. */
  name?: string
}

export function nameOfPair({ name, certificateFile }: CertificatePair): string {
  return name ?? path.basename(certificateFile).replace(/\.[^.]*$/, '')
}

/** What a port that speaks TLS shows to those who ask for one of its names. */
export interface Certificate {
  /** DNS names, lower case; `*.example.com` for all directly below. */
  readonly names: readonly string[]
  readonly notBefore: Instant
  readonly notAfter: Instant
  readonly cert: string
  readonly key: string
  readonly context: SecureContext
}

/** Reads a pair. Throws `bad-certificate` with a sentence when it cannot be read or does not belong together. */
export function readCertificate(pair: CertificatePair): Certificate {
  const cert = readText(pair.certificateFile, 'certificate')
  const key = readText(pair.keyFile, 'key')
  const leaf = parsed(cert)
  if (!leaf)
    throw bad(`The certificate ${pair.certificateFile} is no PEM certificate: give one, the leaf first.`)
  return {
    names: dnsNames(leaf.subjectAltName ?? ''),
    notBefore: instant(Date.parse(leaf.validFrom)),
    notAfter: instant(Date.parse(leaf.validTo)),
    ...{ cert, key },
    context: contextOf(pair, { cert, key }),
  }
}

function contextOf(pair: CertificatePair, { cert, key }: { cert: string; key: string }): SecureContext {
  try {
    return createSecureContext({ cert, key, minVersion: 'TLSv1.2' })
  } catch (cause) {
    throw /_MISMATCH$/.test(codeOf(cause) ?? '')
      ? bad(
          `The key ${pair.keyFile} is not that of the certificate ${pair.certificateFile}: name the two files that were made together.`,
          cause,
        )
      : bad(`The key ${pair.keyFile} is no PEM key, or has a password: give one that has none.`, cause)
  }
}

/** The sentence to say of a certificate whose time is over or has not come; undefined while it is good. */
export function untimely(pair: CertificatePair, certificate: Certificate, now: Instant): string | undefined {
  const { certificateFile } = pair
  if (now >= certificate.notAfter)
    return `The certificate ${certificateFile} ended at ${iso(certificate.notAfter)}: put a renewed one in its place.`
  if (now < certificate.notBefore)
    return `The certificate ${certificateFile} begins at ${iso(certificate.notBefore)}: put one in its place that counts now, or set this machine's clock.`
  return undefined
}

function iso(time: Instant): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}

/** `DNS:a, DNS:*.b, IP Address:::1`; quoted where a name holds what would make that ambiguous, and then it is no host. */
function dnsNames(subjectAltName: string): string[] {
  return subjectAltName
    .split(', ')
    .flatMap(entry => (entry.startsWith('DNS:') ? [entry.slice(4).toLowerCase()] : []))
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw bad(
      `The ${what} ${file} cannot be read (${codeOf(cause) ?? 'unknown'}): name a PEM file that this user may read.`,
      cause,
    )
  }
}

function parsed(cert: string): X509Certificate | undefined {
  try {
    return new X509Certificate(cert)
  } catch {
    return undefined
  }
}

function bad(sentence: string, cause?: unknown): SluiceError {
  return new SluiceError('bad-certificate', sentence, { side: 'operator', cause })
}

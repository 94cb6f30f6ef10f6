import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { after, type Instant, type Milliseconds } from '../core/index.ts'
import { LEAF_LIFE } from '../inbound/index.ts'
import { makeCertificates } from './local-certificates.ts'

/** The files of the local certificate: PEM; keys are readable by this user alone. */
export interface CertificateFiles {
  authority: string
  certificate: string
  key: string
}

const DAY: Milliseconds = 86_400_000
/** A leaf that ends sooner than this is made anew. */
const RENEW_BEFORE = 30 * DAY

export function certificateFiles(folder: string): CertificateFiles {
  return {
    authority: join(folder, 'ca.pem'),
    certificate: join(folder, 'local.pem'),
    key: join(folder, 'local.key.pem'),
  }
}

/** The names that the certificate is good for: our own on this machine, and the configured domain. */
export function certificateNames(domainSuffix: string): string[] {
  const names = ['*.cdn.localhost', 'localhost', '127.0.0.1', '::1', `*.${domainSuffix}`, domainSuffix]
  return [...new Set(names)]
}

/** Where the authority keeps what it signs with. */
export function authorityKeyFile(folder: string): string {
  return join(folder, 'ca.key.pem')
}

/**
 * Makes what is missing, ends within 30 days or lacks a name, and leaves the rest as it is: an authority that a person
 * has trusted stays for its ten years. Says whether anything was made. Nothing is installed into the system.
 */
export async function ensureCertificates(
  folder: string,
  domainSuffix: string,
  now: Instant,
): Promise<'kept' | 'made'> {
  const files = certificateFiles(folder)
  const names = certificateNames(domainSuffix)
  const known = readCertificate(files.authority, authorityKeyFile(folder))
  const authority = known && endsAfter(known, after(now, LEAF_LIFE)) ? known : undefined
  if (authority && leafServes(files, authority, names, now)) return 'kept'
  await makeCertificates(folder, names, { now, authority: authority ? 'keep' : 'make' })
  return 'made'
}

function leafServes(
  files: CertificateFiles,
  authority: X509Certificate,
  names: string[],
  now: Instant,
): boolean {
  const leaf = readCertificate(files.certificate, files.key)
  if (!leaf || !endsAfter(leaf, after(now, RENEW_BEFORE))) return false
  return names.every(name => hasName(leaf, name)) && leaf.verify(authority.publicKey)
}

function endsAfter(certificate: X509Certificate, time: Instant): boolean {
  return Date.parse(certificate.validTo) > time
}

function hasName(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined
  // Not checkHost, which would find a name under the certificate's wildcard.
  return (certificate.subjectAltName ?? '').split(', ').includes(`DNS:${name}`)
}

/** Undefined when either file is missing, cannot be read as what it should be, or is not the other's: made anew then. */
function readCertificate(certificateFile: string, keyFile: string): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(readFileSync(certificateFile))
    const key = createPrivateKey(readFileSync(keyFile))
    const ours = key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    return ours && certificate.checkPrivateKey(key) ? certificate : undefined
  } catch {
    return undefined
  }
}

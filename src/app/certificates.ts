import 'reflect-metadata' // x509 looks its classes up through it
import { webcrypto } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { after, type Instant, type Milliseconds } from '../core/index.ts'

/** The files of the local certificate: PEM; keys are readable by this user alone. */
export interface CertificateFiles {
  authority: string
  certificate: string
  key: string
}

const DAY: Milliseconds = 86_400_000
const AUTHORITY_LIFE = 3650 * DAY
/** The longest life that browsers accept is 398 days (SEAMS 36). */
const LEAF_LIFE = 397 * DAY
/** A leaf that ends sooner than this is made anew. */
const RENEW_BEFORE = 30 * DAY
/** Clocks of other machines may be behind. */
const BACKDATE = DAY

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

interface Pair {
  certificate: x509.X509Certificate
  key: CryptoKey
}

type CryptoKey = webcrypto.CryptoKey

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
  const authorityKey = join(folder, 'ca.key.pem')
  const names = certificateNames(domainSuffix)
  const known = await readPair(files.authority, authorityKey)
  const authority = known && endsAfter(known.certificate, after(now, LEAF_LIFE)) ? known : undefined
  if (authority && (await leafServes(files, authority, names, now))) return 'kept'
  const issuer = authority ?? (await makeAuthority(now))
  const leaf = await makeLeaf(issuer, names, now)
  if (!authority) {
    await writeKey(authorityKey, issuer.key)
    write(files.authority, issuer.certificate.toString('pem'), 0o644)
  }
  await writeKey(files.key, leaf.key)
  write(
    files.certificate,
    `${leaf.certificate.toString('pem')}\n${issuer.certificate.toString('pem')}\n`,
    0o644,
  )
  return 'made'
}

async function leafServes(
  files: CertificateFiles,
  authority: Pair,
  names: string[],
  now: Instant,
): Promise<boolean> {
  const leaf = await readPair(files.certificate, files.key)
  if (!leaf || !endsAfter(leaf.certificate, after(now, RENEW_BEFORE))) return false
  const has = namesOf(leaf.certificate)
  if (!names.every(name => has.includes(name))) return false
  return leaf.certificate.verify({ publicKey: authority.certificate.publicKey, signatureOnly: true })
}

function endsAfter(certificate: x509.X509Certificate, time: Instant): boolean {
  return certificate.notAfter.getTime() > time
}

function namesOf(certificate: x509.X509Certificate): string[] {
  const extension = certificate.getExtension(x509.SubjectAlternativeNameExtension)
  return extension?.names.toJSON().map(name => name.value) ?? []
}

async function makeAuthority(now: Instant): Promise<Pair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=Sluice local authority ${serialNumber().slice(0, 8)}`,
    notBefore: new Date(now - BACKDATE),
    notAfter: new Date(now + AUTHORITY_LIFE),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate, key: keys.privateKey }
}

async function makeLeaf(issuer: Pair, names: string[], now: Instant): Promise<Pair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'CN=Sluice on this machine',
    issuer: issuer.certificate.subject,
    notBefore: new Date(now - BACKDATE),
    // The backdating counts towards the life that browsers measure.
    notAfter: new Date(now + LEAF_LIFE - BACKDATE),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map(value => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate),
    ],
  })
  return { certificate, key: keys.privateKey }
}

/** 127 random bits as positive hex: two authorities of one name must not give out the same numbers. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(Buffer.alloc(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

/** Undefined when either file is missing or cannot be read as what it should be: then it is made anew. */
async function readPair(certificateFile: string, keyFile: string): Promise<Pair | undefined> {
  if (!existsSync(certificateFile) || !existsSync(keyFile)) return undefined
  try {
    const certificate = new x509.X509Certificate(readFileSync(certificateFile, 'utf8'))
    const der = x509.PemConverter.decodeFirst(readFileSync(keyFile, 'utf8'))
    const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign'])
    return { certificate, key }
  } catch {
    return undefined
  }
}

async function writeKey(path: string, key: CryptoKey): Promise<void> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  write(path, x509.PemConverter.encode(der, 'PRIVATE KEY'), 0o600)
}

function write(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text.endsWith('\n') ? text : `${text}\n`, { mode })
  renameSync(`${path}.new`, path)
}

import 'reflect-metadata' // x509 looks its classes up through it
import { webcrypto } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import type { Instant, Milliseconds } from '../core/index.ts'
import { authorityKeyFile, certificateFiles, LEAF_LIFE } from './certificates.ts'

const DAY: Milliseconds = 86_400_000
const AUTHORITY_LIFE = 3650 * DAY
/** Clocks of other machines may be behind. */
const BACKDATE = DAY

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

interface Pair {
  certificate: x509.X509Certificate
  key: CryptoKey
}

type CryptoKey = webcrypto.CryptoKey

/** Makes the leaf for `names`, and before it the authority unless that is to be kept; then its files must be good. */
export async function makeCertificates(
  folder: string,
  names: string[],
  { now, authority }: { now: Instant; authority: 'keep' | 'make' },
): Promise<void> {
  const files = certificateFiles(folder)
  const authorityKey = authorityKeyFile(folder)
  const issuer =
    authority === 'keep' ? await readPair(files.authority, authorityKey) : await makeAuthority(now)
  const leaf = await makeLeaf(issuer, names, now)
  if (authority === 'make') {
    await writeKey(authorityKey, issuer.key)
    write(files.authority, issuer.certificate.toString('pem'), 0o644)
  }
  await writeKey(files.key, leaf.key)
  write(
    files.certificate,
    `${leaf.certificate.toString('pem')}\n${issuer.certificate.toString('pem')}\n`,
    0o644,
  )
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

async function readPair(certificateFile: string, keyFile: string): Promise<Pair> {
  const certificate = new x509.X509Certificate(readFileSync(certificateFile, 'utf8'))
  const der = x509.PemConverter.decodeFirst(readFileSync(keyFile, 'utf8'))
  const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign'])
  return { certificate, key }
}

async function writeKey(path: string, key: CryptoKey): Promise<void> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  write(path, x509.PemConverter.encode(der, 'PRIVATE KEY'), 0o600)
}

function write(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text.endsWith('\n') ? text : `${text}\n`, { mode })
  renameSync(`${path}.new`, path)
}

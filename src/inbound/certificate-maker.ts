import 'reflect-metadata' // x509 looks its classes up through it
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { after, SluiceError, type Instant, type Milliseconds } from '../core/index.ts'
import type { Authority, LeafTerms, PemPair } from './authority.ts'

const DAY: Milliseconds = 86_400_000
const AUTHORITY_LIFE = 3650 * DAY
/** Clocks of other machines may be behind. */
const BACKDATE = DAY

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

type CryptoKey = webcrypto.CryptoKey

const USAGES = {
  server: x509.ExtendedKeyUsage.serverAuth,
  client: x509.ExtendedKeyUsage.clientAuth,
} as const

export async function makeAuthority(name: string, now: Instant): Promise<Authority> {
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${name} ${serialNumber().slice(0, 8)}`,
    notBefore: new Date(now - BACKDATE),
    notAfter: new Date(after(now, AUTHORITY_LIFE)),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: pem(certificate), key: await pemOf(keys.privateKey) }
}

/** Makes the leaf's key too. What it gives as certificate is followed by the authority's. */
export async function makeLeaf(authority: Authority, terms: LeafTerms): Promise<PemPair> {
  const keys = await newKeys()
  const certificate = await sign(authority, keys.publicKey, terms)
  return { certificate, key: await pemOf(keys.privateKey) }
}

/** A certificate request (PKCS #10), and the key that it proves to have. */
export async function makeRequest(subject: string): Promise<{ request: string; key: string }> {
  const keys = await newKeys()
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${subject}`,
    keys,
    signingAlgorithm: ALGORITHM,
  })
  return { request: request.toString('pem'), key: await pemOf(keys.privateKey) }
}

/** Of the request only the key counts. Throws `bad-request` for what is no request, or not signed by its own key. */
export async function signRequest(authority: Authority, text: string, terms: LeafTerms): Promise<string> {
  let key: CryptoKey
  try {
    const request = new x509.Pkcs10CertificateRequest(text)
    key = await request.publicKey.export(ALGORITHM, ['verify'])
    if (!(await request.verify())) throw new Error('its signature is another key’s')
  } catch (error) {
    throw new SluiceError(
      'bad-request',
      'the certificate request cannot be read: it is PKCS #10 with a P-256 key',
      { side: 'operator', kind: 'usage', cause: error },
    )
  }
  return sign(authority, key, terms)
}

async function sign(
  authority: Authority,
  publicKey: CryptoKey,
  { subject, names, usages, now, life }: LeafTerms,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${subject}`,
    issuer: issuer.subject,
    notBefore: new Date(now - BACKDATE),
    // The backdating counts towards the life that browsers measure.
    notAfter: new Date(after(now, life - BACKDATE)),
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey: await keyOf(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages.map(usage => USAGES[usage])),
      new x509.SubjectAlternativeNameExtension(
        names.map(value => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return `${pem(certificate)}${pem(issuer)}`
}

async function newKeys(): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

/** 127 random bits as positive hex: two authorities of one name must not give out the same numbers. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(Buffer.alloc(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trimEnd()}\n`
}

async function pemOf(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY').trimEnd()}\n`
}

async function keyOf(text: string): Promise<CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(text), ALGORITHM, true, ['sign'])
}

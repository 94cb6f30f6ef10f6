import { X509Certificate } from 'node:crypto'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:tls'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { instant } from '../../src/core/index.ts'
import { freshFolder } from './folder.ts'

const NOW = instant(Date.UTC(2026, 10, 22))
const DAY = 86_400_000
const later = (days: number) => instant(NOW + days * DAY)

function read(folder: string) {
  const files = certificateFiles(folder)
  const text = {
    authority: readFileSync(files.authority, 'utf8'),
    leaf: readFileSync(files.certificate, 'utf8'),
  }
  return { files, text, authority: new X509Certificate(text.authority), leaf: new X509Certificate(text.leaf) }
}

test('the certificate is good for the names of this machine and the configured domain', async () => {
  const folder = freshFolder()
  expect(await ensureCertificates(folder, 'cdn.example.com', NOW)).toBe('made')
  const { leaf, authority } = read(folder)
  for (const name of ['e1.cdn.localhost', 'localhost', 'e1.cdn.example.com', 'cdn.example.com']) {
    expect(leaf.checkHost(name), name).toBeDefined()
  }
  for (const address of ['127.0.0.1', '::1']) expect(leaf.checkIP(address), address).toBeDefined()
  for (const name of ['example.com', 'a.b.cdn.localhost', 'cdn.localhost.example.com']) {
    expect(leaf.checkHost(name), name).toBeUndefined()
  }
  expect(leaf.verify(authority.publicKey)).toBe(true)
  expect(leaf.ca).toBe(false)
  expect(authority.ca).toBe(true)
})

test('authority and leaf live as long as they may', async () => {
  const folder = freshFolder()
  await ensureCertificates(folder, 'cdn.localhost', NOW)
  const { leaf, authority } = read(folder)
  const days = (certificate: X509Certificate) =>
    (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / DAY
  expect(days(leaf)).toBeLessThanOrEqual(397)
  expect(days(leaf)).toBeGreaterThan(395)
  expect(Math.round((Date.parse(authority.validTo) - NOW) / DAY)).toBe(3650)
})

test('keys are for this user alone', async () => {
  const folder = freshFolder()
  await ensureCertificates(folder, 'cdn.localhost', NOW)
  for (const file of ['ca.key.pem', 'local.key.pem']) {
    expect(statSync(`${folder}/${file}`).mode & 0o777, file).toBe(0o600)
  }
})

test('a good certificate is kept, one that ends soon is renewed below the same authority', async () => {
  const folder = freshFolder()
  await ensureCertificates(folder, 'cdn.localhost', NOW)
  const first = read(folder)
  expect(await ensureCertificates(folder, 'cdn.localhost', later(360))).toBe('kept')
  expect(read(folder).text).toEqual(first.text)
  expect(await ensureCertificates(folder, 'cdn.localhost', later(370))).toBe('made')
  const second = read(folder)
  expect(second.text.authority).toBe(first.text.authority)
  expect(second.leaf.verify(first.authority.publicKey)).toBe(true)
  expect(second.leaf.fingerprint256).not.toBe(first.leaf.fingerprint256)
  expect(Date.parse(second.leaf.validTo)).toBeGreaterThan(later(760))
})

test('another domain makes another leaf, an old authority makes another authority', async () => {
  const folder = freshFolder()
  await ensureCertificates(folder, 'cdn.localhost', NOW)
  const first = read(folder)
  expect(await ensureCertificates(folder, 'cdn.example.com', NOW)).toBe('made')
  expect(read(folder).text.authority).toBe(first.text.authority)
  expect(await ensureCertificates(folder, 'cdn.example.com', later(3400))).toBe('made')
  expect(read(folder).text.authority).not.toBe(first.text.authority)
})

test.each(['local.pem', 'local.key.pem', 'ca.key.pem'])('a broken or missing %s is made anew', async file => {
  const folder = freshFolder()
  await ensureCertificates(folder, 'cdn.localhost', NOW)
  writeFileSync(`${folder}/${file}`, 'broken')
  expect(await ensureCertificates(folder, 'cdn.localhost', NOW)).toBe('made')
  rmSync(`${folder}/${file}`)
  expect(await ensureCertificates(folder, 'cdn.localhost', NOW)).toBe('made')
  expect(await ensureCertificates(folder, 'cdn.localhost', NOW)).toBe('kept')
})

test('a TLS client that trusts the authority connects by name and by address', async () => {
  const folder = freshFolder()
  await ensureCertificates(folder, 'cdn.localhost', instant(Date.now()))
  const { files, text } = read(folder)
  const server = createServer({ cert: text.leaf, key: readFileSync(files.key) }, socket =>
    socket.end('hello'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  for (const options of [{ servername: 'e1.cdn.localhost' }, {}]) {
    const socket = connect({ host: '127.0.0.1', port, ca: text.authority, ...options })
    expect(String((await once(socket, 'data'))[0])).toBe('hello')
    expect(socket.authorized).toBe(true)
    socket.destroy()
  }
})

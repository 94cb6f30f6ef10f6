import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { instant, systemClock, type Clock } from '../../src/core/index.ts'
import { CertificateShelf, readCertificate, untimely, type CertificatePair } from '../../src/inbound/index.ts'
import { makePair, pairFolder } from './pairs.ts'

function shelfOf(
  own: CertificatePair,
  others: CertificatePair[],
  clock: Clock = systemClock,
): { shelf: CertificateShelf; lines: string[] } {
  const lines: string[] = []
  const write = (_fields: object, text: string): void => void lines.push(text)
  const shelf = new CertificateShelf({
    ...{ own, others, clock },
    log: { info: write, warn: write },
    lookEvery: 3_600_000,
  })
  onTestFinished(() => shelf.close())
  return { shelf, lines }
}

test('the names of a certificate are read, in lower case, and its times', async () => {
  const pair = await makePair(await pairFolder(), 'a', ['A.example', '*.b.example'])
  const { names, notBefore, notAfter } = readCertificate(pair)
  const { validFrom, validTo } = new X509Certificate(readFileSync(pair.certificateFile))
  expect({ names, notBefore, notAfter }).toEqual({
    names: ['a.example', '*.b.example'],
    notBefore: Date.parse(validFrom),
    notAfter: Date.parse(validTo),
  })
})

test('a pair that cannot be shown is refused in one sentence', async () => {
  const folder = await pairFolder()
  const [a, b] = [await makePair(folder, 'a', ['a.example']), await makePair(folder, 'b', ['b.example'])]
  const read = (pair: CertificatePair): string => {
    try {
      return String(readCertificate(pair).names)
    } catch (error) {
      return String(error).replaceAll(folder, '')
    }
  }
  expect([
    read({ ...a, keyFile: b.keyFile }),
    read({ ...a, certificateFile: `${folder}/none.pem` }),
    read({ ...a, certificateFile: a.keyFile }),
    read({ ...a, keyFile: a.certificateFile }),
  ]).toEqual([
    expect.stringContaining(
      'The key /b.key is not that of the certificate /a.pem: name the two files that were made together.',
    ),
    expect.stringContaining(
      'The certificate /none.pem cannot be read (ENOENT): name a PEM file that this user may read.',
    ),
    expect.stringContaining('The certificate /a.key is no PEM certificate: give one, the leaf first.'),
    expect.stringContaining('The key /a.pem is no PEM key, or has a password: give one that has none.'),
  ])
  const good = readCertificate(a)
  expect(untimely(a, good, systemClock.now())).toBeUndefined()
  expect(untimely(a, good, instant(good.notAfter))).toMatch(/ended at .*Z: put a renewed one in its place\.$/)
  expect(untimely(a, good, instant(good.notBefore - 1))).toMatch(/begins at/)
})

test('the name decides, without regard to case; one that nobody has gets the own one', async () => {
  const folder = await pairFolder()
  const own = await makePair(folder, 'own', ['own.example'])
  const wild = await makePair(folder, 'wild', ['*.site.example'])
  const exact = await makePair(folder, 'exact', ['www.site.example'])
  const { shelf } = shelfOf(own, [exact, wild])
  const shown = new Map<unknown, string>([[undefined, 'own']])
  shown.set(shelf.context('www.site.example'), 'exact').set(shelf.context('film.site.example'), 'wild')
  expect(shown.size).toBe(3)
  const names = [
    'WWW.Site.Example',
    'www.site.example.',
    'FILM.site.example',
    'a.b.site.example',
    'site.example',
    'other.example',
    'localhost',
  ]
  expect(names.map(name => shown.get(shelf.context(name)))).toEqual([
    'exact',
    'exact',
    'wild',
    'own',
    'own',
    'own',
    'own',
  ])
})

test('of several for one name the newest that is good now is shown', async () => {
  const folder = await pairFolder()
  const own = await makePair(folder, 'own', ['own.example'])
  const long = await makePair(folder, 'long', ['a.example'], { days: 30 })
  // Certificates count whole seconds.
  const began = readCertificate(long).notBefore
  await expect.poll(() => Math.floor(Date.now() / 1000) * 1000, { timeout: 3000 }).toBeGreaterThan(began)
  const short = await makePair(folder, 'short', ['a.example'], { days: 1 })
  let now = Date.now()
  const { shelf } = shelfOf(own, [long, short], { now: () => instant(now) })
  const newest = shelf.context('a.example')
  now += 2 * 86_400_000
  const left = shelf.context('a.example')
  expect(new Set([newest, left, undefined]).size).toBe(3)
  now += 100 * 86_400_000
  expect(shelf.context('a.example')).toBe(newest)
})

test('files that were replaced are read again; what cannot be used leaves the one before, and is told once', async () => {
  const folder = await pairFolder()
  const own = await makePair(folder, 'own', ['own.example'])
  const other = await makePair(folder, 'other', ['a.example'])
  const { shelf, lines } = shelfOf(own, [other])
  const owns: string[] = []
  shelf.onOwn(({ cert }) => void owns.push(cert))
  const before = shelf.context('a.example')
  shelf.look()
  expect(shelf.context('a.example')).toBe(before)

  writeFileSync(other.certificateFile, 'no certificate')
  shelf.look()
  shelf.look()
  expect(shelf.context('a.example')).toBe(before)
  expect(lines).toEqual([
    `The certificate ${other.certificateFile} is no PEM certificate: give one, the leaf first. Until then the one before it is shown.`,
  ])

  await makePair(folder, 'other', ['b.example'])
  process.emit('SIGHUP')
  expect([shelf.context('a.example'), shelf.context('b.example') === undefined]).toEqual([undefined, false])
  expect(owns).toEqual([])
  await makePair(folder, 'own', ['own.example'])
  shelf.look()
  expect(owns).toEqual([readFileSync(own.certificateFile, 'utf8')])
})

test('one that cannot be used at the start keeps no other name away', async () => {
  const folder = await pairFolder()
  const [own, good] = [
    await makePair(folder, 'own', ['own.example']),
    await makePair(folder, 'good', ['a.example']),
  ]
  const { shelf, lines } = shelfOf(own, [{ ...good, keyFile: own.keyFile }, good])
  expect(shelf.context('a.example')).toBeDefined()
  expect(lines).toEqual([expect.stringContaining('Until then another is shown.')])
})

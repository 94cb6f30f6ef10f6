import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { systemClock } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type Behaviour, type HttpOrigin } from '../../src/distribution/index.ts'
import { EdgeBench } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { rawGet } from './raw-get.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** An origin that speaks these versions of TLS, behind an edge that trusts it. */
async function siteWith(
  versions: { minVersion: 'TLSv1.2' | 'TLSv1.3'; maxVersion: 'TLSv1.2' | 'TLSv1.3' },
  wire: Partial<HttpOrigin>,
  behaviour: Partial<Behaviour> = {},
): Promise<{ bench: EdgeBench; origin: ForeignOrigin; names: unknown[] }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-origin-tls-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const files = certificateFiles(folder)
  const [cert = '', key = '', authorities = ''] = await Promise.all(
    [files.certificate, files.key, files.authority].map(file => readFile(file, 'utf8')),
  )
  const names: unknown[] = []
  const tls = { cert, key, ...versions }
  const origin = await ForeignOrigin.start(
    (request, response) => {
      const socket = request.socket as TLSSocket & { servername?: unknown } // of a server of HTTPS
      names.push(socket.servername)
      response.end(String(socket.getProtocol()))
    },
    { tls },
  )
  const url = wire.url?.replace('PORT', String(origin.port)) ?? origin.url
  const bench = await EdgeBench.start((_, response) => response.end(), {
    snapshot: snapshotWith(
      [{ id: 'site', kind: 'http', headers: [], ...DEFAULT_WIRE, ...wire, url }],
      [{ pattern: '*', methods: 'all', ...behaviour }],
    ),
    ...{ allowOrigins: ['127.0.0.0/8', '::1/128'], authorities },
  })
  closers.push(
    () => bench.close(),
    () => origin.close(),
  )
  return { bench, origin, names }
}

const BOTH = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' } as const
const OLD = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
const NEW = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const

test.each<[string, typeof BOTH | typeof OLD | typeof NEW, HttpOrigin['tls'], string]>([
  ['the newest that both can', BOTH, undefined, 'TLSv1.3'],
  ['1.2, where nothing else is wanted', BOTH, ['1.2'], 'TLSv1.2'],
  ['1.3, where nothing else is wanted', BOTH, ['1.3'], 'TLSv1.3'],
  ['1.2, where it can no more', OLD, ['1.2', '1.3'], 'TLSv1.2'],
])('%s is spoken with an origin', async (_, versions, tls, spoken) => {
  const { bench } = await siteWith(versions, tls === undefined ? {} : { tls })
  expect((await rawGet(bench.url, '/a')).body).toBe(spoken)
})

test.each<[string, typeof OLD | typeof NEW, NonNullable<HttpOrigin['tls']>]>([
  ['only an older one', OLD, ['1.3']],
  ['only a newer one', NEW, ['1.2']],
])('an origin that speaks %s is not asked', async (_, versions, tls) => {
  const { bench, origin } = await siteWith(versions, { tls, attempts: 1 })
  const { status, headers } = await rawGet(bench.url, '/a')
  expect([status, headers['x-sluice-reason'], origin.asked]).toEqual([502, 'origin-away', []])
})

test.each([
  ['a name', 'https://localhost:PORT', 'localhost'],
  ['an address', 'https://127.0.0.1:PORT', false],
])('an origin under %s that is told a viewer’s Host proves to be who is asked', async (_, url, name) => {
  const { bench, origin, names } = await siteWith(BOTH, { url }, { host: 'viewer' })
  for (const Host of ['one.example', 'two.example'])
    expect((await rawGet(bench.url, '/a', { headers: { Host } })).status).toBe(200)
  expect((await rawGet(bench.url, '/a', { headers: { Host: 'one.example' }, method: 'POST' })).status).toBe(
    200,
  )
  expect(origin.asked.map(({ fields }) => fields['host'])).toEqual([
    'one.example',
    'two.example',
    'one.example',
  ])
  expect(names).toEqual([name, name, name])
})

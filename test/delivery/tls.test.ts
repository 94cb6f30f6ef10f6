import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { compileMatcher, type Distribution } from '../../src/distribution/index.ts'
import {
  startViewerServer,
  type ViewerServer,
  type ViewerServerOptions,
} from '../../src/delivery/viewers/server.ts'
import { makePair, pairFolder } from '../inbound/pairs.ts'
import { EdgeBench, snapshotOf } from './edge-bench.ts'

async function serverOf(tls: NonNullable<ViewerServerOptions['tls']>): Promise<ViewerServer> {
  const server = await startViewerServer({
    listen: { host: '127.0.0.1', port: 0 },
    handle: (_request, response) => void response.end('film'),
    tls,
  })
  onTestFinished(() => server.close(0))
  return server
}

async function opened(
  server: Pick<ViewerServer, 'port'>,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ...options })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return socket
}

/** The common name of what is shown. */
const shown = (socket: TLSSocket): unknown => socket.getPeerCertificate().subject.CN

async function asked(socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return answer.toString().split('\r\n')[0] ?? ''
}

test('each name is shown its certificate, any other name the own one', async () => {
  const folder = await pairFolder()
  const own = await makePair(folder, 'own', ['own.example'])
  const server = await serverOf({
    ...own,
    certificates: [await makePair(folder, 'alias', ['*.alias.example'])],
  })
  const names = ['film.alias.example', 'FILM.alias.EXAMPLE', 'other.example', undefined]
  const all = await Promise.all(
    names.map(async servername =>
      shown(await opened(server, servername === undefined ? {} : { servername })),
    ),
  )
  expect(all).toEqual(['alias', 'alias', 'own', 'own'])
})

test('HTTP/2 and 1.1 are chosen by ALPN, and TLS 1.1 is refused', async () => {
  const server = await serverOf(await makePair(await pairFolder(), 'own', ['own.example']))
  const chosen = async (ALPNProtocols: string[]): Promise<unknown> =>
    (await opened(server, { ALPNProtocols })).alpnProtocol
  expect([await chosen(['h2', 'http/1.1']), await chosen(['http/1.1'])]).toEqual(['h2', 'http/1.1'])
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const refused = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ...old })
  const [error] = (await once(refused, 'error')) as [Error]
  expect(error.message).toMatch(/protocol version/i)
})

test('a certificate that is replaced is shown to who comes then, and nobody who is there loses his connection', async () => {
  const folder = await pairFolder()
  const own = await makePair(folder, 'before', ['own.example'])
  const server = await serverOf(own)
  const early = await opened(server)
  const made = await makePair(folder, 'after', ['own.example'])
  const { renameSync } = await import('node:fs')
  renameSync(made.keyFile, own.keyFile)
  renameSync(made.certificateFile, own.certificateFile)
  process.emit('SIGHUP')
  expect([shown(early), shown(await opened(server))]).toEqual(['before', 'after'])
  expect(await asked(early)).toBe('HTTP/1.1 200 OK')
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a session of %s is resumed by whoever has the same ticket keys',
  async version => {
    const folder = await pairFolder()
    const own = await makePair(folder, 'own', ['own.example'])
    const certificates = [await makePair(folder, 'alias', ['alias.example'])]
    const servers = [
      await serverOf({ ...own, certificates }),
      await serverOf({ ...own, certificates }),
      await serverOf({ ...own, certificates }),
    ]
    const keys = randomBytes(48)
    const [first, second, stranger] = servers as [ViewerServer, ViewerServer, ViewerServer] // the three above
    first.setTicketKeys(keys)
    second.setTicketKeys(keys)
    const options = { minVersion: version, maxVersion: version, servername: 'alias.example' }
    const socket = connect({ host: '127.0.0.1', port: first.port, rejectUnauthorized: false, ...options })
    onTestFinished(() => void socket.destroy())
    const [session] = (await once(socket, 'session')) as [Buffer]
    const reused = async (server: ViewerServer): Promise<boolean> =>
      (await opened(server, { ...options, session })).isSessionReused()
    expect([await reused(first), await reused(second), await reused(stranger)]).toEqual([true, true, false])
    // The keys outlive a certificate.
    await makePair(folder, 'own', ['own.example'])
    process.emit('SIGHUP')
    expect(await reused(second)).toBe(true)
    second.setTicketKeys(randomBytes(48))
    expect(await reused(second)).toBe(false)
  },
)

describe('a distribution says of its names', () => {
  /** An edge with one distribution under `site.example` and a plain one under all other names. */
  async function edgeWith(
    said: Partial<Distribution>,
  ): Promise<{ bench: EdgeBench; server: Pick<ViewerServer, 'port'> }> {
    const folder = await pairFolder()
    const own = await makePair(folder, 'own', ['own.example'])
    const byName = await makePair(folder, 'by-name', ['site.example'])
    const called = { ...(await makePair(folder, 'file', ['elsewhere.example'])), name: 'called' }
    const snapshot = snapshotOf()
    const [first] = snapshot.distributions
    if (first === undefined) throw new Error('there is a first distribution')
    const other: Distribution = {
      ...{ ...first, id: 'EANOTHERONE001' as Distribution['id'], domain: 'eanotherone001.cdn.localhost' }, // a test's own
      ...{ aliases: ['site.example'], ...said },
    }
    const whole = { ...snapshot, distributions: [...snapshot.distributions, other] }
    const bench = await EdgeBench.start((_request, response) => response.end('film'), {
      snapshot: whole,
      tls: { ...own, certificates: [byName, called] },
      port: { termsOf: name => compileMatcher(whole).distribution(name)?.distribution },
    })
    onTestFinished(() => bench.close())
    return { bench, server: { port: Number(new URL(bench.url).port) } }
  }

  const protocolOf = async (
    server: Pick<ViewerServer, 'port'>,
    options: ConnectionOptions,
  ): Promise<unknown> => (await opened(server, options)).getProtocol()
  const OLD: ConnectionOptions = { maxVersion: 'TLSv1.2' }

  test('that they are spoken to in TLS 1.3 alone', async () => {
    const { server } = await edgeWith({ minimumTls: '1.3' })
    expect([
      await protocolOf(server, { servername: 'site.example' }),
      await protocolOf(server, { servername: 'other.example', ...OLD }),
      await protocolOf(server, { ...OLD }),
    ]).toEqual(['TLSv1.3', 'TLSv1.2', 'TLSv1.2'])
    const refused = connect({
      host: '127.0.0.1',
      port: server.port,
      rejectUnauthorized: false,
      servername: 'Site.Example',
      ...OLD,
    })
    refused.on('secureConnect', () => refused.destroy(new Error('it was let in')))
    const [error] = (await once(refused, 'error')) as [Error]
    expect(error.message).not.toBe('it was let in')
  })

  test('also to a connection that was made under another name', async () => {
    const { server } = await edgeWith({ minimumTls: '1.3' })
    for (const [options, expected] of [
      [{ servername: 'other.example', ...OLD }, 'HTTP/1.1 421 Misdirected Request'],
      [{ servername: 'other.example' }, 'HTTP/1.1 200 OK'],
    ] as const) {
      const socket = await opened(server, options)
      socket.write('GET /a HTTP/1.1\r\nHost: site.example\r\n\r\n')
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString().split('\r\n')[0]).toBe(expected)
    }
  })

  test('that HTTP/1.1 is spoken there and nothing newer', async () => {
    const { server } = await edgeWith({ http: '1.1' })
    const chosen = async (named: ConnectionOptions, ALPNProtocols: string[]): Promise<unknown> =>
      (await opened(server, { ...named, ALPNProtocols })).alpnProtocol
    const both = ['h2', 'http/1.1']
    expect([
      await chosen({ servername: 'site.example' }, both),
      await chosen({ servername: 'other.example' }, both),
      // By its address, and so under no name.
      await chosen({}, both),
    ]).toEqual(['http/1.1', 'h2', 'h2'])
    await expect(
      new Promise((resolve, reject) => {
        const socket = connect({
          host: '127.0.0.1',
          port: server.port,
          servername: 'site.example',
          ALPNProtocols: ['h2'],
          rejectUnauthorized: false,
        })
        socket.once('secureConnect', resolve).once('error', reject)
      }),
    ).rejects.toThrow(/no application protocol/)
  })

  test.each([
    [undefined, 'by-name'],
    ['called', 'file'],
    ['own', 'by-name'],
    ['by-name', 'by-name'],
    ['nowhere', 'by-name'],
  ])('which certificate they show: %s', async (certificate, expected) => {
    const { server } = await edgeWith(certificate === undefined ? {} : { certificate })
    expect(shown(await opened(server, { servername: 'site.example' }))).toBe(expected)
    expect(shown(await opened(server, { servername: 'other.example' }))).toBe('own')
  })
})

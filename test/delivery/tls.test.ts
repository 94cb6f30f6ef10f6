import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import {
  startViewerServer,
  type ViewerServer,
  type ViewerServerOptions,
} from '../../src/delivery/viewers/server.ts'
import { makePair, pairFolder } from '../inbound/pairs.ts'

async function serverOf(tls: NonNullable<ViewerServerOptions['tls']>): Promise<ViewerServer> {
  const server = await startViewerServer({
    listen: { host: '127.0.0.1', port: 0 },
    handle: (_request, response) => void response.end('film'),
    tls,
  })
  onTestFinished(() => server.close(0))
  return server
}

async function opened(server: ViewerServer, options: ConnectionOptions = {}): Promise<TLSSocket> {
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

import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { makePair, pairFolder } from '../inbound/pairs.ts'
import { ingestUnderTest } from './ingest-under-test.ts'

test('RTMPS shows a certificate that was replaced to who comes then, by name or without, and keeps who is there', async () => {
  const folder = await pairFolder()
  const make = async (common: string): Promise<void> => {
    for (const name of ['own', 'alias']) await makePair(folder, name, [`${name}.example`], { common })
  }
  await make('before')
  const pairOf = (name: string): { certificateFile: string; keyFile: string } => ({
    certificateFile: `${folder}/${name}.pem`,
    keyFile: `${folder}/${name}.key`,
  })
  const { ingest, port } = await ingestUnderTest({
    tls: { ...pairOf('own'), certificates: [pairOf('alias')] },
  })
  onTestFinished(() => ingest.close())
  const opened = async (servername: string): Promise<TLSSocket> => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    return socket
  }
  const shown = (socket: TLSSocket): string => {
    const { subject, subjectaltname } = socket.getPeerCertificate()
    return `${String(subject.CN)} ${subjectaltname}`
  }
  const names = ['alias.example', 'elsewhere.example']
  const early = await Promise.all(names.map(opened))
  await make('after')
  process.emit('SIGHUP')
  const late = await Promise.all(names.map(opened))
  expect([early.map(shown), late.map(shown)]).toEqual([
    ['before DNS:alias.example', 'before DNS:own.example'],
    ['after DNS:alias.example', 'after DNS:own.example'],
  ])
  expect(early.map(({ destroyed }) => destroyed)).toEqual([false, false])
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { ingestUnderTest, until } from './ingest-under-test.ts'

const CONNECTIONS = 1000
const MOST_PER_CONNECTION = 64 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // what the flag brings

/** The other ends stand in a process of their own, so that only the server is measured. */
const CLIENTS = `
  const [port, count, bytes, secure] = process.argv.slice(1).map(Number)
  const { connect } = require(secure ? 'node:tls' : 'node:net')
  const first = Buffer.concat([Buffer.from([3]), Buffer.alloc(3072)]).subarray(0, bytes)
  let waiting = count
  const ready = () => --waiting === 0 && console.log('ready')
  for (let i = 0; i < count; i++) {
    let left = bytes < 3073 ? 0 : 3073
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      socket.write(first)
      if (left === 0) ready()
    })
    socket.on('error', () => {})
    socket.on('data', ({ length }) => (left -= length) === 0 && ready())
  }
`

let folder: string
let tls: { certificateFile: string; keyFile: string }
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-idle-'))
  tls = await makeCertificate(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.each([
  ['have said nothing', 0, 'rtmp'],
  ['are half way through the handshake', 1000, 'rtmp'],
  ['have shaken hands', 3073, 'rtmp'],
  ['have shaken hands over TLS', 3073, 'rtmps'],
])('connections that %s cost at most 64 KiB each', async (what, bytes, scheme) => {
  const limits = { handshake: 60_000, publish: 60_000, connections: 2000, connectionsPerAddress: 2000 }
  const { ingest, port } = await ingestUnderTest({ limits, ...(scheme === 'rtmps' && { tls }) })
  collect()
  const before = process.memoryUsage()
  const values = [port, CONNECTIONS, bytes, Number(scheme === 'rtmps')].map(String)
  const clients = spawn(process.execPath, ['-e', CLIENTS, ...values], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(clients.stdout, 'data')
  await until(() => ingest.connections() === CONNECTIONS, 'all connections')
  collect()
  const after = process.memoryUsage()
  clients.kill()
  await until(() => ingest.connections() === 0, 'the connections to end')
  await ingest.close()
  const own = after.heapUsed + after.external - before.heapUsed - before.external
  const all = after.rss - before.rss
  console.log(
    `connections that ${what}: ${[own, all].map(sum => (sum / CONNECTIONS / 1024).toFixed(1)).join(' and ')} KiB`,
  )
  expect(Math.max(own, all) / CONNECTIONS).toBeLessThan(MOST_PER_CONNECTION)
})

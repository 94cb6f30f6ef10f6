import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { Readable, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { GiB, MiB } from '../../src/core/index.ts'
import { DEFAULT_WIRE } from '../../src/distribution/index.ts'
import { EdgeBench } from '../delivery/edge-bench.ts'
import { ForeignOrigin, snapshotWith } from '../delivery/foreign-origin.ts'

const SIZE = 20 * GiB
const PIECE = Buffer.alloc(MiB, 'x')

function* pieces(): Generator<Buffer> {
  for (let sent = 0; sent < SIZE; sent += PIECE.length) yield PIECE
}

test.each([
  ['of known length', { 'Content-Length': String(SIZE) }],
  ['of unknown length', {}],
])(
  '20 GiB %s go to the origin and come back, and memory stays flat',
  async (_, headers) => {
    let taken = 0
    const origin = await ForeignOrigin.start((request, response) => {
      response.writeHead(200, headers)
      request.on('data', (chunk: Buffer) => (taken += chunk.length))
      void pipeline(request, response)
    })
    const site = { id: 'site', kind: 'http' as const, url: origin.url, headers: [], ...DEFAULT_WIRE }
    const bench = await EdgeBench.start((_request, response) => response.end(), {
      snapshot: snapshotWith([site], [{ pattern: '*', methods: 'all' }]),
      allowOrigins: ['127.0.0.0/8'],
    })
    const { port } = new URL(bench.url)
    const sent = httpRequest({ host: '127.0.0.1', port, path: '/a', method: 'PUT', headers, agent: false })
    const sending = pipeline(Readable.from(pieces()), sent)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const before = process.memoryUsage().rss
    let most = 0
    let heard = 0
    await pipeline(
      response,
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          heard += chunk.length
          most = Math.max(most, process.memoryUsage.rss())
          done()
        },
      }),
    )
    await sending
    expect([taken, heard]).toEqual([SIZE, SIZE])
    expect((most - before) / MiB).toBeLessThan(300)
    await bench.close()
    await origin.close()
  },
  600_000,
)

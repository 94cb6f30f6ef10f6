import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ControlClient, type Publication } from '../../src/client/index.ts'
import { instant, type PublicationId } from '../../src/core/index.ts'

/** A tus server that misbehaves as a test wants. */
let server: Server
let stored: Buffer
let size: number
let asked: string[]
/** Looked at before a PATCH is answered; `drop` cuts the connection, a number is a status. */
let mood: (request: number) => 'serve' | 'drop' | 'half' | number

beforeEach(async () => {
  stored = Buffer.alloc(0)
  asked = []
  mood = () => 'serve'
  server = createServer((request, response) => handle(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

function handle(request: IncomingMessage, response: ServerResponse): void {
  const { method = '' } = request
  asked.push(`${method} ${request.headersDistinct['upload-offset']?.[0] ?? ''}`.trim())
  if (request.headers['tus-resumable'] !== '1.0.0' || request.headers.authorization !== 'Bearer t') {
    response.writeHead(412).end()
  } else if (method === 'HEAD') {
    response.writeHead(200, { 'upload-offset': stored.length, 'upload-length': size }).end()
  } else {
    const now = mood(asked.filter(each => each.startsWith('PATCH')).length)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      if (typeof now === 'number') {
        const error = { code: 'because', message: 'the server says why' }
        return void response.writeHead(now).end(JSON.stringify({ error }))
      }
      if (now === 'drop') return void request.socket.destroy()
      stored = Buffer.concat([stored, now === 'half' ? body.subarray(0, body.length / 2) : body])
      if (now === 'half') return void request.socket.destroy()
      response.writeHead(204, { 'upload-offset': stored.length }).end()
    })
  }
}

async function upload(bytes: Buffer, options: Parameters<ControlClient['upload']>[2] = {}): Promise<void> {
  size = bytes.length
  const client = new ControlClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 't',
  }) // it listens on TCP
  const publication = { id: 'p1' as PublicationId, uploadUrl: '/v1/uploads/p1' } as Publication // all that an upload looks at
  const source = {
    size: bytes.length,
    read: (start: number, length: number) => Promise.resolve(bytes.subarray(start, start + length)),
  }
  await client.upload(publication, source, options)
}

describe('an upload', () => {
  it('asks where to begin and sends growing chunks of at most 8 MiB', async () => {
    const bytes = randomBytes(20 * 1024 * 1024)
    const told: number[] = []
    await upload(bytes, { onProgress: sent => told.push(sent) })
    expect(stored.equals(bytes)).toBe(true)
    expect(asked[0]).toBe('HEAD')
    expect(asked.slice(1).every(each => each.startsWith('PATCH'))).toBe(true)
    expect(told).toEqual([...told].sort((a, b) => a - b))
    expect(Math.max(...told.map((sent, n) => sent - (told[n - 1] ?? 0)))).toBeLessThanOrEqual(8 * 1024 * 1024)
    expect(told.at(-1)).toBe(bytes.length)
  })

  it('goes on from where an earlier one ended', async () => {
    const bytes = randomBytes(300_000)
    stored = bytes.subarray(0, 200_000)
    await upload(bytes)
    expect(stored.equals(bytes)).toBe(true)
    expect(asked).toEqual(['HEAD', 'PATCH 200000'])
  })

  it('sends nothing when all is there', async () => {
    const bytes = randomBytes(1000)
    stored = bytes
    await upload(bytes)
    expect(asked).toEqual(['HEAD'])
  })

  it.each(['drop', 'half', 500, 503, 409] as const)(
    'asks again where to begin after %s',
    async misfortune => {
      const bytes = randomBytes(2_000_000)
      mood = request => (request === 1 ? misfortune : 'serve')
      await upload(bytes)
      expect(stored.equals(bytes)).toBe(true)
      expect(asked.filter(each => each === 'HEAD')).toHaveLength(2)
    },
  )

  it.each([
    [401, 'unauthorised'],
    [404, 'not-found'],
    [413, 'usage'],
    [507, 'failed'],
  ] as const)('ends with the server’s sentence at %i', async (status, kind) => {
    mood = () => status
    await expect(upload(randomBytes(100))).rejects.toMatchObject({
      code: 'because',
      message: 'the server says why',
      kind,
    })
    expect(asked).toHaveLength(2)
  })

  it('is given up after a minute without progress', async () => {
    mood = () => 'drop'
    let at = 0
    const clock = { now: () => instant((at += 9_000)) }
    await expect(upload(randomBytes(100), { clock })).rejects.toMatchObject({
      code: 'upload-stalled',
      kind: 'unavailable',
    })
  })

  it('ends at once when it is aborted', async () => {
    const stop = new AbortController()
    mood = () => {
      stop.abort(new Error('stopped by the user'))
      return 'drop'
    }
    await expect(upload(randomBytes(100), { signal: stop.signal })).rejects.toThrow('stopped by the user')
  })

  it('refuses a file that changed its size', async () => {
    const bytes = randomBytes(100)
    const done = upload(bytes)
    size = 99
    await expect(done).rejects.toMatchObject({ code: 'file-changed' })
  })
})

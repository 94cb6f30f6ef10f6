import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Publication } from '../../src/client/index.ts'
import { instant } from '../../src/core/index.ts'
import { createUploads } from '../../src/control/uploads.ts'
import { openStore } from '../../src/storage/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { ADMIN, ControlFixture, sourceOf } from './fixture.ts'

let control: ControlFixture
let ahead = 0

beforeAll(async () => {
  control = await ControlFixture.open({ clock: { now: () => instant(Date.now() + ahead) } })
})

afterAll(() => control.end())

function begin(path: string, size: number): Promise<Publication> {
  return control.client.publish({ path, fileName: 'a', size, ladder: 'none' })
}

function tus(publication: Publication, method: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${ADMIN}`, 'tus-resumable': '1.0.0', ...init.headers }
  return fetch(`${control.url}${publication.uploadUrl}`, { ...init, method, headers })
}

function patch(publication: Publication, offset: number, body: BodyInit): Promise<Response> {
  const headers = { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) }
  return tus(publication, 'PATCH', { headers, body })
}

function fileOf(publication: Publication): string {
  return join(control.storage, 'objects', 'uploads', publication.id)
}

describe('an upload', () => {
  it('speaks tus: offset, chunk, offset, end', async () => {
    const publication = await begin('/spoken', 10)
    const first = await tus(publication, 'HEAD')
    expect([first.status, first.headers.get('upload-offset'), first.headers.get('upload-length')]).toEqual([
      200,
      '0',
      '10',
    ])
    const half = await patch(publication, 0, 'hello')
    expect([half.status, half.headers.get('upload-offset')]).toEqual([204, '5'])
    expect((await tus(publication, 'HEAD')).headers.get('upload-offset')).toBe('5')
    expect((await control.client.publication(publication.id)).state).toBe('uploading')
    expect((await patch(publication, 5, 'world')).headers.get('upload-offset')).toBe('10')
    expect((await control.client.publication(publication.id)).state).toBe('queued')
    // Its asker may have lost that answer.
    expect((await tus(publication, 'HEAD')).headers.get('upload-offset')).toBe('10')
    expect((await patch(publication, 10, 'more')).status).toBe(409)
  })

  it.each([
    ['at another offset', 3, 'abc', 409],
    ['past the announced end', 0, 'x'.repeat(11), 413],
  ] as const)('refuses bytes %s and keeps what it has', async (_what, offset, body, status) => {
    const publication = await begin(`/refused/${status}`, 10)
    const refused = await patch(publication, offset, body)
    expect(refused.status).toBe(status)
    expect(await refused.json()).toMatchObject({ error: { code: 'upload-refused' } })
    expect((await tus(publication, 'HEAD')).headers.get('upload-offset')).toBe('0')
  })

  it('needs a token, tus of this version, and a known upload', async () => {
    const publication = await begin('/needs', 10)
    expect((await tus(publication, 'HEAD', { headers: { authorization: '' } })).status).toBe(401)
    expect((await tus(publication, 'HEAD', { headers: { 'tus-resumable': '0.9.0' } })).status).toBe(400)
    expect((await tus({ ...publication, uploadUrl: '/v1/uploads/p0' }, 'HEAD')).status).toBe(404)
    expect((await tus({ ...publication, uploadUrl: '/v1/uploads/..%2f..%2fx' }, 'HEAD')).status).toBe(404)
  })

  it('that is cancelled is gone, and says so', async () => {
    const publication = await begin('/cancelled', 10)
    await patch(publication, 0, 'hello')
    expect((await tus(publication, 'DELETE')).status).toBe(204)
    expect(existsSync(fileOf(publication))).toBe(false)
    expect(await control.client.publication(publication.id)).toMatchObject({
      state: 'errored',
      error: { code: 'upload-cancelled' },
    })
    expect((await patch(publication, 5, 'world')).status).toBe(410)
  })

  it('is sent by two at once without a byte out of place', async () => {
    const bytes = randomBytes(2_000_000)
    const publication = await begin('/doubled', bytes.length)
    await Promise.all([
      control.client.upload(publication, sourceOf(bytes)),
      control.client.upload(publication, sourceOf(bytes)),
    ])
    expect(bytes.equals(await readFile(fileOf(publication)))).toBe(true)
  })

  it('that another request has made whole meanwhile is told as whole, wherever its bytes are', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-uploads-'))
    const handle = createUploads({
      store: await openStore({ kind: 'filesystem', folder }),
      announced: () => Promise.resolve({ size: 10, state: 'whole' }),
      uploaded: () => Promise.reject(new Error('it was queued before')),
      cancelled: () => Promise.reject(new Error('nobody gave up')),
      log: silentLogger,
    })
    const server = createServer((request, response) => void handle(request, response))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // listening on TCP
    const ask = (method: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/v1/uploads/p1`, {
        ...init,
        method,
        headers: { 'tus-resumable': '1.0.0', ...init.headers },
      })
    try {
      const told = await ask('HEAD')
      expect([told.status, told.headers.get('upload-offset'), told.headers.get('upload-length')]).toEqual([
        200,
        '10',
        '10',
      ])
      const headers = { 'content-type': 'application/offset+octet-stream', 'upload-offset': '5' }
      expect((await ask('PATCH', { headers, body: 'world' })).status).toBe(409)
      expect((await ask('DELETE')).status).toBe(400)
    } finally {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await rm(folder, { recursive: true })
    }
  })

  it('is removed when it is not finished in a day', async () => {
    const publication = await begin('/expired', 10)
    ahead = 25 * 3_600_000
    await control.restart()
    expect(await control.client.publication(publication.id)).toMatchObject({
      state: 'errored',
      error: {
        code: 'upload-expired',
        message: 'the upload was not finished in a day: publish the file again',
      },
    })
    expect(existsSync(fileOf(publication))).toBe(false)
  })

  it('is refused when the disk would have too little left, and leaves nothing', async () => {
    await expect(begin('/huge', 2 ** 52)).rejects.toMatchObject({
      code: 'no-space',
      message: expect.stringMatching(
        /^the file has 4096 TiB and the origin's disk has room for .* more, since 0 B stay free: /,
      ) as string,
    })
    expect(await control.client.assets('/huge')).toEqual([])
  })
})

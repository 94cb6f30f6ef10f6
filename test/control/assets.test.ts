import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ControlFixture, PACKAGED, sourceOf, until } from './fixture.ts'

let control: ControlFixture

beforeAll(async () => {
  control = await ControlFixture.open()
})

afterAll(() => control.end())

describe('publishing', () => {
  it('leads from the upload over the origin’s job to a ready asset', async () => {
    const bytes = randomBytes(3_000_000)
    const progress: number[] = []
    const begun = await control.client.publish({
      path: '/members/talk',
      fileName: 'talk.mp4',
      size: bytes.length,
      ladder: 'none',
    })
    expect(begun).toMatchObject({
      path: '/members/talk',
      version: 1,
      state: 'uploading',
      renditions: [],
      error: null,
    })
    await control.client.upload(begun, sourceOf(bytes), { onProgress: sent => progress.push(sent) })
    expect(progress[0]).toBe(0)
    expect(progress.at(-1)).toBe(bytes.length)
    expect(bytes.equals(await readFile(join(control.storage, 'objects', 'uploads', begun.id)))).toBe(true)

    const lease = await control.lease()
    expect(lease).toEqual({
      attempt: 1,
      leaseSeconds: 10,
      job: {
        kind: 'package',
        id: expect.any(String) as string,
        publicationId: begun.id,
        assetId: begun.assetId,
        path: '/members/talk',
        version: 1,
        source: `uploads/${begun.id}`,
        fileName: 'talk.mp4',
        ladder: 'none',
      },
    })
    const job = `/v1/node/jobs/${lease?.job.id}`
    const progressed = { stage: 'indexing', fraction: 0.5 }
    expect((await control.post(control.origin, `${job}/heartbeat`, { progress: progressed })).status).toBe(
      200,
    )
    expect(await control.client.publication(begun.id)).toMatchObject({
      state: 'preparing',
      progress: progressed,
    })

    const before = (await control.client.distributions())[0]?.id
    expect(
      (await control.post(control.origin, `${job}/finish`, { result: PACKAGED, attempt: 1 })).status,
    ).toBe(200)
    const ready = await control.client.publication(begun.id)
    expect(ready).toMatchObject({ state: 'ready', progress: null, renditions: PACKAGED.renditions })
    const snapshot = (await (await control.asNode(control.edge, '/v1/node/snapshot')).json()) as Record<
      string,
      unknown
    >
    expect(snapshot['version']).toBe(ready.snapshotVersion)
    expect(snapshot['invalidations']).toContainEqual({
      distributionId: before,
      pattern: '/members/talk/*',
      sequence: snapshot['sequence'],
    })
    expect(await control.client.asset('/members/talk')).toMatchObject({
      state: 'ready',
      version: 1,
      durationSeconds: 12.5,
    })
  })

  it('finishes twice without an error, and once only', async () => {
    await control.upload('/twice')
    const lease = await control.lease()
    const finish = `/v1/node/jobs/${lease?.job.id}/finish`
    const first = await control.post(control.origin, finish, { result: PACKAGED, attempt: 1 })
    const version = (await control.client.asset('/twice')).version
    const second = await control.post(control.origin, finish, { result: PACKAGED, attempt: 1 })
    expect([first.status, second.status]).toEqual([200, 200])
    expect((await control.client.asset('/twice')).version).toBe(version)
  })

  it('replaces what stands at a path and invalidates its entry playlist', async () => {
    await control.publishReady('/replaced')
    const again = await control.publishReady('/replaced')
    expect(again.version).toBe(2)
    const snapshot = (await (await control.asNode(control.edge, '/v1/node/snapshot')).json()) as {
      invalidations: { pattern: string }[]
    }
    const patterns = snapshot.invalidations
      .map(each => each.pattern)
      .filter(each => each.startsWith('/replaced/'))
    expect(patterns.sort()).toEqual(['/replaced/*', '/replaced/index.m3u8'])
  })

  it('packages two publications of one path one after the other, in their order', async () => {
    // One after the other: who is whole first is packaged first, and what is older then is superseded.
    expect((await control.upload('/both')).version).toBe(1)
    expect((await control.upload('/both')).version).toBe(2)
    const lease = await control.lease()
    expect(lease?.job).toMatchObject({ kind: 'package', path: '/both', version: 1 })
    expect((await control.upload('/both')).version).toBe(3)
    expect(await control.lease(0)).toBeUndefined()
    const finish = `/v1/node/jobs/${lease?.job.id}/finish`
    expect((await control.post(control.origin, finish, { result: PACKAGED, attempt: 1 })).status).toBe(200)
    expect((await control.workOne()).job).toMatchObject({ version: 2 })
    expect((await control.workOne()).job).toMatchObject({ version: 3 })
    expect(await control.client.asset('/both')).toMatchObject({ state: 'ready', version: 3 })
  })

  it('says superseded to an older upload that ends after a newer one is ready', async () => {
    const bytes = randomBytes(100)
    const slow = await control.client.publish({ path: '/slow', fileName: 'a', size: 100, ladder: 'none' })
    await control.publishReady('/slow')
    await control.client.upload(slow, sourceOf(bytes))
    expect(await control.client.publication(slow.id)).toMatchObject({
      state: 'errored',
      error: { code: 'superseded' },
    })
    expect(await control.client.asset('/slow')).toMatchObject({ state: 'ready', version: 2 })
  })

  it('keeps the origin’s sentence when the file is at fault', async () => {
    const publication = await control.upload('/broken')
    const lease = await control.lease()
    const error = { code: 'not-media', message: 'this is not a film' }
    const result = { kind: 'errored', error }
    await control.post(control.origin, `/v1/node/jobs/${lease?.job.id}/finish`, { result })
    expect(await control.client.publication(publication.id)).toMatchObject({ state: 'errored', error })
    expect(await control.client.asset('/broken')).toMatchObject({ state: 'errored', version: null, error })
    // What failed occupies nothing.
    expect(
      (await control.client.publish({ path: '/broken/inside', fileName: 'a', size: 1, ladder: 'none' }))
        .state,
    ).toBe('uploading')
  })

  it('queues an empty file at once, for the origin to say what is wrong with it', async () => {
    const empty = await control.client.publish({ path: '/empty', fileName: 'e.mp4', size: 0, ladder: 'none' })
    expect(empty.state).toBe('queued')
    await control.client.upload(empty, sourceOf(new Uint8Array(0)))
    expect((await control.workOne()).job.path).toBe('/empty')
  })

  it('answers a long poll when the state changes, and not before', async () => {
    const publication = await control.client.publish({
      path: '/polled',
      fileName: 'a',
      size: 10,
      ladder: 'none',
    })
    const client = control.client
    await client.publication(publication.id)
    let answered = false
    const waiting = client.publication(publication.id, { waitSeconds: 20 }).finally(() => (answered = true))
    expect(await client.publication(publication.id)).toMatchObject({ state: 'uploading' })
    expect(answered).toBe(false)
    await control.client.upload(publication, sourceOf(randomBytes(10)))
    expect(await waiting).toMatchObject({ state: 'queued' })
    await control.workOne()
  })
})

describe('paths', () => {
  it.each([
    ['/a//b', 'bad-path'],
    ['/../x', 'bad-path'],
    ['/.hidden', 'bad-path'],
    ['/a/', 'bad-path'],
    ['/ä', 'bad-path'],
    [`/${'x'.repeat(600)}`, 'bad-path'],
  ])('refuses to publish at %s', async (path, code) => {
    await expect(
      control.client.publish({ path, fileName: 'a', size: 1, ladder: 'none' }),
    ).rejects.toMatchObject({
      code,
      kind: 'usage',
    })
  })

  it('lets no asset lie inside another, nor around one', async () => {
    await control.publishReady('/films/summer_2024')
    for (const path of ['/films/summer_2024/part', '/films']) {
      await expect(
        control.client.publish({ path, fileName: 'a', size: 1, ladder: 'none' }),
      ).rejects.toMatchObject({
        code: 'overlap',
        kind: 'conflict',
      })
    }
    // An underscore is a letter, no wildcard, and a shared beginning is no overlap.
    for (const path of ['/films/summerX2024', '/films/summer_20245']) {
      expect((await control.client.publish({ path, fileName: 'a', size: 1, ladder: 'none' })).state).toBe(
        'uploading',
      )
    }
  })

  it('lists assets at and under a path', async () => {
    await control.publishReady('/listed/one')
    await control.publishReady('/listed/two')
    await control.publishReady('/listedmore')
    expect((await control.client.assets('/listed')).map(asset => asset.path)).toEqual([
      '/listed/one',
      '/listed/two',
    ])
    await expect(control.client.asset('/listed')).rejects.toMatchObject({
      code: 'not-found',
      kind: 'not-found',
    })
  })
})

describe('unpublishing', () => {
  it('answers when the origin has removed it, and then nothing is there', async () => {
    const ready = await control.publishReady('/gone')
    const removing = control.client.unpublish('/gone')
    expect((await control.workOne()).job).toEqual({
      kind: 'remove',
      id: expect.any(String) as string,
      assetId: ready.assetId,
      path: '/gone',
    })
    const { snapshotVersion } = await removing
    expect(snapshotVersion).toBeGreaterThan(ready.snapshotVersion ?? Infinity)
    await expect(control.client.asset('/gone')).rejects.toMatchObject({ kind: 'not-found' })
    await expect(control.client.unpublish('/gone')).rejects.toMatchObject({ kind: 'not-found' })
    expect((await control.publishReady('/gone')).version).toBe(1)
  })

  it('stops a job that runs before the removal is given out', async () => {
    const publication = await control.upload('/stopped')
    const running = await control.lease()
    const removing = control.client.unpublish('/stopped')
    await until(
      'the publication is ended',
      async () => (await control.client.publication(publication.id)).state === 'errored',
    )
    expect(await control.lease(0)).toBeUndefined()
    const job = `/v1/node/jobs/${running?.job.id}`
    const progress = { stage: 'encoding', fraction: 0.1 }
    expect((await control.post(control.origin, `${job}/heartbeat`, { progress, attempt: 1 })).status).toBe(
      409,
    )
    expect(
      (await control.post(control.origin, `${job}/finish`, { result: PACKAGED, attempt: 1 })).status,
    ).toBe(409)
    const reason = { code: 'lease-lost', message: 'told to stop' }
    expect((await control.post(control.origin, `${job}/release`, { reason, attempt: 1 })).status).toBe(200)
    expect((await control.workOne()).job.kind).toBe('remove')
    await removing
    expect(await control.client.publication(publication.id)).toMatchObject({ error: { code: 'unpublished' } })
  })
})

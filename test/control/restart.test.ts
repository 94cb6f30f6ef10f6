import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine, serverUnderTest } from './database-under-test.ts'
import { ControlFixture, PACKAGED, sourceOf, until } from './fixture.ts'

let control: ControlFixture

beforeAll(async () => {
  control = await ControlFixture.open()
})

afterAll(() => control.end())

describe('a restart of control', () => {
  it('keeps everything that was acknowledged', async () => {
    const ready = await control.publishReady('/kept')
    const token = await control.client.createToken({ name: 'ci', scopes: ['publish'] })
    const before = {
      assets: await control.client.assets(),
      distributions: await control.client.distributions(),
      keyGroups: await control.client.keyGroups(),
      tokens: await control.client.tokens(),
      publication: await control.client.publication(ready.id),
      snapshot: await (await control.asNode(control.edge, '/v1/node/snapshot')).text(),
    }
    await control.restart()
    expect({
      assets: await control.client.assets(),
      distributions: await control.client.distributions(),
      keyGroups: await control.client.keyGroups(),
      tokens: await control.client.tokens(),
      publication: await control.client.publication(ready.id),
      snapshot: await (await control.asNode(control.edge, '/v1/node/snapshot')).text(),
    }).toEqual(before)
    expect(before.tokens).toEqual([
      {
        ...{ id: token.id, name: 'ci', scopes: ['publish'] },
        ...{ accessKeyId: token.accessKeyId, createdAt: token.createdAt },
      },
    ])
  })

  it('lets an upload go on where it was', async () => {
    const bytes = randomBytes(6_000_000)
    const publication = await control.client.publish({
      path: '/resumed',
      fileName: 'a',
      size: bytes.length,
      ladder: 'none',
    })
    const offsets: number[] = []
    let restarted: Promise<void> | undefined
    await control.client.upload(publication, sourceOf(bytes), {
      onProgress(sent) {
        offsets.push(sent)
        if (sent > 0) restarted ??= control.restart()
      },
    })
    await restarted
    expect(offsets.filter(offset => offset === 0)).toHaveLength(1)
    expect(bytes.equals(await readFile(join(control.storage, 'objects', 'uploads', publication.id)))).toBe(
      true,
    )
    expect((await control.workOne()).job).toMatchObject({ path: '/resumed' })
  })

  it('gives a running lease the time to say that it is alive', async () => {
    const publication = await control.upload('/leased')
    const lease = await control.lease()
    await control.restart()
    const job = `/v1/node/jobs/${lease?.job.id}`
    const progress = { stage: 'indexing', fraction: 0.9 }
    expect((await control.post(control.origin, `${job}/heartbeat`, { progress, attempt: 1 })).status).toBe(
      200,
    )
    expect(
      (await control.post(control.origin, `${job}/finish`, { result: PACKAGED, attempt: 1 })).status,
    ).toBe(200)
    expect((await control.client.publication(publication.id)).state).toBe('ready')
  })

  it('queues an upload that became whole without control noticing', async () => {
    const publication = await control.client.publish({
      path: '/noticed',
      fileName: 'a',
      size: 4,
      ladder: 'none',
    })
    await control.running.close()
    await appendFile(join(control.storage, 'objects', 'uploads', publication.id), 'abcd')
    await control.open()
    expect((await control.client.publication(publication.id)).state).toBe('queued')
    expect((await control.workOne()).job).toMatchObject({ path: '/noticed' })
  })

  it('ends an upload whose file is gone', async () => {
    const publication = await control.client.publish({
      path: '/lost',
      fileName: 'a',
      size: 4,
      ladder: 'none',
    })
    await control.running.close()
    await rm(join(control.storage, 'objects', 'uploads', publication.id))
    await control.open()
    expect(await control.client.publication(publication.id)).toMatchObject({
      state: 'errored',
      error: { code: 'upload-lost' },
    })
  })
})

describe('a database of a newer Sluice', () => {
  it('is refused in one sentence and not touched', async () => {
    await control.running.close()
    const future = async (text: string) => {
      const engine = await openEngine(control.options().dataDir)
      await engine.executeSql(text)
      await engine.close()
    }
    await future(
      `insert into drizzle.__drizzle_migrations (hash, created_at) values ('future', 9000000000000)`,
    )
    await expect(control.open()).rejects.toMatchObject({
      code: 'database-newer',
      message: expect.stringMatching(
        /^the database .* is at schema (\d+), made by a newer Sluice, and this one knows up to schema \d+ \(\d{4}_\w+\): upgrade Sluice or restore a backup$/,
      ) as unknown,
    })
    await future(`delete from drizzle.__drizzle_migrations where hash = 'future'`)
    await control.open()
  })

  it.skipIf(serverUnderTest() !== undefined)('is told from one that cannot be read', async () => {
    const broken = await ControlFixture.open()
    await broken.running.close()
    await writeFile(join(broken.root, 'control', 'db', 'global', 'pg_control'), 'nonsense')
    await expect(broken.open()).rejects.toMatchObject({ code: 'database-unreadable' })
    broken.running = { ...broken.running, close: () => Promise.resolve() }
    await broken.end()
  })
})

describe('a control that is killed', () => {
  it('has lost nothing that it acknowledged', async () => {
    const { port } = control.running
    await control.running.close()
    const children: ChildProcess[] = []
    const start = async (): Promise<void> => {
      const options = { ...control.options(), listen: { host: '127.0.0.1', port } }
      const loader = new URL('typescript-loader.mjs', import.meta.url).href
      const child = fork(new URL('control-process.mjs', import.meta.url), [JSON.stringify(options)], {
        execArgv: ['--import', loader],
      })
      children.push(child)
      await once(child, 'message')
    }
    const kill = async (): Promise<void> => {
      const child = children.at(-1)
      const ended = child && once(child, 'exit')
      child?.kill('SIGKILL')
      await ended
    }
    await start()
    const acknowledged: string[] = []
    const bytes = randomBytes(9_000_000)
    const upload = await control.client.publish({
      path: '/killed/upload',
      fileName: 'a',
      size: bytes.length,
      ladder: 'none',
    })
    let more = true
    const writing = (async () => {
      for (let n = 0; more; n++) {
        const path = `/killed/${n}`
        await control.client.publish({ path, fileName: 'a', size: 1, ladder: 'none' }).then(
          () => acknowledged.push(path),
          () => (more = false),
        )
      }
    })()
    await until('some publications were acknowledged', () => acknowledged.length >= 5)
    await kill()
    more = false
    await writing
    await start()
    let killed: Promise<void> | undefined
    await control.client.upload(upload, sourceOf(bytes), {
      onProgress: sent => {
        if (sent > 0) killed ??= kill().then(start)
      },
    })
    await killed
    const paths = (await control.client.assets('/killed')).map(asset => asset.path)
    expect(paths).toEqual(expect.arrayContaining(acknowledged))
    expect(bytes.equals(await readFile(join(control.storage, 'objects', 'uploads', upload.id)))).toBe(true)
    expect((await control.client.publication(upload.id)).state).toBe('queued')
    const last = children.at(-1)
    const ended = last && once(last, 'exit')
    last?.disconnect()
    await ended
    await control.open()
    expect((await control.workOne()).job).toMatchObject({ path: '/killed/upload' })
  }, 120_000)
})

import { mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { objectKey, openStore, type ObjectKey } from '../../src/storage/index.ts'
import { underLock } from '../../src/storage/file-lock.ts'
import { objectStoreContract } from '../contracts/object-store.ts'

const fresh = () => mkdtemp(join(tmpdir(), 'sluice-storage-'))

objectStoreContract('filesystem', async () => {
  const folder = await fresh()
  return {
    store: await openStore({ kind: 'filesystem', folder }),
    left: async () => [...(await readdir(join(folder, 'objects'))), ...(await readdir(join(folder, 'tmp')))],
    close: () => rm(folder, { recursive: true, force: true }),
  }
})

let folder: string
beforeEach(async () => {
  folder = await fresh()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = () => openStore({ kind: 'filesystem', folder })
const full = () =>
  new Readable({
    read() {
      this.destroy(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
    },
  })

it('says storage-full with a sentence when the disk is full, and leaves nothing behind', async () => {
  const store = await open()
  await expect(store.put(objectKey('assets/a1/media.mp4'), full())).rejects.toMatchObject({
    code: 'storage-full',
    message: `there is no room left in ${folder}: free some space there and try again`,
  })
  expect(await readdir(join(folder, 'tmp'))).toEqual([])
  expect(await readdir(join(folder, 'objects'))).toEqual([])
})

it('sweeps at start what writers that are gone left behind, and spares what others write just now', async () => {
  await open()
  const names = {
    gone: '999999999-aa',
    own: `${process.pid}-bb`,
    writing: `${process.ppid}-cc`,
    stale: `${process.ppid}-dd`,
  }
  for (const name of [...Object.values(names), 'no-number'])
    await writeFile(join(folder, 'tmp', name), 'half')
  const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000)
  await utimes(join(folder, 'tmp', names.stale), twoDaysAgo, twoDaysAgo)
  await open()
  expect(await readdir(join(folder, 'tmp'))).toEqual([names.writing])
})

it('has the path of each object, which ffmpeg can read in place', async () => {
  const store = await open()
  await store.put(objectKey('uploads/p1'), Buffer.from('film'))
  const path = store.localPath(objectKey('uploads/p1'))
  expect(path).toBeDefined()
  expect(await readFile(path ?? '', 'utf8')).toBe('film')
  expect(await store.free()).toBeGreaterThan(0)
})

it('keeps what it holds over a restart', async () => {
  await (await open()).put(objectKey('a/b'), Buffer.from('kept'))
  expect(Buffer.from(await (await open()).read(objectKey('a/b'), 0, 10)).toString()).toBe('kept')
})

it.each(['../outside', 'a/../../outside', '/etc/passwd', 'a//b', '', '.', 'a/.hidden', 'a\\b', 'a\0b'])(
  'refuses %j, even when the type was forged',
  async key => {
    const store = await open()
    const forged = key as ObjectKey // the forgery is what is tested
    await expect(store.put(forged, Buffer.from('x'))).rejects.toMatchObject({ code: 'bad-object-key' })
    await expect(store.read(forged, 0, 1)).rejects.toMatchObject({ code: 'bad-object-key' })
  },
)

it('does not let a symbolic link to a folder be read as an object', async () => {
  const store = await open()
  await symlink(tmpdir(), join(folder, 'objects', 'link'))
  expect(await store.head(objectKey('link'))).toBeUndefined()
})

it('loses no write of machines that share the folder and compare first', async () => {
  const stores = await Promise.all([open(), open(), open()])
  const key = objectKey('pointers/shared')
  const count = async (store: Awaited<ReturnType<typeof open>>): Promise<void> => {
    for (;;) {
      const before = await store.readVersion(key)
      const next = Number(Buffer.from(before?.body ?? []).toString()) + 1
      if ((await store.putVersion(key, Buffer.from(String(next)), before?.version)) === 'written') return
    }
  }
  await Promise.all(stores.flatMap(store => Array.from({ length: 20 }, () => count(store))))
  expect(Buffer.from(await stores[0].read(key, 0, 10)).toString()).toBe('60')
  expect(await readdir(join(folder, 'locks'))).toEqual([])
})

it('goes on where a machine that was comparing has died, and not where one compares', async () => {
  const lock = join(folder, 'locks/one')
  const done: string[] = []
  let go: () => void = () => {}
  const going = new Promise<void>(resolve => (go = resolve))
  const slow = underLock(lock, async () => {
    await going
    done.push('first')
  })
  await expect.poll(() => readdir(join(folder, 'locks')).catch(() => [])).toEqual(['one'])
  const next = underLock(lock, () => Promise.resolve(done.push('second')))
  go()
  await Promise.all([slow, next])
  await writeFile(lock, '')
  await underLock(lock, () => Promise.resolve(done.push('third')), 50)
  expect(done).toEqual(['first', 'second', 'third'])
})

it('leaves what another machine is writing, for a day', async () => {
  await open()
  const name = `1999999-${'0'.repeat(8)}-${'a'.repeat(18)}`
  await writeFile(join(folder, 'tmp', name), '')
  await open()
  expect(await readdir(join(folder, 'tmp'))).toEqual([name])
  const old = new Date(Date.now() - 2 * 86_400_000)
  await utimes(join(folder, 'tmp', name), old, old)
  await open()
  expect(await readdir(join(folder, 'tmp'))).toEqual([])
})

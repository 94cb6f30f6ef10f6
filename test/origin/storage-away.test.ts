import { afterEach, beforeEach, expect, test } from 'vitest'
import { SluiceError } from '../../src/core/index.ts'
import type { ObjectStore } from '../../src/storage/index.ts'
import { lease, openOrigin, packageJob, type OriginUnderTest } from './origin-under-test.ts'

let origin: OriginUnderTest
let away = true
let asked = 0
beforeEach(async () => {
  origin = await openOrigin({ wrap })
})
afterEach(() => origin.close())

/** A store that is away for as long as `away` says. */
function wrap(own: ObjectStore): ObjectStore {
  const answer = <T>(work: () => Promise<T>): Promise<T> => {
    asked++
    const gone = new SluiceError('storage-away', 'the bucket cannot be reached', { kind: 'unavailable' })
    return away ? Promise.reject(gone) : work()
  }
  return Object.assign(Object.create(own) as ObjectStore, {
    head: (key: Parameters<ObjectStore['head']>[0]) => answer(() => own.head(key)),
    readVersion: (key: Parameters<ObjectStore['readVersion']>[0]) => answer(() => own.readVersion(key)),
  })
}

test('a job that finds storage away is given back when storage is there again, not at once', async () => {
  let ended = false
  const work = origin.worker.work(lease(packageJob()))
  const told = work.catch((error: unknown) => error).finally(() => (ended = true))
  await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(1)
  expect(ended).toBe(false)
  away = false
  expect(await told).toMatchObject({ code: 'storage-away' })
})

test('a job that is cancelled while storage is away does not wait for it', async () => {
  away = true
  const controller = new AbortController()
  const work = origin.worker.work(lease(packageJob(), { signal: controller.signal }))
  controller.abort()
  await expect(work).rejects.toMatchObject({ code: 'storage-away' })
})

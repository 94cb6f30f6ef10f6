import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { codeOf, instant } from '../../src/core/index.ts'
import {
  checkStore,
  objectKey,
  openStore,
  type ObjectStore,
  type S3Options,
} from '../../src/storage/index.ts'
import { Bucket } from '../../src/storage/s3/bucket.ts'
import { copyInParts } from '../../src/storage/s3/writing.ts'
import { objectStoreContract } from '../contracts/object-store.ts'
import { S3Server, type Fault, type S3Asked } from '../contracts/s3-server.ts'

let double: S3Server
beforeAll(async () => {
  double = await S3Server.start()
})
afterAll(() => double.close())

const OWNER = { accessKeyId: 'AKOWNER', secretAccessKey: 'owner/secret+', may: ['films:read', 'films:write'] }

function options(more: Partial<S3Options> = {}): S3Options {
  const { accessKeyId, secretAccessKey } = OWNER
  return {
    ...{ kind: 's3', bucket: 'films', prefix: 'media/', endpoint: double.url, region: 'eu-central-1' },
    ...{ addressing: 'path', accessKeyId, secretAccessKey },
    ...more,
  }
}

/** Everything in the bucket, also what no reader sees. */
function left(): string[] {
  const { objects, uploads } = double.buckets.get('films')!
  return [...objects.keys(), ...uploads.keys()]
}

objectStoreContract('S3', async () => {
  double.users = [OWNER]
  double.bucket('films')
  double.page = 2
  return {
    store: await openStore(options()),
    left: () => Promise.resolve(left()),
    close: () => Promise.resolve(),
  }
})

describe('a bucket', () => {
  let store: ObjectStore
  beforeEach(async () => {
    double.users = [OWNER]
    double.bucket('films')
    double.page = 1000
    double.asked.length = 0
    store = await openStore(options())
  })
  afterEach(() => {
    double.fault = () => undefined
    double.conditions = true
  })
  const film = objectKey('assets/a1/v1/source.mp4')
  const content = randomBytes(300_000)
  /** The first so many requests meet the fault. */
  const failing = (count: number, fault: Fault): void => {
    let left = count
    double.fault = () => (left-- > 0 ? fault : undefined)
  }
  const asked = (): string[] => double.asked.map(({ method, target }) => `${method} ${target.split('?')[0]}`)

  test('has everything of ours under its folder, and leaves the rest alone', async () => {
    const { objects } = double.buckets.get('films')!
    double.put('films', 'media/other', 'x')
    double.put('films', 'elsewhere', 'x')
    await store.put(film, content)
    expect([...objects.keys()].sort()).toEqual([
      'elsewhere',
      'media/objects/assets/a1/v1/source.mp4',
      'media/other',
    ])
    await store.deleteAll('')
    expect([...objects.keys()].sort()).toEqual(['elsewhere', 'media/other'])
  })

  test.each<[string, Fault]>([
    ['breaks the connection', { kind: 'hang-up' }],
    ['says SlowDown', { kind: 'refuse', status: 503, code: 'SlowDown' }],
    ['has an error of its own', { kind: 'refuse', status: 500, code: 'InternalError' }],
    ['breaks off in the middle of a body', { kind: 'cut', after: 1000 }],
    ['answers another range', { kind: 'other-range' }],
    ['answers all instead of a range', { kind: 'no-range' }],
  ])('that %s is asked once more, and no third time', async (_what, fault) => {
    await store.put(film, content)
    failing(1, fault)
    expect(content.subarray(5, 100_005).equals(await store.read(film, 5, 100_000))).toBe(true)
    double.asked.length = 0
    failing(5, fault)
    await expect(store.read(film, 5, 100_000)).rejects.toMatchObject({
      side: 'upstream',
      kind: 'unavailable',
    })
    expect(double.asked).toHaveLength(2)
  })

  test('that breaks off in the middle of a whole object never makes it look whole', async () => {
    await store.put(film, content)
    failing(1, { kind: 'cut', after: 100_000 })
    await expect(buffer(await store.stream(film))).rejects.toMatchObject({ kind: 'unavailable' })
  })

  test('that does not answer is given up in time, and not asked again', async () => {
    const bucket = new Bucket(options())
    let release = (): void => {}
    failing(9, { kind: 'hold', until: new Promise<void>(resolve => (release = resolve)) })
    const reading = bucket.ask({ turn: 'read', patience: 50 }, (client, control) =>
      client.send(new HeadObjectCommand(bucket.at(film)), control),
    )
    await expect(reading).rejects.toMatchObject({ code: 'storage-away', kind: 'unavailable' })
    release()
    expect(double.asked).toHaveLength(1)
    bucket.close()
  })

  test.each<[string, Partial<S3Options>, string]>([
    ['is not there', { bucket: 'nothing' }, 'storage-missing'],
    ['does not take the secret', { secretAccessKey: 'hush' }, 'storage-refused'],
    ['cannot be reached', { endpoint: 'http://127.0.0.1:1' }, 'storage-away'],
  ])('that %s is no empty bucket', async (_what, more, code) => {
    const wrong = await openStore(options(more))
    await expect(wrong.read(film, 0, 1)).rejects.toMatchObject({ code, kind: 'unavailable' })
    await expect(wrong.readVersion(film)).rejects.toMatchObject({ code })
    await expect(wrong.growing.arrived(film)).rejects.toMatchObject({ code })
    const error: unknown = await wrong.put(film, content).catch((thrown: unknown) => thrown)
    expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toMatch(
      /hush|owner.secret|Signature=/,
    )
  })

  test('that has no more room says so', async () => {
    failing(2, { kind: 'refuse', status: 507, code: 'InsufficientStorage' })
    await expect(store.put(film, content)).rejects.toMatchObject({ code: 'storage-full' })
  })

  test('knows its own comparing write again when the answer to it was lost', async () => {
    let left = 1
    double.fault = ({ method }) => (method === 'PUT' && left-- > 0 ? { kind: 'untold' } : undefined)
    expect(await store.putVersion(film, Buffer.from('one'), undefined)).toBe('written')
    const one = await store.readVersion(film)
    left = 1
    expect(await store.putVersion(film, Buffer.from('two'), one?.version)).toBe('written')
    expect(left).toBe(-1)
  })

  test.each(['ignored', 'refused'] as const)('by which conditions are %s is compared by us', async how => {
    const put = ({ method, headers }: S3Asked): boolean =>
      method === 'PUT' && (headers['if-match'] ?? headers['if-none-match']) !== undefined
    if (how === 'ignored') double.conditions = false
    else
      double.fault = each => (put(each) ? { kind: 'refuse', status: 501, code: 'NotImplemented' } : undefined)
    expect(await store.putVersion(film, Buffer.from('one'), undefined)).toBe('written')
    const one = await store.readVersion(film)
    expect(await store.putVersion(film, Buffer.from('two'), undefined)).toBe('changed')
    expect(await store.putVersion(film, Buffer.from('two'), one?.version)).toBe('written')
    expect(await store.putVersion(film, Buffer.from('three'), one?.version)).toBe('changed')
    expect(double.asked.filter(put)).toHaveLength(how === 'ignored' ? 2 : 1)
  })

  test('copies what moves itself, in parts where it is large', async () => {
    await store.put(film, content)
    double.asked.length = 0
    await store.move(film, objectKey('to'))
    expect(asked().filter(line => line.startsWith('GET'))).toEqual([])
    expect(double.asked.some(({ headers }) => headers['x-amz-copy-source'] !== undefined)).toBe(true)
    const bucket = new Bucket(options())
    const size = content.length
    await copyInParts(bucket, { from: 'to', to: 'again', size }, 100_000_000)
    expect(content.equals(await store.read(objectKey('again'), 0, size))).toBe(true)
    bucket.close()
  })

  test('completes a growing object whose last part came to a process that was killed then', async () => {
    const key = objectKey('uploads/p1')
    await store.growing.begin(key, 5)
    // From the last part on nothing is answered.
    double.fault = ({ method }) => (method === 'POST' ? { kind: 'hang-up' } : undefined)
    await expect(store.growing.append(key, 0, Readable.from([Buffer.from('hello')]))).rejects.toMatchObject({
      code: 'storage-away',
    })
    expect(await store.head(key)).toBeUndefined()
    double.fault = () => undefined
    expect(await (await openStore(options())).growing.arrived(key)).toBe(5)
    expect(Buffer.from(await store.read(key, 0, 9)).toString()).toBe('hello')
    expect(left()).toEqual(['media/objects/uploads/p1'])
  })

  test('that fails in the middle of a growing object has it go on where it was', async () => {
    const key = objectKey('uploads/p1')
    const bytes = randomBytes(17_000_000)
    await store.growing.begin(key, bytes.length)
    await store.growing.append(key, 0, Readable.from([bytes.subarray(0, 1_000_000)]))
    let parts = 0
    double.fault = ({ target }) =>
      target.includes('partNumber=') && ++parts > 1 ? { kind: 'hang-up' } : undefined
    const rest = (from: number) =>
      Readable.from([bytes.subarray(from, from + 3_000_000), bytes.subarray(from + 3_000_000)])
    await expect(store.growing.append(key, 1_000_000, rest(1_000_000))).rejects.toMatchObject({
      code: 'storage-away',
    })
    double.fault = () => undefined
    const there = (await store.growing.arrived(key)) ?? 0
    expect(there).toBe(8 * 2 ** 20)
    expect(await store.growing.append(key, there, rest(there))).toBe(bytes.length)
    expect((await buffer(await store.stream(key))).equals(bytes)).toBe(true)
  })

  test('lets two processes send one growing object at once without a byte out of place', async () => {
    const key = objectKey('uploads/p1')
    const bytes = randomBytes(12_000_000)
    await store.growing.begin(key, bytes.length)
    const send = async (each: ObjectStore, step: number): Promise<void> => {
      for (;;) {
        const at = (await each.growing.arrived(key)) ?? 0
        if (at === bytes.length) return
        await each.growing
          .append(key, at, Readable.from([bytes.subarray(at, at + step)]))
          .catch((error: unknown) => {
            if (!['offset-moved', 'object-not-found', 'storage-bytes'].includes(codeOf(error) ?? ''))
              throw error
          })
      }
    }
    await Promise.all([send(store, 2_000_000), send(await openStore(options()), 5_000_001)])
    expect((await buffer(await store.stream(key))).equals(bytes)).toBe(true)
    await store.growing.abandon(key)
    expect(left()).toEqual([])
  })

  test('is rid of uploads in parts that were begun a week ago', async () => {
    await store.growing.begin(objectKey('uploads/p1'), 10)
    await checkStore(options(), instant(Date.now()))
    expect(double.buckets.get('films')!.uploads.size).toBe(1)
    await checkStore(options(), instant(Date.now() + 8 * 86_400_000))
    expect(double.buckets.get('films')!.uploads.size).toBe(0)
  })
})

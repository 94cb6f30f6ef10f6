// needs: swift-proxy-server [swift-proxy]
// needs: swift-account-server [swift-account]
// needs: swift-container-server [swift-container]
// needs: swift-object-server [swift-object]
// needs: swift-ring-builder [swift]
// needs: ffmpeg
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import path from 'node:path'
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore, type S3Options } from '../../src/storage/index.ts'
import { objectStoreContract } from '../contracts/object-store.ts'
import { askBytes } from '../e2e/origin-visitor.ts'
import { framehashes, startSluice, temporaryFolder, until, type Sluice } from '../e2e/sluice.ts'
import { ROOT } from '../house/tree.ts'
import { startSwift, type Swift } from './swift.ts'

const BUCKET = 'films'

const folder = temporaryFolder('storage')
let store: Swift
let client: S3Client
let run = 0

beforeAll(async () => {
  store = await startSwift(path.join(folder, 'store'))
  const { endpoint, region, accessKeyId, secretAccessKey } = store
  client = new S3Client({
    ...{ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
}, 120_000)

afterAll(async () => {
  client?.destroy()
  await store?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** Everything under a folder of the bucket, also what no reader sees. */
async function left(prefix: string): Promise<string[]> {
  const asked = { Bucket: BUCKET, Prefix: prefix }
  const { Contents = [] } = await client.send(new ListObjectsV2Command(asked))
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand(asked))
  return [...Contents, ...Uploads].map(({ Key = '' }) => Key)
}

// Swift takes no condition of a write: `sluice up` says so at its start.
objectStoreContract(
  'OpenStack Swift',
  async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = store
    const prefix = `run${run++}/`
    const options: S3Options = {
      ...{ kind: 's3', bucket: BUCKET, prefix, endpoint, region, addressing: 'path' },
      ...{ accessKeyId, secretAccessKey },
    }
    return {
      store: await openStore(options),
      left: () => left(prefix),
      close: () => Promise.resolve(),
    }
  },
  { conditions: 'ignored' },
)

describe('a Sluice whose media lies in a bucket', () => {
  let sluice: Sluice
  beforeAll(async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = store
    sluice = await startSluice({
      args: ['--storage', `s3://${BUCKET}/media`, '--storage-endpoint', endpoint, '--storage-region', region],
      env: { SLUICE_STORAGE_ACCESS_KEY_ID: accessKeyId, SLUICE_STORAGE_SECRET_ACCESS_KEY: secretAccessKey },
    })
  }, 120_000)
  afterAll(async () => {
    expect(await sluice?.close()).toBe(0)
  }, 60_000)

  const publish = async (file: string, at: string): Promise<string> => {
    const published = await sluice.cli<{ state: string; playlist: string }>('publish', file, at)
    expect(published.code, published.stderr).toBe(0)
    return `http://127.0.0.1:${new URL(sluice.ready.http).port}${at}/index.m3u8`
  }

  test('says of a store that ignores conditions that one origin should use it', () => {
    expect(sluice.output()).toContain('does not obey conditional writes, so only one origin should use it')
  })

  test('publishes a film and plays it frame by frame', { timeout: 120_000 }, async () => {
    const sample = path.join(ROOT, 'media/sample.mp4')
    const [played, own] = [
      await framehashes('-i', await publish(sample, '/films/one')),
      await framehashes('-i', sample),
    ]
    expect(own.hashes.length).toBeGreaterThan(1000)
    expect(played.hashes).toEqual(own.hashes)
    expect(await left('media/growing/')).toEqual([])
    expect((await left('media/objects/')).map(key => key.split('/')[2])).toEqual([
      'assets',
      'assets',
      'pointers',
    ])
  })

  test('has ffmpeg convert what it must, with the file beside it', { timeout: 120_000 }, async () => {
    const file = path.join(folder, 'film.mkv')
    execFileSync('ffmpeg', ['-v', 'error', '-i', path.join(ROOT, 'media/sample.mp4'), '-c', 'copy', file])
    const [played, own] = [
      await framehashes('-i', await publish(file, '/films/two')),
      await framehashes('-i', file),
    ]
    expect(played.hashes.length).toBe(own.hashes.length)
    expect((await left('media/objects/')).filter(key => key.endsWith('/media.mp4'))).toHaveLength(1)
  })

  test('takes out of the bucket what is unpublished', { timeout: 60_000 }, async () => {
    for (const at of ['/films/one', '/films/two']) {
      const gone = await sluice.cli('unpublish', at)
      expect(gone.code, gone.stderr).toBe(0)
    }
    await until('nothing is left', async () => ((await left('media/')).length === 0 ? true : undefined))
  })

  test(
    'serves what it has while the store is away, and says why the rest is not there',
    { timeout: 120_000 },
    async () => {
      const entry = await publish(path.join(ROOT, 'media/sample.mp4'), '/films/three')
      const before = await askBytes(entry)
      const [rendition = ''] = /video-[0-9a-f]+/.exec(before.body.toString()) ?? []
      const first = entry.replace('index.m3u8', `${rendition}/0.m4s`)
      const kept = await askBytes(first)
      expect(kept.status).toBe(200)
      const unseen = await publish(path.join(ROOT, 'media/sample.mp4'), '/films/four')
      await store.close()
      expect((await askBytes(first)).body.equals(kept.body)).toBe(true)
      const later = await askBytes(unseen)
      expect([502, 503]).toContain(later.status)
      expect(sluice.output()).not.toContain(store.secretAccessKey)
    },
  )
})

// needs: swift-proxy-server [swift-proxy]
// needs: swift-account-server [swift-account]
// needs: swift-container-server [swift-container]
// needs: swift-object-server [swift-object]
// needs: swift-ring-builder [swift]
// needs: ffmpeg
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askBytes } from '../e2e/origin-visitor.ts'
import {
  cli,
  framehashes,
  startSluice,
  temporaryFolder,
  until,
  type Outcome,
  type Sluice,
} from '../e2e/sluice.ts'
import { ROOT } from '../house/tree.ts'
import { startSwift, type Swift } from './swift.ts'

const BUCKET = 'films'
const EXAMPLE = path.join(ROOT, 'examples/subscribers-area')

const folder = temporaryFolder('s3')
const media = path.join(folder, 'media')
let store: Swift
let client: S3Client
let sluice: Sluice
let port: string
let url: string
let cookie: string

beforeAll(async () => {
  store = await startSwift(path.join(folder, 'store'))
  client = connect(store.secretAccessKey)
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
  sluice = await startSluice({ args: ['--allow-origin', '127.0.0.1/32'] })
  port = new URL(sluice.ready.http).port
  const key = await sluice.cli('keys', 'create', 'website')
  expect(key.code, key.stderr).toBe(0)
  const signed = await sluice.cli<Record<string, string>>('sign', 'cookies', '*://*/members/*')
  expect(signed.code, signed.stderr).toBe(0)
  cookie = Object.entries(signed.json)
    .filter(([name]) => name.startsWith('CloudFront-'))
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
  const access = await withSecret(store.secretAccessKey, 'origin-access', 'create', 'store')
  expect(access.code, access.stderr).toBe(0)
  url = await distribute('films', 'store')
}, 180_000)

afterAll(async () => {
  expect(await sluice?.close()).toBe(0)
  client?.destroy()
  await store?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** AWS's own client. */
function connect(secretAccessKey: string): S3Client {
  const { endpoint, region, accessKeyId } = store
  return new S3Client({
    ...{ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } },
    // Stores that are older than AWS's checksums take none.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
}

function withSecret(secret: string, ...args: string[]): Promise<Outcome> {
  const { accessKeyId } = store
  return cli(args, {
    ...{ SLUICE_DATA: sluice.data, SLUICE_ACCESS_KEY_ID: accessKeyId, SLUICE_SECRET_ACCESS_KEY: secret },
  })
}

/** The bucket, all of it but /members/ open, under a host name of its own. */
async function distribute(name: string, access: string): Promise<string> {
  const file = path.join(folder, 'distribution.json')
  const { endpoint, region } = store
  writeFileSync(
    file,
    JSON.stringify({
      aliases: [`${name}.test.localhost`],
      origins: [{ id: 'store', bucket: BUCKET, endpoint, region, addressing: 'path', access }],
      behaviours: [
        { pattern: '/members/*', originId: 'store', gate: { keyGroups: ['default'] } },
        { pattern: '*', originId: 'store' },
      ],
    }),
  )
  const made = await sluice.cli('distribution', 'create', '--file', file)
  expect(made.code, made.stderr).toBe(0)
  return `http://${name}.test.localhost:${port}`
}

async function put(key: string, body: string | Buffer, type = 'text/plain'): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ContentType: type }))
}

describe('a bucket of a real store', () => {
  test('is closed past the CDN, and open through it to who has a grant', async () => {
    await put('members/a.txt', 'for members')
    // What nobody has signed is no question of S3's to this store, and a stranger's signature is refused.
    expect((await askBytes(`${store.endpoint}/${BUCKET}/members/a.txt`)).status).toBe(400)
    const stranger = connect('not-the-secret')
    await expect(
      stranger.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'members/a.txt' })),
    ).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } })
    stranger.destroy()
    const nobody = await askBytes(`${url}/members/a.txt`)
    expect([nobody.status, nobody.headers['x-sluice-reason']]).toEqual([403, 'missing'])
    const member = await askBytes(`${url}/members/a.txt`, { cookie })
    expect([member.status, member.body.toString(), member.headers['content-type']]).toEqual([
      ...[200, 'for members', 'text/plain'],
    ])
  })

  test.each([
    ['a b.txt', '/a%20b.txt'],
    ['a+b.txt', '/a+b.txt'],
    ['a+b.txt', '/a%2Bb.txt'],
    ['a%2Bb.txt', '/a%252Bb.txt'],
    ['für/日本/🎬', '/f%C3%BCr/%E6%97%A5%E6%9C%AC/%F0%9F%8E%AC'],
    ["!$&'()*,;=:@", "/!$&'()*,;=:@"],
    ["!$&'()*,;=:@", '/%21%24%26%27%28%29%2A%2C%3B%3D%3A%40'],
    ['"<>^`{|}#?', '/%22%3C%3E%5E%60%7B%7C%7D%23%3F'],
    ['~._-', '/~._-'],
  ])('has the object %s at %s', async (key, asked) => {
    await put(key, `of ${key}`)
    const answer = await askBytes(`${url}${asked}`)
    expect([answer.status, answer.body.toString()]).toEqual([200, `of ${key}`])
  })

  test('gives parts, answers conditions, and says in our words what is not there', async () => {
    await put('digits', '0123456789')
    const part = await askBytes(`${url}/digits`, { range: 'bytes=3-5' })
    expect([part.status, part.body.toString(), part.headers['content-range']]).toEqual([
      ...[206, '345', 'bytes 3-5/10'],
    ])
    const same = await askBytes(`${url}/digits`, { 'if-none-match': part.headers['etag'] ?? '' })
    expect(same.status).toBe(304)
    const missing = await askBytes(`${url}/not-there`)
    expect([missing.status, missing.body.toString()]).toEqual([
      404,
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code></Error>',
    ])
    // The bucket itself would list what is in it.
    expect((await askBytes(`${url}/`)).status).toBe(404)
  })

  test('plays a whole film under one set of cookies', { timeout: 120_000 }, async () => {
    const sample = path.join(ROOT, 'media/sample.mp4')
    execFileSync(process.execPath, [path.join(EXAMPLE, 'make-media.js'), sample, media])
    for (const from of [path.join(EXAMPLE, 'site'), media]) {
      for (const entry of readdirSync(path.join(from, 'members'), { recursive: true, withFileTypes: true })) {
        const file = path.join(entry.parentPath, entry.name)
        if (entry.isFile()) await put(path.relative(from, file), readFileSync(file))
      }
    }
    const { host } = new URL(url)
    const entry = `http://127.0.0.1:${port}/members/film/index.m3u8`
    const asMember = ['-headers', `Host: ${host}\r\nCookie: ${cookie}\r\n`, '-i', entry]
    const [played, own] = [await framehashes(...asMember), await framehashes('-i', sample)]
    expect(own.hashes.length).toBeGreaterThan(1000)
    expect(played.hashes).toEqual(own.hashes)
    await expect(framehashes('-headers', `Host: ${host}\r\n`, '-i', entry)).rejects.toThrow('403')
  })

  test('that does not take our signature is 502 for viewers, and a line for the operator', async () => {
    const made = await withSecret('not-the-secret', 'origin-access', 'create', 'wrong')
    expect(made.code, made.stderr).toBe(0)
    const wrong = await distribute('wrong', 'wrong')
    const answer = await askBytes(`${wrong}/digits`)
    expect(answer.status).toBe(502)
    expect(answer.body.toString()).not.toMatch(/Signature|reader/)
    const line = await until('a line for the operator', () =>
      Promise.resolve(/^.*an origin cannot be asked.*$/m.exec(sluice.output())?.[0]),
    )
    expect(line).toContain('SignatureDoesNotMatch: the secret access key is wrong')
    // Mended by the right one, at once and without a new distribution.
    const mended = await withSecret(store.secretAccessKey, 'origin-access', 'rotate', 'wrong')
    expect(mended.code, mended.stderr).toBe(0)
    expect((await askBytes(`${wrong}/digits`)).body.toString()).toBe('0123456789')
    expect(sluice.output()).not.toContain(store.secretAccessKey)
  })
})

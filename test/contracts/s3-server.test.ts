import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { S3Server, type S3User } from './s3-server.ts'

const OWNER: S3User = {
  accessKeyId: 'AKOWNER',
  secretAccessKey: 'owner/secret+',
  may: ['films:read', 'films:write'],
}
const READER: S3User = { accessKeyId: 'AKREADER', secretAccessKey: 'reader-secret', may: ['films:read'] }
const GUEST: S3User = { ...READER, accessKeyId: 'AKGUEST', sessionToken: 'token/of+an=hour' }

let double: S3Server
beforeAll(async () => {
  double = await S3Server.start()
})
beforeEach(() => {
  double.skewMs = 0
  double.users = [OWNER, READER, GUEST]
  double.bucket('films')
  double.bucket('posters', 'public')
  double.put('films', 'talk/index.m3u8', '#EXTM3U')
  double.put('posters', 'talk.txt', 'poster')
})
afterAll(() => double.close())

function client(user: S3User, more: { region?: string } = {}): S3Client {
  const { accessKeyId, secretAccessKey, sessionToken } = user
  return new S3Client({
    region: more.region ?? 'eu-central-1',
    endpoint: double.url,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
  })
}

const get = async (user: S3User, Key: string, more: object = {}): Promise<string | undefined> => {
  const answer = await client(user).send(new GetObjectCommand({ Bucket: 'films', Key, ...more }))
  return answer.Body?.transformToString()
}

/** What the SDK throws: its name is the code of S3's XML. */
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => (error as Error).name, // the SDK throws Errors
  )

describe("the S3 server of the tests, asked by AWS's SDK", () => {
  test.each([
    'plain.mp4',
    'a b+c%2B.mp4',
    'für/日本/🎬',
    "!$&'()*,;=:@",
    'double//slash/',
    '"<>[]^`{|}\\#?',
    '~._-',
  ])('keeps and gives %s', async key => {
    await client(OWNER).send(new PutObjectCommand({ Bucket: 'films', Key: key, Body: `of ${key}` }))
    expect(double.buckets.get('films')?.objects.get(key)?.body.toString()).toBe(`of ${key}`)
    expect(await get(READER, key)).toBe(`of ${key}`)
    await client(OWNER).send(new DeleteObjectCommand({ Bucket: 'films', Key: key }))
    expect(await failure(get(READER, key))).toBe('NoSuchKey')
  })

  test('gives heads, parts, and nothing where nothing changed', async () => {
    const head = await client(READER).send(new HeadObjectCommand({ Bucket: 'films', Key: 'talk/index.m3u8' }))
    expect(head.ContentLength).toBe(7)
    expect(await get(READER, 'talk/index.m3u8', { Range: 'bytes=1-3' })).toBe('EXT')
    expect(await get(READER, 'talk/index.m3u8', { Range: 'bytes=-3' })).toBe('M3U')
    await expect(get(READER, 'talk/index.m3u8', { IfNoneMatch: head.ETag })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    })
    expect(await failure(get(READER, 'talk/index.m3u8', { IfMatch: '"other"' }))).toBe('PreconditionFailed')
    expect(await failure(get(READER, 'talk/index.m3u8', { Range: 'bytes=99-' }))).toBe('InvalidRange')
  })

  test('lists for who may', async () => {
    const list = (user: S3User) =>
      client(user).send(new ListObjectsV2Command({ Bucket: 'films', Prefix: 'talk/' }))
    expect((await list(OWNER)).Contents?.map(({ Key }) => Key)).toEqual(['talk/index.m3u8'])
    expect(await failure(list(READER))).toBe('AccessDenied')
  })

  test.each<[string, S3User, object, number, string]>([
    ['an unknown key', { ...READER, accessKeyId: 'AKNOBODY' }, {}, 0, 'InvalidAccessKeyId'],
    ['a wrong secret', { ...READER, secretAccessKey: 'reader-secreT' }, {}, 0, 'SignatureDoesNotMatch'],
    ['another region', READER, { region: 'us-east-1' }, 0, 'AuthorizationHeaderMalformed'],
    ['a clock 16 minutes fast', READER, {}, -16 * 60_000, 'RequestTimeTooSkewed'],
    ['a clock 16 minutes slow', READER, {}, 16 * 60_000, 'RequestTimeTooSkewed'],
    ['a clock 14 minutes slow', READER, {}, 14 * 60_000, 'no failure'],
    ['temporary credentials', GUEST, {}, 0, 'no failure'],
    ['the token of another hour', { ...GUEST, sessionToken: 'old' }, {}, 0, 'ExpiredToken'],
  ])('answers %s', async (_, user, more, skewMs, code) => {
    double.skewMs = skewMs
    // A client that is told of a skew sets its clock by it, so each has one try.
    const asked = client(user, more).send(new GetObjectCommand({ Bucket: 'films', Key: 'talk/index.m3u8' }))
    expect(await failure(asked)).toBe(code)
  })

  test('refuses who may only read', async () => {
    const put = client(READER).send(new PutObjectCommand({ Bucket: 'films', Key: 'x', Body: 'x' }))
    expect(await failure(put)).toBe('AccessDenied')
  })
})

describe('the S3 server of the tests, asked without a signature', () => {
  test.each([
    ['/films/talk/index.m3u8', 403, 'AccessDenied'],
    ['/films/', 403, 'AccessDenied'],
    ['/posters/talk.txt', 200, 'poster'],
    ['/posters/', 403, 'AccessDenied'],
    ['/nothing/x', 404, 'NoSuchBucket'],
  ])('answers %s with %d', async (path, status, text) => {
    const answer = await fetch(double.url + path)
    expect([answer.status, await answer.text()]).toEqual([status, expect.stringContaining(text)])
  })
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { OriginAccessId } from '../../src/core/index.ts'
import type { Behaviour, OriginAccess, S3Origin } from '../../src/distribution/index.ts'
import { createGuard } from '../../src/outbound/index.ts'
import { signS3 } from '../../src/signing/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { S3Server, type S3User } from '../contracts/s3-server.ts'
import { EdgeBench, handClock } from './edge-bench.ts'
import { accessOf, keptLog, snapshotWith } from './foreign-origin.ts'
import { rawGet } from './raw-get.ts'

const READER: S3User = { accessKeyId: 'AKREADER', secretAccessKey: 'reader/secret+', may: ['films:read'] }
const CREDENTIALS = { accessKeyId: READER.accessKeyId, secretAccessKey: READER.secretAccessKey }
const ACCESS = 'EACCESS' as OriginAccessId // a test's own

const closers: (() => Promise<void>)[] = []
let store: S3Server
beforeEach(async () => {
  store = await S3Server.start()
  closers.push(() => store.close())
  store.users = [READER]
  store.bucket('films')
  store.bucket('posters', 'public')
  store.put('films', 'talk/index.m3u8', '#EXTM3U', 'application/vnd.apple.mpegurl')
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const bucketOf = (more: Partial<S3Origin> = {}): S3Origin => ({
  id: 'films',
  kind: 's3',
  endpoint: store.url,
  bucket: 'films',
  region: 'eu-central-1',
  addressing: 'path',
  path: '',
  access: ACCESS,
  ...more,
})

interface Setup {
  origin?: Partial<S3Origin>
  access?: Partial<OriginAccess>
  behaviour?: Partial<Behaviour>
  options?: Parameters<typeof EdgeBench.start>[1]
}

async function edge({
  origin = {},
  access = {},
  behaviour = {},
  options = {},
}: Setup = {}): Promise<EdgeBench> {
  const snapshot = snapshotWith([bucketOf(origin)], [{ pattern: '*', ...behaviour }], {
    originAccess: [accessOf({ credentials: CREDENTIALS, ...access })],
  })
  const bench = await EdgeBench.start((_request, response) => response.end('built in'), {
    ...{ snapshot, allowOrigins: ['127.0.0.0/8'] },
    ...options,
  })
  closers.push(() => bench.close())
  return bench
}

describe('a private bucket', () => {
  test('is closed to who asks it and open through the edge, asked once for many viewers', async () => {
    expect((await rawGet(store.url, '/films/talk/index.m3u8')).status).toBe(403)
    const bench = await edge()
    const before = store.asked.length
    const answers = await Promise.all(Array.from({ length: 50 }, () => rawGet(bench.url, '/talk/index.m3u8')))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 #EXTM3U']))
    expect(answers[0]?.headers['content-type']).toBe('application/vnd.apple.mpegurl')
    expect(store.asked.length - before).toBe(1)
  })

  test.each([
    ['a b+c%2B.mp4', '/a%20b+c%252B.mp4'],
    ['a b.mp4', '/a%20b.mp4'],
    ['a+b.mp4', '/a+b.mp4'],
    ['a+b.mp4', '/a%2Bb.mp4'],
    ['für/日本/🎬', '/f%C3%BCr/%E6%97%A5%E6%9C%AC/%F0%9F%8E%AC'],
    ["!$&'()*,;=:@", "/!$&'()*,;=:@"],
    ["!$&'()*,;=:@", '/%21%24%26%27%28%29%2A%2C%3B%3D%3A%40'],
    ['double//slash/', '/double//slash/'],
    ['/leading', '//leading'],
    ['"<>^`{|}#?', '/%22%3C%3E%5E%60%7B%7C%7D%23%3F'],
    ['~._-', '/~._-'],
  ])('has the object %s at %s', async (key, asked) => {
    store.put('films', key, `of ${key}`)
    const bench = await edge()
    expect((await rawGet(bench.url, asked)).body).toBe(`of ${key}`)
  })

  test('keeps what it kept when nothing changed', async () => {
    const clock = handClock()
    const bench = await edge({ options: { clock } })
    await rawGet(bench.url, '/talk/index.m3u8')
    bench.node.apply({ ...(bench.node.snapshot ?? fail()), sequence: 1 })
    clock.move(86_400_000 - 1)
    store.skewMs = 86_400_000
    clock.move(2)
    expect((await rawGet(bench.url, '/talk/index.m3u8')).headers['x-cache']).toBe('RefreshHit from sluice')
    expect(store.asked.at(-1)?.headers['if-none-match']).toMatch(/^"/)
  })

  test('may lie in a folder, and under a name of its own', async () => {
    store.put('films', 'site/2026/a.mp4', 'in a folder')
    const inFolder = await edge({ origin: { path: '/site/2026' } })
    expect((await rawGet(inFolder.url, '/a.mp4')).body).toBe('in a folder')
    const byHost = await edge({
      origin: { addressing: 'host', endpoint: `http://s3.test:${store.port}` },
      options: {
        guard: createGuard({
          allow: ['127.0.0.0/8'],
          ownPorts: [],
          resolve: (_name, answer) => answer(null, [{ address: '127.0.0.1', family: 4 }]),
        }),
      },
    })
    expect((await rawGet(byHost.url, '/talk/index.m3u8')).body).toBe('#EXTM3U')
    expect(store.asked.at(-1)).toMatchObject({
      target: '/talk/index.m3u8',
      headers: { host: `films.s3.test:${store.port}` },
    })
  })

  test('is read with temporary credentials', async () => {
    store.users = [{ ...READER, sessionToken: 'token/of+an=hour' }]
    const bench = await edge({
      access: { credentials: { ...CREDENTIALS, sessionToken: 'token/of+an=hour' } },
    })
    expect((await rawGet(bench.url, '/talk/index.m3u8')).status).toBe(200)
  })

  test.each(['/', '//', '///', '/?list-type=2', '/%FF'])(
    'is not asked for %s, which is no object',
    async asked => {
      const bench = await edge({ behaviour: { query: ['list-type'] } })
      expect((await rawGet(bench.url, asked)).status).toBe(404)
      expect(store.asked).toEqual([])
    },
  )

  test.each([
    'acl',
    'versionId=1',
    'uploads',
    'list-type=2',
    'response-content-type=text/html',
    'X-Amz-Signature=1',
    'Policy=a&Signature=b&Key-Pair-Id=c',
  ])('is not told ?%s', async query => {
    const bench = await edge({ behaviour: { query: 'all' } })
    const answers = [
      await rawGet(bench.url, `/talk/index.m3u8?${query}`),
      await rawGet(bench.url, '/talk/index.m3u8'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(store.asked.map(({ target }) => target)).toEqual(['/films/talk/index.m3u8'])
  })

  test('is told what the behaviour names, and only spelled so', async () => {
    const bench = await edge({ behaviour: { query: ['versionId', 'b'] } })
    await rawGet(bench.url, '/talk/index.m3u8?versionId=x+y&acl&b=%2b&%61cl')
    expect(store.asked.map(({ target }) => target)).toEqual(['/films/talk/index.m3u8?b=%2B&versionId=x%20y'])
  })
})

describe('how a node proves itself to a bucket', () => {
  /** What a viewer sends who has credentials of his own. */
  const ownSignature = (): Record<string, string> => {
    const flat = signS3(
      { method: 'GET', host: `127.0.0.1:${store.port}`, path: '/films/talk/index.m3u8', query: '' },
      { accessKeyId: 'AKVIEWER', secretAccessKey: 'viewer-secret' },
      'eu-central-1',
      systemClock.now(),
    )
    return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])))
  }

  const who = (): string | undefined =>
    /Credential=(\w+)/.exec(store.asked.at(-1)?.headers.authorization ?? '')?.[1]

  test.each<[Partial<OriginAccess>, string[], string | undefined, number]>([
    [{ signing: 'always' }, [], 'AKREADER', 200],
    [{ signing: 'always' }, ['authorization'], 'AKREADER', 200],
    [{ signing: 'no-override' }, [], 'AKREADER', 200],
    [{ signing: 'no-override' }, ['authorization'], 'AKVIEWER', 200],
    [{ signing: 'never', credentials: null }, [], undefined, 403],
    [{ signing: 'never', credentials: null }, ['authorization'], 'AKVIEWER', 200],
    [{ kind: 'identity', signing: 'never' }, ['authorization'], 'AKREADER', 200],
  ])('with %j, the behaviour naming %j: %s signs', async (access, headers, signer, status) => {
    store.users = [READER, { accessKeyId: 'AKVIEWER', secretAccessKey: 'viewer-secret', may: ['films:read'] }]
    const bench = await edge({ access, behaviour: { headers } })
    const answer = await rawGet(bench.url, '/talk/index.m3u8', { headers: ownSignature() })
    expect([answer.status, who()]).toEqual([status, signer])
  })

  test.each<[Partial<OriginAccess>, string, number]>([
    [{ signing: 'no-override' }, 'with a secret that is not his', 403],
    [{ signing: 'never', credentials: null }, 'with a secret that is not his', 403],
    [{ signing: 'never', credentials: null }, 'as somebody whom the store does not know', 403],
    [{ signing: 'always' }, 'with a secret that is not his', 200],
  ])('with %j, a viewer who signs %s is answered for himself', async (access, fault, status) => {
    const known = { accessKeyId: 'AKVIEWER', secretAccessKey: 'another-secret', may: ['films:read'] }
    store.users = fault.includes('know') ? [READER] : [READER, known]
    const bench = await edge({ access, behaviour: { headers: ['authorization'] } })
    const answer = await rawGet(bench.url, '/talk/index.m3u8', { headers: ownSignature() })
    expect(answer.status).toBe(status)
    if (status === 403) expect(answer.body).toContain('<Code>AccessDenied</Code>')
    expect(answer.body).not.toMatch(/SignatureDoesNotMatch|InvalidAccessKeyId|AKVIEWER/)
  })

  test('no-override signs for who did not', async () => {
    const bench = await edge({
      access: { signing: 'no-override' },
      behaviour: { headers: ['authorization'] },
    })
    expect((await rawGet(bench.url, '/talk/index.m3u8')).status).toBe(200)
    expect(who()).toBe('AKREADER')
  })

  test('a public bucket is asked without a signature', async () => {
    store.put('posters', 'a.jpg', 'poster')
    const bench = await edge({ origin: { bucket: 'posters', access: null } })
    expect((await rawGet(bench.url, '/a.jpg')).body).toBe('poster')
    expect(who()).toBeUndefined()
  })
})

describe('a bucket that refuses', () => {
  const credentials = (more: object): Setup => ({ access: { credentials: { ...CREDENTIALS, ...more } } })
  test.each<[string, Setup, RegExp, (() => void)?]>([
    ['a wrong clock', {}, /set it by NTP/, () => (store.skewMs = 20 * 60_000)],
    ['an unknown key', credentials({ accessKeyId: 'AKNOBODY' }), /does not know the access key/],
    ['a wrong secret', credentials({ secretAccessKey: 'wr0ng-secret' }), /secret access key is wrong/],
    ['the token of another hour', credentials({ sessionToken: 'st4le-token' }), /have run out/],
    ['another region', { origin: { region: 'us-east-1' } }, /region is not the bucket's/],
    ['a bucket that is not there', { origin: { bucket: 'nothing' } }, /no such bucket/],
    ['an access that is not there', { origin: { access: 'EGONE' as OriginAccessId } }, /is not known here/], // a test's own
    ['an access without credentials', { access: { credentials: null } }, /has no credentials/],
  ])('%s is 502 for viewers and a hint for operators, told once', async (_, setup, hint, prepare) => {
    prepare?.()
    const { log, lines } = keptLog()
    const bench = await edge({ ...setup, options: { log } })
    const answers = [await rawGet(bench.url, '/talk/index.m3u8'), await rawGet(bench.url, '/talk/other')]
    expect(answers.map(({ status }) => status)).toEqual([502, 502])
    expect(lines.filter(line => line.includes('an origin cannot be asked'))).toEqual([
      expect.stringMatching(hint),
    ])
    const said = JSON.stringify(answers) + lines.join('\n') + JSON.stringify(bench.lines)
    for (const secret of [
      CREDENTIALS.secretAccessKey,
      CREDENTIALS.accessKeyId,
      'AKNOBODY',
      'wr0ng-secret',
      'st4le-token',
      'Signature=',
    ])
      expect(said).not.toContain(secret)
  })

  test('goes on being served from store while its credentials are wrong', async () => {
    const clock = handClock()
    const bench = await edge({ options: { clock } })
    await rawGet(bench.url, '/talk/index.m3u8')
    store.users = []
    clock.move(2 * 86_400_000)
    const answer = await rawGet(bench.url, '/talk/index.m3u8')
    expect([answer.status, answer.body]).toEqual([200, '#EXTM3U'])
  })

  test('what it may not read, and what is not there, are told in our words', async () => {
    const bench = await edge()
    const missing = await rawGet(bench.url, '/gone')
    expect([missing.status, missing.body]).toEqual([404, expect.stringContaining('<Code>NoSuchKey</Code>')])
    const other = await edge({ origin: { bucket: 'posters' } })
    store.buckets.set('posters', { access: 'private', objects: new Map(), uploads: new Map() })
    const denied = await rawGet(other.url, '/a.jpg')
    expect([denied.status, denied.body]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')])
    expect(denied.body).not.toContain('RequestId>A')
  })
})

function fail(): never {
  throw new Error('a snapshot is applied')
}

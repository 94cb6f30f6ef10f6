import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { systemClock } from '../../src/core/index.ts'
import type { Behaviour } from '../../src/distribution/index.ts'
import { EdgeBench, KEY_ID, keys, snapshotOf } from './edge-bench.ts'
import { grantFor, type Grant } from './grants.ts'
import { rawGet, type Answer } from './raw-get.ts'

const FOLDER = '/members/talk/'
const SESSION = `/.sluice/session?path=${FOLDER}`

let bench: EdgeBench
beforeAll(async () => {
  bench = await EdgeBench.start((_request, response) => response.end('film'))
})
beforeEach(() => bench.node.apply(snapshotOf()))
afterAll(() => bench.close())

const ask = (target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  rawGet(bench.url, target, { headers, method })

const grant = grantFor('*://*/members/talk/*')
const old = grantFor('*://*/members/talk/*', { hash: 'sha1' })

/** The cookies that stand for a grant. */
function lines({ policy, signature }: Grant, hash: 'sha1' | 'sha256', folder = FOLDER): string[] {
  const attributes = `Path=${folder}; Secure; HttpOnly; SameSite=None; Partitioned`
  return [
    `CloudFront-Policy=${policy}; ${attributes}`,
    `CloudFront-Signature=${signature}; ${attributes}`,
    `CloudFront-Key-Pair-Id=${KEY_ID}; ${attributes}`,
    ...(hash === 'sha256' ? [`CloudFront-Hash-Algorithm=SHA256; ${attributes}`] : []),
  ]
}

const jar = (answer: Answer): string =>
  (answer.headers['set-cookie'] ?? []).map(line => line.split(';', 1)[0]).join('; ')

describe('a session', () => {
  test.each<[string, string, Record<string, string>, Grant, 'sha1' | 'sha256']>([
    ['a signed query', `${SESSION}&${grant.query}`, {}, grant, 'sha256'],
    ['a signed query before the path', `/.sluice/session?${grant.query}&path=${FOLDER}`, {}, grant, 'sha256'],
    ['a signed query with SHA-1', `${SESSION}&${old.query}`, {}, old, 'sha1'],
    ['a path token', grant.token + SESSION, {}, grant, 'sha256'],
    ['a path token signed with SHA-1', old.token + SESSION, {}, old, 'sha1'],
    ['cookies', SESSION, { Cookie: grant.cookie }, grant, 'sha256'],
    ['a query of its own beside it', `${SESSION}&_=1&${grant.query}`, {}, grant, 'sha256'],
    ['a tilde that was escaped', `${SESSION}&${grant.query.replaceAll('~', '%7E')}`, {}, grant, 'sha256'],
  ])('of %s is a set of cookies that opens the folder', async (_carrier, target, headers, own, hash) => {
    const answer = await ask(target, headers)
    expect([answer.status, answer.body, answer.headers['cache-control']]).toEqual([204, '', 'no-store'])
    expect(answer.headers['set-cookie']).toEqual(lines(own, hash))
    expect((await ask(`${FOLDER}s1.m4s`, { Cookie: jar(answer) })).status).toBe(200)
    expect((await ask('/members/other/s1.m4s', { Cookie: jar(answer) })).headers['x-sluice-reason']).toBe(
      'wrong-resource',
    )
  })

  test('of a canned policy is cookies for that one file', async () => {
    const file = '/members/talk/slides.pdf'
    const url = getSignedUrl({
      url: bench.url + file,
      keyPairId: KEY_ID,
      privateKey: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      dateLessThan: new Date(Date.now() + 60_000).toISOString(),
    })
    const answer = await ask(
      `/.sluice/session?path=${encodeURIComponent(file)}&${new URL(url).search.slice(1)}`,
    )
    expect(answer.status).toBe(204)
    const names = answer.headers['set-cookie']?.map(line => line.split('=', 1)[0])
    expect(names).toEqual(['CloudFront-Expires', 'CloudFront-Signature', 'CloudFront-Key-Pair-Id'])
    expect(answer.headers['set-cookie']?.[0]).toContain(`; Path=${file}; `)
    expect((await ask(file, { Cookie: jar(answer) })).status).toBe(200)
    expect((await ask(`${FOLDER}other.pdf`, { Cookie: jar(answer) })).headers['x-sluice-reason']).toBe(
      'bad-signature',
    )
  })

  test.each([
    ['as it is', '/members/talk/', '/members/talk/'],
    ['encoded as a parameter', '%2Fmembers%2Ftalk%2F', '/members/talk/'],
    ['spelled otherwise', '/%256Dembers/talk/', '/members/talk/'],
    ['with escapes', '/members/talk/a%2520b/', '/members/talk/a%20b/'],
    ['with a blank', '/members/talk/a%20b/', '/members/talk/a%20b/'],
    ['with letters that a path escapes', '/members/talk/%C3%BC/', '/members/talk/%C3%BC/'],
  ])('takes a path %s', async (_how, sent, folder) => {
    const answer = await ask(`/.sluice/session?path=${sent}&${grant.query}`)
    expect(answer.headers['set-cookie']).toEqual(lines(grant, 'sha256', folder))
  })

  test.each([
    ['without a path', '/.sluice/session'],
    ['with an empty path', '/.sluice/session?path='],
    ['with two paths', `${SESSION}&path=/open/`],
    ['with a path that is none', '/.sluice/session?path=members/talk/'],
    ['with dots', '/.sluice/session?path=/members/talk/../'],
    ['with escaped dots', '/.sluice/session?path=/members/talk/%252e%252e/'],
    ['with an attribute of its own', '/.sluice/session?path=/members/talk/%3B%20Domain=example.com/'],
    ['with a line of its own', '/.sluice/session?path=/members/talk/%0D%0ASet-Cookie:%20a=b/'],
    ['with a bad escape', '/.sluice/session?path=/members/talk/%zz'],
    ['with broken UTF-8', '/.sluice/session?path=/members/talk/%ff'],
    ['with more than a cookie holds', `/.sluice/session?path=/members/talk/${'a'.repeat(1024)}/`],
  ])('is a bad request %s', async (_how, target) => {
    const join = target.includes('?') ? '&' : '?'
    const answer = await ask(`${target}${join}${grant.query}`)
    expect([answer.status, answer.headers['x-sluice-reason'], answer.headers['set-cookie']]).toEqual([
      400,
      'bad-path',
      undefined,
    ])
    expect(answer.body).toContain('Name one folder or path: /.sluice/session?path=/members/talk/')
  })

  test.each<[string, string, Record<string, string>, string]>([
    ['without a grant', SESSION, {}, 'missing'],
    ['for a neighbour', `/.sluice/session?path=/members/other/&${grant.query}`, {}, 'wrong-resource'],
    ['for the folder above', `/.sluice/session?path=/members/&${grant.query}`, {}, 'wrong-resource'],
    ['with half a grant', `${SESSION}&Key-Pair-Id=${KEY_ID}`, {}, 'malformed'],
    [
      'with a token that was changed',
      grant.token.replace(/\.(.)/, (_, char) => (char === 'M' ? '.N' : '.M')) + SESSION,
      {},
      'bad-signature',
    ],
    [
      'that has run out',
      `${SESSION}&${grantFor('*://*/members/talk/*', { seconds: -5 }).query}`,
      {},
      'expired',
    ],
    ['over plain http elsewhere', `${SESSION}&${grant.query}`, { Host: 'media.example' }, 'https-only'],
    [
      'for another host',
      `${SESSION}&${grantFor('*://x.localhost/members/talk/*').query}`,
      {},
      'wrong-resource',
    ],
  ])('is refused %s', async (_how, target, headers, reason) => {
    const answer = await ask(target, { Origin: 'http://www.cdn.localhost:1', ...headers })
    expect([answer.status, answer.headers['x-sluice-reason'], answer.headers['set-cookie']]).toEqual([
      403,
      reason,
      undefined,
    ])
    if (headers.Host === undefined) {
      expect(answer.headers['access-control-allow-origin']).toBe('http://www.cdn.localhost:1')
      expect(answer.headers['access-control-expose-headers']).toContain('X-Sluice-Reason')
    }
  })

  test('needs no grant for an open path and sets nothing', async () => {
    const answer = await ask('/.sluice/session?path=/open/', { Origin: 'http://www.localhost' })
    expect([answer.status, answer.headers['set-cookie']]).toEqual([204, undefined])
    expect(answer.headers['access-control-allow-credentials']).toBe('true')
  })

  test('is refused where the browser would drop its cookies, and where the behaviour wants HTTPS', async () => {
    for (const host of ['localhost:8080', 'e1.cdn.localhost', '127.0.0.1'])
      expect((await ask(`${SESSION}&${grant.query}`, { Host: host })).status).toBe(204)
    for (const host of ['192.168.1.2', 'localhost.example', 'notlocalhost'])
      expect((await ask(`${SESSION}&${grant.query}`, { Host: host })).headers['x-sluice-reason']).toBe(
        'https-only',
      )
    for (const viewerProtocol of ['https-only', 'redirect-to-https'] as const) {
      bench.node.apply(withMembers({ viewerProtocol }))
      expect((await ask(`${SESSION}&${grant.query}`)).headers['x-sluice-reason']).toBe('https-only')
    }
  })

  test('is refused for a host that nobody claims', async () => {
    bench.node.apply(snapshotOf({ fallbackDistribution: null }))
    expect((await ask(`${SESSION}&${grant.query}`)).headers['x-sluice-reason']).toBe('unknown-host')
  })

  test('of a grant too large for a cookie says so', async () => {
    const large = grantFor(`*://*/members/talk/${'*'.repeat(3100)}`)
    const answer = await ask(`${SESSION}&${large.query}`)
    expect(large.policy.length).toBeGreaterThan(4096 - 'CloudFront-Policy'.length)
    expect([answer.status, answer.headers['set-cookie']]).toEqual([400, undefined])
    expect(answer.body).toContain('larger than what browsers keep')
  })

  test('answers HEAD like GET, preflights without a grant, and other methods with what it knows', async () => {
    const head = await ask(`${SESSION}&${grant.query}`, {}, 'HEAD')
    expect([head.status, head.headers['set-cookie']]).toEqual([204, lines(grant, 'sha256')])
    const preflight = await ask(
      SESSION,
      { Origin: 'https://partner.localhost', 'Access-Control-Request-Headers': 'authorization' },
      'OPTIONS',
    )
    expect([
      preflight.status,
      preflight.headers['access-control-allow-origin'],
      preflight.headers['access-control-allow-credentials'],
      preflight.headers['access-control-allow-headers'],
      preflight.headers['set-cookie'],
    ]).toEqual([204, 'https://partner.localhost', 'true', 'authorization', undefined])
    const post = await ask(`${SESSION}&${grant.query}`, {}, 'POST')
    expect([post.status, post.headers.allow, post.headers['set-cookie']]).toEqual([
      405,
      'GET, HEAD, OPTIONS',
      undefined,
    ])
  })

  test('may be asked by pages of listed origins, and its answers read by no others', async () => {
    bench.node.apply(withMembers({ corsOrigins: ['https://partner.example'] }))
    const from = async (origin: string): Promise<string | undefined> =>
      (await ask(`${SESSION}&${grant.query}`, { Origin: origin })).headers['access-control-allow-origin']
    expect(await from('https://partner.example')).toBe('https://partner.example')
    expect(await from('https://other.example')).toBeUndefined()
  })

  test('leaves nothing of the grant in the log', async () => {
    const before = bench.lines.length
    await ask(`${SESSION}&${grant.query}`)
    await ask(grant.token + SESSION)
    await ask(`${SESSION}&${grant.query}x`)
    await expect.poll(() => bench.lines.length).toBe(before + 3)
    const written = bench.lines.slice(before)
    expect(written.map(line => [line.path, line.status])).toEqual([
      ['/.sluice/session', 204],
      ['/.sluice/session', 204],
      ['/.sluice/session', 403],
    ])
    for (const secret of [grant.policy, grant.signature])
      expect(JSON.stringify(written)).not.toContain(secret)
  })
})

function withMembers(change: Partial<Behaviour>): ReturnType<typeof snapshotOf> {
  const snapshot = snapshotOf()
  Object.assign(snapshot.distributions[0]?.behaviours[0] ?? {}, change)
  return snapshot
}

test('over HTTP/2 a session sets every cookie', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-session-'))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const { certificate, key } = certificateFiles(folder)
  const secure = await EdgeBench.start((_request, response) => response.end('film'), {
    tls: { certificateFile: certificate, keyFile: key },
  })
  const client = connect(secure.url, { rejectUnauthorized: false })
  try {
    const stream = client.request({ ':path': `${SESSION}&${grant.query}`, ':authority': 'media.example' })
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    stream.resume()
    expect([headers[':status'], headers['set-cookie']]).toEqual([204, lines(grant, 'sha256')])
  } finally {
    client.destroy()
    await secure.close()
    await rm(folder, { recursive: true, force: true })
  }
})

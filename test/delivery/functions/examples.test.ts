import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { FunctionEdge, type Written } from './function-edge.ts'

let bench: FunctionEdge | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

const code = (name: string): string =>
  readFileSync(new URL(`../../../examples/functions/${name}.js`, import.meta.url), 'utf8')

async function start(
  written: Omit<Written, 'code'> & { name: string },
  options: Parameters<typeof FunctionEdge.start>[1] = {},
): Promise<FunctionEdge> {
  bench = await FunctionEdge.start([{ ...written, code: code(written.name) }], options)
  return bench
}

const JS1 = { runtime: 'cloudfront-js-1.0' } as const
const seconds = (from: number): number => Math.floor(Date.now() / 1000) + from

describe('of the examples', () => {
  test('login-redirect sends to the log-in page, with a cookie, and lets a session in', async () => {
    const edge = await start({ name: 'login-redirect', event: 'viewer-request' })
    const answer = await edge.get('/members/a')
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/login'])
    expect(answer.headers.getSetCookie()).toEqual([
      'back=%2Fmembers%2Fa; Path=/; Max-Age=600; Secure; HttpOnly',
    ])
    expect(await edge.text('/members/a', { headers: { cookie: 'session=1' } })).toBe('GET /members/a')
    expect(await edge.text('/login')).toBe('GET /login')
  })

  test('jwt lets in by a good token alone, which the origin is not shown', async () => {
    const edge = await start(
      { name: 'jwt', event: 'viewer-request' },
      { store: { 'jwt.secret': 'very secret' }, behaviour: { query: 'all' } },
    )
    const token = (claims: object, secret = 'very secret', alg = 'HS256'): string => {
      const text = [{ alg, typ: 'JWT' }, claims].map(each =>
        Buffer.from(JSON.stringify(each)).toString('base64url'),
      )
      const signed = createHmac('sha256', secret).update(text.join('.')).digest('base64url')
      return [...text, signed].join('.')
    }
    expect(await edge.text(`/a?jwt=${token({ exp: seconds(60) })}&x=1`)).toBe('GET /a?x=1')
    const bad = [
      '',
      'jwt=a.b.c',
      `jwt=${token({ exp: seconds(-60) })}`,
      `jwt=${token({ exp: seconds(60) }, 'guessed')}`,
      `jwt=${token({ exp: seconds(60) }, 'very secret', 'none')}`,
    ]
    for (const query of bad) expect((await edge.get(`/a?${query}`)).status).toBe(401)
  })

  test('country sends each to his page', async () => {
    let country: string | undefined = 'AT'
    const edge = await start(
      { name: 'country', event: 'viewer-request' },
      {
        behaviour: { told: ['cloudfront-viewer-country'] },
        countries: { isThere: true, of: () => country },
      },
    )
    expect((await edge.get('/a')).headers.get('location')).toBe('/at/a')
    expect(await edge.text('/at/a')).toBe('GET /at/a')
    country = undefined
    expect(await edge.text('/a')).toBe('GET /a')
  })

  test('path-token lets in what is signed and not over', async () => {
    const edge = await start(
      { name: 'path-token', event: 'viewer-request' },
      { store: { 'path.secret': 's' } },
    )
    const path = (expires: number, secret = 's'): string =>
      `/t/${expires}-${createHmac('sha256', secret).update(String(expires)).digest('base64url')}/a/b.m3u8`
    expect(await edge.text(path(seconds(60)))).toBe('GET /a/b.m3u8')
    for (const bad of [path(seconds(-60)), path(seconds(60), 'other'), '/a/b.m3u8'])
      expect((await edge.get(bad)).status).toBe(403)
  })

  test('index finds the page of a folder', async () => {
    const edge = await start({ name: 'index', event: 'viewer-request', ...JS1 })
    const asked = ['/', '/guide/', '/guide', '/a.css'].map(each => edge.text(each))
    expect(await Promise.all(asked)).toEqual([
      'GET /index.html',
      'GET /guide/index.html',
      'GET /guide/index.html',
      'GET /a.css',
    ])
  })

  test('ab-origin sends one group elsewhere', async () => {
    const edge = await start(
      { name: 'ab-origin', event: 'origin-request' },
      { behaviour: { keyedCookies: ['group'] } },
    )
    expect(await edge.text('/a', { headers: { cookie: 'group=a' } })).toBe('GET /a')
    // There is no such host here: it was not the origin of the others that was asked.
    expect((await edge.get('/a', { headers: { cookie: 'group=b' } })).status).toBe(502)
    expect(edge.origin.asked).toHaveLength(1)
  })

  test('headers says what browsers may do', async () => {
    const edge = await start({ name: 'headers', event: 'viewer-response', ...JS1 })
    const { headers } = await edge.get('/a', { headers: { origin: 'https://site.example' } })
    expect(headers.get('strict-transport-security')).toBe('max-age=63072000; includeSubDomains')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('max-age=60')
  })

  test('language-filter lists one language', async () => {
    const text =
      '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="D",LANGUAGE="de",URI="d"\n' +
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="E",LANGUAGE="en",URI="e"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n'
    const edge = await start(
      { name: 'language-filter', event: 'playlist-response', when: 'asked' },
      { answer: (_request, response) => void response.end(text) },
    )
    expect(await edge.text('/i.m3u8?lang=de')).toBe(text.replace(/.*"E".*\n/, ''))
    expect(await edge.text('/i.m3u8')).toBe(text)
  })

  test('ad-markers makes date ranges of cues', async () => {
    const text =
      '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n' +
      '#EXT-X-CUE-OUT:30\n#EXTINF:4,\na.m4s\n'
    const edge = await start(
      { name: 'ad-markers', event: 'playlist-response' },
      { answer: (_request, response) => void response.end(text) },
    )
    expect(await edge.text('/i.m3u8')).toBe(
      text.replace(
        '#EXT-X-CUE-OUT:30',
        '#EXT-X-DATERANGE:ID="break-a.m4s",CLASS="com.example.break",START-DATE="2026-01-01T00:00:00Z",PLANNED-DURATION=30',
      ),
    )
  })
})

import { generateKeyPairSync } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { getSignedCookies } from '@aws-sdk/cloudfront-signer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { metric } from './roles.ts'
import { framehashes, makeFilm, startSluice, temporaryFolder, type Sluice } from './sluice.ts'

let folder: string
let film: string
let sluice: Sluice

beforeAll(async () => {
  folder = temporaryFolder('film')
  film = path.join(folder, 'film.mp4')
  await makeFilm(film, 20)
  sluice = await startSluice()
}, 120_000)
afterAll(async () => {
  await sluice?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

describe('a film in the members’ area', () => {
  test('is refused without a grant, and every frame is exact with cookies of AWS’s signer by a key of the site’s own', async () => {
    const published = await sluice.cli<Record<string, unknown>>('publish', film, '/members/film')
    expect(published.json).toMatchObject({
      path: '/members/film',
      state: 'ready',
      playlist: `${sluice.ready.http}/members/film/index.m3u8`,
    })
    const url = `${sluice.ready.http}/members/film/index.m3u8`
    const refused = await fetch(url)
    expect([refused.status, refused.headers.get('x-sluice-reason')]).toEqual([403, 'missing'])

    const pair = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    writeFileSync(path.join(folder, 'site.pem'), pair.publicKey)
    const key = await sluice.cli<{ id: string }>('keys', 'import', 'site', path.join(folder, 'site.pem'))
    expect(key.json).toEqual({ id: key.json.id, name: 'site', group: 'default' })
    expect(key.json.id).toMatch(/^K[A-Z0-9]{13}$/)
    const policy = JSON.stringify({
      Statement: [
        {
          Resource: `${sluice.ready.http}/members/film/*`,
          Condition: { DateLessThan: { 'AWS:EpochTime': Math.floor(Date.now() / 1000) + 600 } },
        },
      ],
    })
    const cookies = Object.entries(
      getSignedCookies({ keyPairId: key.json.id, privateKey: pair.privateKey, policy }),
    )
      .map(([name, value]) => `${name}=${value}`)
      .join('; ')
    const source = await framehashes('-i', film)
    const played = await framehashes('-headers', `Cookie: ${cookies}\r\n`, '-i', url)
    expect(played.warnings).toBe('')
    expect(played.hashes).toEqual(source.hashes)

    expect((await sluice.cli('keys', 'delete', key.json.id)).code).toBe(0)
    const closed = await fetch(url, { headers: { cookie: cookies } })
    expect(closed.headers.get('x-sluice-reason')).toBe('unknown-key')
  })

  test('opens by the link that "open" prints, which ffmpeg can play', async () => {
    const opened = await sluice.cli<{ url: string }>('open', '/members/film')
    const played = await framehashes('-i', opened.json.url)
    expect([played.hashes.length, played.warnings]).toEqual([500, ''])
  })

  test('is replaced for every viewer by the time that publish returns, and gone by the time that unpublish does', async () => {
    const entry = `${sluice.ready.http}/open/again/index.m3u8`
    expect((await sluice.cli('publish', film, '/open/again')).code).toBe(0)
    const first = await (await fetch(entry)).text()
    const shorter = path.join(folder, 'shorter.mp4')
    await makeFilm(shorter, 6)
    expect((await sluice.cli('publish', shorter, '/open/again')).code).toBe(0)
    const second = await (await fetch(entry)).text()
    expect(second).not.toBe(first)
    // A player in the middle of the first goes on with it.
    const rendition = first.split('\n').find(line => line !== '' && !line.startsWith('#')) ?? ''
    expect((await fetch(new URL(rendition, entry))).status).toBe(200)
    expect((await sluice.cli('unpublish', '/open/again')).code).toBe(0)
    expect((await fetch(entry)).status).toBe(404)
    expect((await fetch(new URL(rendition, entry))).status).toBe(404)
  })
})

describe('a flash crowd', () => {
  test('of 200 viewers of one cold segment is one request at the origin', async () => {
    expect((await sluice.cli('publish', film, '/open/crowd')).code).toBe(0)
    const entry = new URL(`${sluice.ready.http}/open/crowd/index.m3u8`)
    const line = (text: string): string =>
      text.split('\n').find(each => each !== '' && !each.startsWith('#')) ?? ''
    const media = new URL(line(await (await fetch(entry)).text()), entry)
    const segment = new URL(line(await (await fetch(media)).text()), media)
    const before = await metric(sluice, 'sluice_origin_requests_total')
    const bodies = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const answer = await fetch(segment)
        return `${answer.status} ${Buffer.from(await answer.arrayBuffer()).toString('base64')}`
      }),
    )
    expect(new Set(bodies).size).toBe(1)
    expect(bodies[0]).toMatch(/^200 /)
    expect((await metric(sluice, 'sluice_origin_requests_total')) - before).toBe(1)
  })
})

describe('a direct request to the origin', () => {
  test.each([{}, { 'Sluice-Node': 'eyJhbGciOiJub25lIn0.e30.' }])('with %j is refused', async headers => {
    const answer = await fetch(`${sluice.ready.origin}/members/film/index.m3u8`, { headers })
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([403, 'not-a-node'])
  })

  test('through an edge cannot be forged with a header of the viewer’s', async () => {
    const answer = await fetch(`${sluice.ready.http}/members/film/index.m3u8`, {
      headers: { 'Sluice-Node': 'x', 'Sluice-Seq': '0' },
    })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('x-sluice-reason')).toBe('missing')
  })
})

describe('bad input', () => {
  test.each<[string, Buffer, string, RegExp]>([
    [
      'a text file',
      Buffer.from('this is not a film\n'.repeat(100)),
      'not-media',
      /^the file is not a film or sound/,
    ],
    ['an empty file', Buffer.alloc(0), 'empty-file', /is empty: there is nothing to publish/],
  ])('%s is errored with a sentence and leaves nothing', async (_, content, code, sentence) => {
    const file = path.join(folder, 'bad.bin')
    writeFileSync(file, content)
    const outcome = await sluice.cli<{ state: string; error: { code: string; message: string } }>(
      'publish',
      file,
      '/open/bad',
    )
    expect(outcome.code).toBe(1)
    expect(outcome.json).toMatchObject({ path: '/open/bad', state: 'errored', error: { code } })
    expect(outcome.json.error.message).toMatch(sentence)
    expect((await fetch(`${sluice.ready.http}/open/bad/index.m3u8`)).status).toBe(404)
  })
})

import { describe, expect, test } from 'vitest'
import { after } from '../../src/core/index.ts'
import { createSigner, signCookies, signPath, signUrl } from '../../src/signing/index.ts'
import { arriving, NOW, P256_ID, vectorFile, verdictOf, word } from './edge.ts'

const signer = createSigner(vectorFile('p256.pem'), P256_ID)
const SITE = 'https://media.example.com'
const terms = { resource: `${SITE}/members/talk/*`, expires: after(NOW, 3_600_000) }
const COOKIES = Object.entries(signCookies(signer, terms))
  .map(([name, value]) => `${name}=${value}`)
  .join('; ')

/** What a film or a broadcast is made of, whatever the names are. */
const INSIDE = [
  'index.m3u8',
  'index.m3u8?_HLS_msn=1780000000&_HLS_part=3',
  'video/playlist.m3u8',
  'audio/playlist.m3u8',
  'subtitles/de/playlist.m3u8',
  '720p-3f9a/init.mp4',
  '720p-3f9a/1780000000.7.m4s',
  '720p-3f9a/1780000000.7.2.m4s?CMCD=bl%3D2100',
  'audio-en/init-7.mp4',
  'subtitles/de/12.vtt',
  'keys/1.key',
  'pictures/poster.jpg',
  'pictures/sprite%20sheet.jpg',
  'a/b/c/d/e',
  'notes.pdf?page=2',
  '',
] as const

const OUTSIDE = [
  '/members/talk',
  '/members/talkshow/index.m3u8',
  '/members/tal/index.m3u8',
  '/members/Talk/index.m3u8',
  '/members/index.m3u8',
  '/members/',
  '/members//talk/index.m3u8',
  '//members/talk/index.m3u8',
  '/talk/index.m3u8',
  '/x/members/talk/index.m3u8',
  '/members?/members/talk/index.m3u8',
  '/members/talk.m3u8',
  '/members/talk%20/index.m3u8',
  '/members/talk;x/index.m3u8',
  '/',
] as const

/** A request for a path with the same grant, by each carrier. */
function carried(path: string) {
  const url = `${SITE}${path}`
  return [
    ['cookies', arriving(url, { cookies: COOKIES })],
    ['query', arriving(signUrl(signer, url, terms).url)],
    ['path token', arriving(signPath(signer, url, terms).url)],
  ] as const
}

describe('a folder opens all that is in it', () => {
  test.each(INSIDE)('%s', name => {
    for (const [by, request] of carried(`/members/talk/${name}`))
      expect([by, word(verdictOf(request))]).toEqual([by, 'allowed'])
  })
})

describe('and nothing of a neighbour', () => {
  test.each(OUTSIDE)('%s', path => {
    for (const [by, request] of carried(path))
      expect([by, word(verdictOf(request))]).toEqual([by, 'wrong-resource'])
  })

  test.each([
    'http://media.example.com',
    'https://cdn.example.com',
    'https://media.example.com.evil.example',
  ])('nor on %s', site => {
    const request = arriving(`${site}/members/talk/index.m3u8`, { cookies: COOKIES })
    expect(word(verdictOf(request))).toBe('wrong-resource')
  })
})

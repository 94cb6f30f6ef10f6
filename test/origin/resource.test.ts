import { expect, it } from 'vitest'
import { readResource } from '../../src/origin/resource.ts'

it.each([
  ['/talk/index.m3u8', { kind: 'multivariant', asset: '/talk' }],
  ['/members/talk/index.m3u8', { kind: 'multivariant', asset: '/members/talk' }],
  [
    '/talk/video-0123456789/playlist.m3u8',
    { kind: 'playlist', asset: '/talk', rendition: 'video-0123456789' },
  ],
  ['/a/b/audio-abcdefabcd/init.mp4', { kind: 'init', asset: '/a/b', rendition: 'audio-abcdefabcd' }],
  ['/a/video-0123456789/0.m4s', { kind: 'segment', asset: '/a', rendition: 'video-0123456789', number: 0 }],
  [
    '/a/video-0123456789/1234.m4s',
    { kind: 'segment', asset: '/a', rendition: 'video-0123456789', number: 1234 },
  ],
])('%s names %j', (path, resource) => {
  expect(readResource(path)).toEqual(resource)
})

it.each([
  '/',
  '/index.m3u8',
  '/talk',
  '/talk/',
  '/talk/INDEX.m3u8',
  '/talk/video-0123456789/00.m4s',
  '/talk/video-0123456789/01.m4s',
  '/talk/video-0123456789/-1.m4s',
  '/talk/video-0123456789/999999999.m4s',
  '/talk/video-0123456789/0.ts',
  '/talk/video-012345678/0.m4s',
  '/talk/picture-0123456789/0.m4s',
  '/video-0123456789/0.m4s',
])('%s names nothing', path => {
  expect(readResource(path)).toBeUndefined()
})

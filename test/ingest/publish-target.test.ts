import { expect, test } from 'vitest'
import { authorityOf, loggedPath, targetOf } from '../../src/ingest/publish-target.ts'

test.each([
  ['live', 'stage', '/live/stage', ''],
  ['live', 'stage?a=1', '/live/stage', 'a=1'],
  ['live?a=1', 'stage', '/live/stage', 'a=1'],
  ['live?a=1', 'stage?b=2', '/live/stage', 'a=1&b=2'],
  ['members/live?Policy=a~_&Signature=b-', 'stage', '/members/live/stage', 'Policy=a~_&Signature=b-'],
  ['live/', '/stage', '/live/stage', ''],
  ['/live', 'stage', '/live/stage', ''],
  ['', 'live/stage?a=1', '/live/stage', 'a=1'],
  ['live/stage?a=1', '', '/live/stage', 'a=1'],
  ['live//x', 'a//b', '/live//x/a//b', ''],
  ['live', '../x%2e?a=%26?b', '/live/../x%2e', 'a=%26?b'],
  ['', '', '/', ''],
  ['/', '/', '/', ''],
])('app %j and stream %j are %s with %j', (app, stream, path, query) => {
  expect(targetOf(app, stream)).toEqual({ path, query })
})

test.each([
  ['rtmp://h/live', 'h'],
  ['RTMPS://Media.example:1936/live', 'Media.example:1936'],
  ['rtmp://[::1]:1935/live', '[::1]:1935'],
  ['rtmp://u:p@h:1/live', 'h:1'],
  ['rtmp://h', 'h'],
  ['rtmp://h?x', 'h'],
  ['rtmp:/h', undefined],
  ['http://h/live', undefined],
  ['rtmp:///live', undefined],
  ['rtmp://h\n/live', undefined],
  ['rtmp://h:x/live', undefined],
  ['', undefined],
])('the authority of %j is %j', (tcUrl, authority) => {
  expect(authorityOf(tcUrl)).toBe(authority)
})

test.each([
  ['/live/stage', '/live/stage'],
  ['/live/Stage_2.x-y', '/live/Stage_2.x-y'],
  ['/live//stage/', '/live//stage/'],
  ['/live/stage&Policy=eyJ&Signature=MEQ', '/live/stage…'],
  ['/live/stage%3FPolicy%3DeyJ%26Signature%3DMEQ', '/live/stage…'],
  ['/live/stage%253fPolicy', '/live/stage…'],
  ['/live/Signature/MEQ', '/live/…'],
  ['/live/~eyJ.MEQ.K1/stage', '/live/~token/stage'],
  ['/%7EeyJ.MEQ.K1/live/stage', '/~token/live/stage'],
  ['/a'.repeat(4500), '/a'.repeat(256)],
])('of the path %.60s logs hold %.60s', (path, logged) => {
  expect(loggedPath(path)).toBe(logged)
})

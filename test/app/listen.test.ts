import { expect, test } from 'vitest'
import { formatListen, listenRefusal, parseListen, urlOf } from '../../src/app/listen.ts'

test.each([
  ['8080', 'everywhere', { port: 8080 }],
  ['8080', 'loopback', { host: '127.0.0.1', port: 8080 }],
  ['0', 'everywhere', { port: 0 }],
  ['127.0.0.1:0', 'everywhere', { host: '127.0.0.1', port: 0 }],
  ['*:9000', 'loopback', { port: 9000 }],
  ['[::1]:9000', 'loopback', { host: '::1', port: 9000 }],
  ['[::]:9000', 'loopback', { host: '::', port: 9000 }],
  ['media.example:443', 'everywhere', { host: 'media.example', port: 443 }],
  [' 8080 ', 'everywhere', { port: 8080 }],
] as const)('%s for %s is a place to listen', (text, reach, listen) => {
  expect(parseListen(text, reach)).toEqual({ kind: 'ok', listen })
})

test.each([
  '',
  'http',
  '65536',
  '99999',
  '-1',
  '80.5',
  '1.2.3.4',
  '1.2.3.4:',
  '::1:80',
  'a b:80',
  'user@host:80',
  'http://h:80',
  '8080:',
])('%j is no place to listen', text => {
  expect(parseListen(text, 'loopback')).toEqual({
    kind: 'bad',
    why: 'use a port from 0 to 65535, or host:port',
  })
})

test.each([
  [{ port: 80 }, 'http://127.0.0.1:80', '80'],
  [{ host: '::', port: 80 }, 'http://127.0.0.1:80', '[::]:80'],
  [{ host: '0.0.0.0', port: 80 }, 'http://127.0.0.1:80', '0.0.0.0:80'],
  [{ host: '::1', port: 80 }, 'http://[::1]:80', '[::1]:80'],
  [{ host: '10.0.0.7', port: 80 }, 'http://10.0.0.7:80', '10.0.0.7:80'],
])('%j is reached at %s and written %s', (listen, url, text) => {
  expect(urlOf('http', listen)).toBe(url)
  expect(formatListen(listen)).toBe(text)
})

test.each([
  [
    'EADDRINUSE',
    'Port 8080 (viewers) is taken by another program: end that one, or choose another port with --http, such as --http 0 for any free one.',
  ],
  [
    'EACCES',
    'Port 8080 (viewers) needs rights that this user does not have: choose a port above 1023 with --http, or grant Node the right to bind low ports.',
  ],
  [
    'EADDRNOTAVAIL',
    '8080 (viewers) is no address of this machine: give another host, or the port alone, with --http.',
  ],
])('%s is told in one sentence with port and flag', (code, sentence) => {
  expect(listenRefusal({ port: 8080 }, '--http', 'viewers', code).message).toBe(sentence)
})

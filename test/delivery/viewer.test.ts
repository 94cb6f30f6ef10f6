import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { Incoming } from '../../src/delivery/exchange.ts'
import { compileTrustedProxies, readViewer } from '../../src/delivery/viewer.ts'

const trusted = compileTrustedProxies(['10.0.0.0/8', '2001:db8::1'])

function request(remoteAddress: string, headers: Record<string, string>): Incoming {
  const all = { host: 'site.example', ...headers }
  return {
    headers: all,
    rawHeaders: Object.entries(all).flat(),
    socket: { remoteAddress },
  } as unknown as Incoming // all that is looked at
}

test.each<[string, string, Record<string, string>, string]>([
  ['one that nobody vouches for', '192.0.2.1', { 'x-forwarded-for': '198.51.100.7' }, '192.0.2.1'],
  ['IPv4 through a dual-stack socket', '::ffff:192.0.2.1', {}, '192.0.2.1'],
  ['behind a proxy', '10.0.0.1', { 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7'],
  ['behind a proxy over IPv6', '2001:db8::1', { 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7'],
  ['behind two proxies', '10.0.0.1', { 'x-forwarded-for': '198.51.100.7, 10.0.0.2' }, '198.51.100.7'],
  [
    'that invents hops in front of its own',
    '10.0.0.1',
    { 'x-forwarded-for': '203.0.113.9, 10.9.9.9, 198.51.100.7' },
    '198.51.100.7',
  ],
  [
    'behind a proxy that says nonsense',
    '10.0.0.1',
    { 'x-forwarded-for': '198.51.100.7, unknown' },
    '10.0.0.1',
  ],
  ['that is one of our proxies itself', '10.0.0.1', { 'x-forwarded-for': '10.0.0.2' }, '10.0.0.1'],
])('the address of a viewer %s', (_name, remote, headers, address) => {
  expect(readViewer(request(remote, headers), trusted)).toEqual({
    kind: 'viewer',
    viewer: { address, scheme: 'http', authority: 'site.example', host: 'site.example' },
  })
})

test.each<[string, Record<string, string>, string | undefined, string]>([
  ['a name', { host: 'Site.Example' }, undefined, 'site.example of Site.Example'],
  [
    'a name with the dot that ends it',
    { host: 'site.example.:8080' },
    undefined,
    'site.example of site.example:8080',
  ],
  ['an IPv6 address', { host: '[2001:DB8::1]:80' }, undefined, '[2001:db8::1] of [2001:DB8::1]:80'],
  [
    'a target of the same host',
    { host: 'Site.example:443' },
    'site.Example.',
    'site.example of site.Example',
  ],
  ['a target and no Host', { host: '' }, 'site.example', 'site.example of site.example'],
  [
    'a target of another host',
    { host: 'site.example' },
    'evil.example',
    'a target with another host than its Host header',
  ],
  ['a name and password', { host: 'user@site.example' }, undefined, 'a Host that is none'],
  ['only a dot', { host: '.' }, undefined, 'a Host that is none'],
  ['a name longer than any', { host: 'a'.repeat(300) }, undefined, 'a Host that is none'],
  ['nothing', { host: '' }, undefined, 'no Host'],
])('the host of a request with %s', (_name, headers, target, expected) => {
  const found = readViewer(request('192.0.2.1', headers), trusted, target)
  expect(found.kind === 'bad' ? found.why : `${found.viewer.host} of ${found.viewer.authority}`).toBe(
    expected,
  )
})

test('two Host are refused, whichever case', () => {
  const two = { ...request('192.0.2.1', {}), rawHeaders: ['Host', 'a', 'hOST', 'a'] } as unknown as Incoming // all that is looked at
  expect(readViewer(two, trusted)).toEqual({ kind: 'bad', why: 'two Host headers' })
})

test('who was named by the PROXY protocol stays it, whatever his fields say; a proxy that is named is asked on', () => {
  const proxies = compileTrustedProxies(['10.0.0.0/8'])
  const of = (named: string): string => {
    const asked = request('10.0.0.1', { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-host': 'b' })
    proxies.named.set(asked.socket as Socket, named) // all that is looked at
    const found = readViewer(asked, proxies)
    return found.kind === 'bad' ? found.why : `${found.viewer.address} ${found.viewer.host}`
  }
  expect([of('203.0.113.9'), of('10.0.0.2')]).toEqual(['203.0.113.9 site.example', '198.51.100.7 b'])
})

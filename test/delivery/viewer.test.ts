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

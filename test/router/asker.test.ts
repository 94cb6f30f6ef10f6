import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trustProxies } from '../../src/inbound/index.ts'
import { askerOf, type Asker } from '../../src/router/asker.ts'
import { rawGet } from '../delivery/raw-get.ts'

let server: Server
let proxies: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    response.end(JSON.stringify(askerOf(request, trustProxies(proxies))))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => new Promise(resolve => server.close(resolve)))

async function ask(
  headers: Record<string, string>,
  trusted: string[] = ['127.0.0.1', '10.0.0.0/8'],
): Promise<Asker> {
  proxies = trusted
  const { port } = server.address() as AddressInfo // it listens on TCP
  const { body } = await rawGet(`http://127.0.0.1:${port}`, '/', {
    headers: { host: 'E1.CDN.example.:8080', ...headers },
  })
  return JSON.parse(body) as Asker // as it is written above
}

const DIRECT = { address: '127.0.0.1', scheme: 'http', host: 'e1.cdn.example' }

describe('who asks', () => {
  test('is who is connected, whatever he says of others', async () => {
    const said = {
      'x-forwarded-for': '198.51.100.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
    }
    expect(await ask(said, [])).toEqual(DIRECT)
    expect(await ask({}, [])).toEqual(DIRECT)
  })

  test.each([
    ['the hop that a proxy of ours names', '198.51.100.7', '198.51.100.7'],
    ['the nearest hop that is none of ours', '203.0.113.9, 198.51.100.7, 10.1.2.3', '198.51.100.7'],
    ['an address of IPv6', '2001:db8::7', '2001:db8::7'],
    ['an address of IPv4 in that of IPv6', '::ffff:198.51.100.7', '198.51.100.7'],
    ['the proxy where all are ours', '10.1.2.3', '127.0.0.1'],
    ['the proxy where the nearest is no address', '198.51.100.7, unknown', '127.0.0.1'],
    ['the proxy where nothing is said', '', '127.0.0.1'],
  ])('is %s', async (_who, said, address) => {
    expect(await ask({ 'x-forwarded-for': said })).toEqual({ ...DIRECT, address })
  })

  test('asks by the scheme and under the name that a proxy of ours tells', async () => {
    const said = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'Media.Example:443' }
    expect(await ask(said)).toEqual({ ...DIRECT, scheme: 'https', host: 'media.example' })
    expect(await ask({ 'x-forwarded-proto': 'gopher' })).toEqual(DIRECT)
  })
})

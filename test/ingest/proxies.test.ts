import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { readProxyHeader } from '../../src/inbound/proxy-header.ts'
import { makeCertificate } from './certificate.ts'
import { ingestUnderTest, until, type IngestUnderTest, type UnderTestOptions } from './ingest-under-test.ts'
import { RtmpClient } from './rtmp-client.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const v2 = (hex: string): Buffer => Buffer.from(SIGNATURE + hex, 'hex')
const V4 = v2('2111000c' + 'c6336407' + '7f000001' + 'd431' + '078f')
const V6 = v2(
  '21210024' + '20010db8000000000000000000000007' + '00000000000000000000000000000001' + 'd431078f',
)

describe('the header of a proxy', () => {
  test.each([
    ['TCP4', Buffer.from('PROXY TCP4 198.51.100.7 127.0.0.1 54321 1935\r\n\x03'), '198.51.100.7', 46],
    ['TCP6', Buffer.from('PROXY TCP6 2001:db8::7 ::1 54321 1935\r\n'), '2001:db8::7', 39],
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN whatever\r\n'), undefined, 24],
    ['version 2, IPv4', V4, '198.51.100.7', 28],
    ['version 2, IPv6', V6, '2001:db8::7', 52],
    [
      'version 2, IPv4 in IPv6',
      v2('21210024' + '00000000000000000000ffffc6336407' + '00000000000000000000000000000001' + 'd431078f'),
      '198.51.100.7',
      52,
    ],
    [
      'version 2 with extensions',
      v2('2111000f' + 'c6336407' + '7f000001' + 'd431078f' + '010203'),
      '198.51.100.7',
      31,
    ],
    ['version 2, LOCAL', v2('20000000'), undefined, 16],
    ['version 2, a Unix socket', v2('21310002' + '2f61'), undefined, 18],
  ])('%s is read', (_, bytes, address, length) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: 'header', address, length })
    for (let cut = 1; cut < length; cut++)
      expect(readProxyHeader(bytes.subarray(0, cut))).toEqual({ kind: 'more' })
  })

  test.each([
    ['an address that is none', Buffer.from('PROXY TCP4 198.51.100 127.0.0.1 1 2\r\n'), 'bad'],
    ['an address of the other family', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n'), 'bad'],
    ['no end', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`), 'bad'],
    ['version 3', v2('3111000c' + '00'.repeat(12)), 'bad'],
    ['60 KiB', v2('2111f000'), 'bad'],
    ['an unknown command', v2('2211000c' + '00'.repeat(12)), 'bad'],
    ['RTMP', Buffer.from([3, 0, 0]), 'none'],
    ['TLS', Buffer.from([22, 3, 1]), 'none'],
    ['a request', Buffer.from('POST / '), 'none'],
    ['nothing', Buffer.alloc(0), 'more'],
  ])('%s is %s', (_, bytes, kind) => {
    expect(readProxyHeader(bytes)).toEqual({ kind })
  })
})

describe('an encoder behind a proxy', () => {
  const running: IngestUnderTest[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map(({ ingest }) => ingest.close()))
  })
  async function start(options: UnderTestOptions): Promise<IngestUnderTest> {
    const underTest = await ingestUnderTest(options)
    running.push(underTest)
    return underTest
  }
  const target = { app: 'live', stream: 'stage' }

  test.each([
    ['version 1', Buffer.from('PROXY TCP4 198.51.100.7 127.0.0.1 54321 1935\r\n'), '198.51.100.7'],
    ['version 2', V6, '2001:db8::7'],
    ['no header', undefined, '127.0.0.1'],
    ['LOCAL', v2('20000000'), '127.0.0.1'],
  ])('%s of a trusted one counts', async (_, before, address) => {
    const underTest = await start({ trustedProxies: ['127.0.0.0/8'] })
    const { client, status } = await RtmpClient.publishing(target, {
      port: underTest.port,
      ...(before && { before }),
    })
    expect(status.code).toBe('NetStream.Publish.Start')
    expect(underTest.requests[0]!.address).toBe(address)
    client.destroy()
  })

  test('nobody else is believed, and the caps hold for the encoder', async () => {
    const stranger = await start({ trustedProxies: ['192.0.2.0/24'] })
    const lying = await RtmpClient.open({ port: stranger.port, before: V4 })
    await lying.closed
    const underTest = await start({
      trustedProxies: ['127.0.0.1'],
      limits: { connectionsPerAddress: 1, handshake: 2000 },
    })
    const { client } = await RtmpClient.publishing(target, { port: underTest.port, before: V4 })
    await (
      await RtmpClient.open({ port: underTest.port, before: V4 })
    ).closed
    const other = await RtmpClient.publishing(target, { port: underTest.port, before: V6 })
    expect(other.status.level).toBe('status')
    client.destroy()
    other.client.destroy()
  })

  test('TLS begins behind the header', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-proxies-'))
    try {
      const underTest = await start({ trustedProxies: ['127.0.0.1'], tls: await makeCertificate(folder) })
      const { client } = await RtmpClient.publishing(target, { port: underTest.port, before: V4, tls: true })
      client.send({ type: 'audio', timestamp: 7, data: Buffer.from([0xaf, 1, 2]) })
      await until(() => underTest.taken[0]?.tags.length === 1, 'the tag')
      expect(underTest.requests[0]).toMatchObject({ address: '198.51.100.7', scheme: 'rtmps' })
      await client.unpublish('stage')
      expect(underTest.taken[0]!.ends).toEqual(['unpublished'])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('a header that never ends is gone at the deadline', async () => {
    const underTest = await start({ trustedProxies: ['127.0.0.1'], limits: { handshake: 100 } })
    const client = await RtmpClient.open({ port: underTest.port, before: Buffer.from('PROXY ') })
    await client.closed
    await until(() => underTest.ingest.connections() === 0, 'the connection to be forgotten')
  })
})

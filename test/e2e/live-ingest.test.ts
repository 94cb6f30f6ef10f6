import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChannelInfo } from '../../src/client/index.ts'
import { after, systemClock } from '../../src/core/index.ts'
import { createSigner, generateKeyPair } from '../../src/signing/index.ts'
import { amf } from '../ingest/amf-writer.ts'
import { MALFORMED, type Malformed } from '../ingest/malformed.ts'
import { RtmpClient } from '../ingest/rtmp-client.ts'
import { packets, publishFilm, type Encoder, type Packets } from './encoder.ts'
import { liveSite, type LiveSite } from './live-site.ts'
import { metric, processOf } from './roles.ts'
import { ffmpeg, framehashes, makeFilm, startSluice, temporaryFolder, until, type Sluice } from './sluice.ts'

const MOST_GROWTH_KIB = 40 * 1024
const HANDSHAKES_GONE_MS = 10_000
const UNFINISHED = 20
const AT_ONCE = 8
/** Long enough for everything that happens beside it; it is stopped, never awaited. */
const FILM_SECONDS = 90
const BESIDE = '/live/beside'
const SLOW = '/live/slow'
const STAGE = '/live/stage'

let folder: string
let sluice: Sluice
let site: LiveSite
let gateway: number
let beside: Encoder
let seen: Promise<Packets>
let slow: Encoder

const file = (name: string): string => path.join(folder, name)
const markOf = (index: number): string => `mark-${index}`

beforeAll(async () => {
  folder = temporaryFolder('live-ingest')
  ;[sluice] = await Promise.all([startSluice(), makeFilms()])
  site = liveSite(sluice)
  gateway = (await processOf(sluice, 'gateway')) ?? 0
  const marks = MALFORMED.map((_, index) => `/live/${markOf(index)}`)
  await site.channels(BESIDE, SLOW, STAGE, '/live/other', ...marks)
  beside = publishFilm(file('film.mp4'), site.sign(BESIDE).url)
  slow = publishFilm(file('slow.mp4'), site.sign(SLOW).url)
  await wholeSegment(BESIDE)
  seen = packets(site.playlist(BESIDE))
}, 120_000)

afterAll(async () => {
  beside?.kill()
  slow?.kill()
  site?.close()
  expect(await sluice?.close()).toBe(0)
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

async function makeFilms(): Promise<void> {
  await makeFilm(file('film.mp4'), FILM_SECONDS)
  await makeFilm(file('clip.mp4'), 3)
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=30:d=90']
  const sound = ['-f', 'lavfi', '-i', 'sine=440:r=48000:d=90', '-ac', '2', '-c:a', 'aac']
  const sparse = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '240', '-keyint_min', '240']
  await ffmpeg(...picture, ...sound, ...sparse, '-sc_threshold', '0', '-pix_fmt', 'yuv420p', file('slow.mp4'))
}

/** What the playlist of a channel's first rendition says; empty while there is none. */
async function mediaPlaylist(at: string): Promise<{ url: string; text: string }> {
  const entry = await fetch(site.playlist(at))
  const uri = (await entry.text()).split('\n').find(line => /^[^#<]/.test(line))
  if (entry.status !== 200 || uri === undefined) return { url: '', text: '' }
  const { href } = new URL(uri, entry.url)
  return { url: href, text: await (await fetch(href)).text() }
}

/** ffmpeg knows no parts: it can watch from the first whole segment on. */
function wholeSegment(at: string): Promise<true> {
  return until(`${at} has a whole segment`, async () =>
    (await mediaPlaylist(at)).text.includes('#EXTINF:') ? true : undefined,
  )
}

/** A raw encoder's connection and the status that it heard. */
async function asks(app: string, stream: string): Promise<{ client: RtmpClient; heard: string }> {
  const { client, status } = await RtmpClient.publishing({ app, stream }, site.rtmp)
  return { client, heard: `${status.level} ${status.code} ${status.description.split(':')[0]}` }
}

/** `url` without scheme and authority, cut behind the app as OBS does. */
function splitUrl(url: string): { app: string; stream: string } {
  const [, app = '', stream = ''] = /^rtmps?:\/\/[^/]+\/([^/?]+)\/(.*)$/.exec(url) ?? []
  return { app, stream }
}

describe('refused before media, by its reason', () => {
  const inAnHour = (): ReturnType<typeof after> => after(systemClock.now(), 3_600_000)
  const withPolicy = (resource: string): string => {
    const { policy, signature } = site.signer.sign({ resource, expires: inAnHour() })
    return `Policy=${policy}&Signature=${signature}&Key-Pair-Id=${site.signer.keyId}&Hash-Algorithm=SHA256`
  }
  const stage = (query: string): string => `${sluice.ready.rtmp}${STAGE}?${query}`
  const flipped = (url: string): string =>
    url.replace(/(Signature=[^&]{30})(.)/, (_, head: string, c: string) => head + (c === 'A' ? 'B' : 'A'))

  const DENIED = 'NetStream.Publish.Denied'
  const BAD_NAME = 'NetStream.Publish.BadName'
  test.each<[string, string, string, () => string | Promise<string>]>([
    ['unsigned', 'missing', DENIED, () => `${sluice.ready.rtmp}${STAGE}`],
    ['expired', 'expired', DENIED, () => site.sign(STAGE, { seconds: -1 }).url],
    ['one bit changed', 'bad-signature', DENIED, () => flipped(site.sign(STAGE).url)],
    [
      'another path',
      'wrong-resource',
      DENIED,
      () => site.sign('/live/other').url.replace('/live/other', STAGE),
    ],
    ['an http policy', 'wrong-resource', DENIED, () => stage(withPolicy(`http://*${STAGE}`))],
    ['a bare *', 'wrong-action', DENIED, () => stage(withPolicy('*'))],
    [
      "a viewer's key",
      'unknown-key',
      DENIED,
      async () => {
        const { privatePem, publicPem: pem } = await generateKeyPair('p256')
        const key = await site.client.importKey({ name: 'viewers', pem, group: 'viewers' })
        await site.settled(key.snapshotVersion)
        return site.sign(STAGE, { by: createSigner(privatePem, key.id) }).url
      },
    ],
    ['a channel that does not exist', 'no-channel', BAD_NAME, () => site.sign('/live/nowhere').url],
    ['a second publisher', 'busy', BAD_NAME, () => site.sign(BESIDE).url],
  ])('%s: %s', async (_, reason, code, urlOf) => {
    const url = await urlOf()
    const encoder = publishFilm(file('clip.mp4'), url)
    const { app, stream } = splitUrl(url)
    const { client, heard } = await asks(app, stream)
    expect(heard).toBe(`error ${code} ${reason}`)
    await client.closed
    const end = await encoder.ended
    expect(end.code).not.toBe(0)
    expect(end.said).toContain(`Server error: ${reason}: `)
  })

  test('a player that sends media: no-play', async () => {
    const client = await RtmpClient.connected({ app: 'live', stream: '' }, site.rtmp)
    const known = client.statuses.length
    client.command('createStream', null)
    client.message({ type: 20, streamId: 1, body: amf('play', 5, null, 'beside') })
    for (let at = 0; at < 20; at++)
      client.send({ type: 'video', timestamp: at * 40, data: Buffer.alloc(500, 1) })
    expect(await client.nextStatus(known)).toMatchObject({
      level: 'error',
      code: 'NetStream.Play.Failed',
      description: expect.stringMatching(/^no-play: /) as string,
    })
    await client.closed
  })

  test.each([STAGE, '/live/other', '/live/nowhere'])('and nothing was ever at %s', async at => {
    expect((await fetch(site.playlist(at))).status).toBe(404)
    expect(site.events(at)).toEqual([])
  })
})

describe('malformed input beside a live stream', () => {
  async function misbehave({ name, stage, send }: Malformed, index: number): Promise<string[]> {
    const client = await RtmpClient.open(site.rtmp)
    if (stage !== 'open') await client.handshake()
    if (stage !== 'open' && stage !== 'handshaken') await client.connect({ app: 'live', stream: '' })
    const key = site.sign(`/live/${markOf(index)}`).streamKey
    const { level } = await reached(client, stage, key)
    send(client)
    await until(`${name} (${stage}) closes its connection`, () => Promise.resolve(client.ended || undefined))
    return level === (stage === 'published' ? 'status' : stage === 'refused' ? 'error' : '') ? [] : [name]
  }

  async function reached(
    client: RtmpClient,
    stage: Malformed['stage'],
    key: string,
  ): Promise<{ level: string }> {
    if (stage === 'published') return client.publish(key)
    if (stage === 'refused') return client.publish('stage')
    return { level: '' }
  }

  /** KiB. */
  async function resident(pid: number): Promise<number> {
    return Number((await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])).stdout)
  }

  /** Connections that say nothing, or half of what begins a session. */
  async function unfinished(): Promise<{ all: RtmpClient[]; at: number }> {
    const at = performance.now()
    const all = await Promise.all(Array.from({ length: UNFINISHED }, () => RtmpClient.open(site.rtmp)))
    for (const client of all.slice(UNFINISHED / 2))
      client.raw(Buffer.concat([Buffer.from([3]), Buffer.alloc(700)]))
    return { all, at }
  }

  test('each closes its own connection; unfinished handshakes are gone in 10 s; memory has not grown', async () => {
    const before = await resident(gateway)
    const { all, at } = await unfinished()
    const waiting = [...MALFORMED.entries()]
    const wrong: string[] = []
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        wrong.push(...(await misbehave(next[1], next[0])))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    expect(wrong).toEqual([])
    await Promise.all(all.map(client => client.closed))
    await until('no connection but those that publish', async () =>
      (await metric(sluice, 'sluice_gateway_connections')) ===
      (await metric(sluice, 'sluice_gateway_publishers'))
        ? true
        : undefined,
    )
    expect(performance.now() - at).toBeLessThan(HANDSHAKES_GONE_MS)
    // Memory that is free for use is given back when the process next has something to do.
    let growth = 0
    await until(
      () => `the gateway is less than ${MOST_GROWTH_KIB} KiB larger, not ${growth}`,
      async () => {
        await metric(sluice, 'sluice_gateway_connections')
        growth = (await resident(gateway)) - before
        return growth < MOST_GROWTH_KIB || undefined
      },
    )
    expect([beside.running(), await processOf(sluice, 'gateway')]).toEqual([true, gateway])
  }, 60_000)

  test('the stream beside all of it lost no frame and gained none, and ends in order', async () => {
    beside.stop()
    await beside.ended
    const { video, audio } = await seen
    const sent = beside.sent()
    expect({ video, audio }).toEqual(sent)
    expect(video.length).toBeGreaterThan(100)
    const { hashes, warnings } = await framehashes('-i', site.playlist(BESIDE))
    expect([hashes.length > 100, warnings]).toEqual([true, ''])
    expect(site.events(BESIDE)).toEqual(['connected', 'live', 'ended'])
  })
})

describe('accepted, and plays as it was sent', () => {
  const HOUR_MS = 3_600_000

  /** A key whose private half Sluice never sees, imported by the command. */
  async function imported(kind: 'rsa2048' | 'p256'): Promise<AwsKey> {
    const { privatePem: privateKey, publicPem } = await generateKeyPair(kind)
    writeFileSync(file(`${kind}.pem`), publicPem)
    const { code, json } = await sluice.cli<{ id: string }>('keys', 'import', kind, file(`${kind}.pem`))
    expect(code).toBe(0)
    return { privateKey, keyPairId: json.id, ...(kind === 'p256' ? { algorithm: 'SHA256' } : {}) }
  }

  async function signedByCommand(at: string): Promise<string> {
    const { code, json } = await sluice.cli<Record<string, string>>('live', 'sign', at, '--ttl', '1h')
    expect(code).toBe(0)
    expect(json.url).toBe(`${json.server}/${json.streamKey}`)
    return json.url ?? ''
  }

  /** Policy, signature and key of a grant, and ffmpeg's options for who splits a URL by hand. */
  const queryFor = (at: string): string => site.sign(at).url.replace(/^[^?]*\?/, '')
  const split = (app: string, stream: string): string[] => [
    ...['-rtmp_app', app, '-rtmp_playpath', stream, `${sluice.ready.rtmp}/live`],
  ]

  test("ffmpeg, AWS's signer, the signature in either half of what OBS has, RTMPS", async () => {
    const [rsa, p256, ours] = [
      await imported('rsa2048'),
      await imported('p256'),
      await signedByCommand(STAGE),
    ]
    const dateLessThan = new Date(Date.now() + HOUR_MS).toISOString()
    // It answers an rtmp: URL with the name of the stream, as CloudFront's own RTMP took it: without scheme and host.
    const aws = (key: AwsKey, at: string, more: { ipAddress?: string } = {}): string[] => {
      const stream = getSignedUrl({ ...key, url: `${sluice.ready.rtmp}${at}`, dateLessThan, ...more })
      return [`${sluice.ready.rtmp}/${stream}`]
    }
    const fromHere = { ipAddress: '127.0.0.0/8' }
    const ways: [string, string[]][] = [
      [STAGE, [ours]],
      ['/live/rsa-canned', aws(rsa, '/live/rsa-canned')],
      ['/live/rsa-custom', aws(rsa, '/live/rsa-custom', fromHere)],
      ['/live/p256-canned', aws(p256, '/live/p256-canned')],
      ['/live/p256-custom', aws(p256, '/live/p256-custom', fromHere)],
      ['/live/key', split('live', `key?${queryFor('/live/key')}`)],
      ['/live/server', split(`live?${queryFor('/live/server')}`, 'server')],
      [
        '/live/secure',
        [site.sign('/live/secure').url.replace(sluice.ready.rtmp ?? '', sluice.ready.rtmps ?? '')],
      ],
    ]
    await site.channels(...ways.map(([at]) => at).filter(at => at !== STAGE))
    const encoders = ways.map(([at, to]) => [at, publishFilm(file('clip.mp4'), ...to)] as const)
    for (const [at, encoder] of encoders) {
      expect([at, await encoder.ended]).toEqual([at, { code: 0, said: '' }])
      expect([at, await packets(site.playlist(at))]).toEqual([at, encoder.sent()])
      expect([at, (await framehashes('-i', site.playlist(at))).warnings]).toEqual([at, ''])
      expect([at, site.events(at)]).toEqual([at, ['connected', 'live', 'ended']])
    }
  }, 60_000)

  test.each<[string, (query: string) => [string, string]]>([
    ['Stream Key', query => ['live', `by-hand?${query}`]],
    ['Server', query => [`live?${query}`, 'by-hand']],
    ['Stream Key, behind a whole path', query => ['', `live/by-hand?${query}`]],
  ])('an encoder with the signature in its %s may publish', async (_, halves) => {
    await site.channels('/live/by-hand')
    const { client, heard } = await asks(...halves(queryFor('/live/by-hand')))
    expect(heard).toBe('status NetStream.Publish.Start Publishing.')
    await client.unpublish('by-hand')
    await site.settled((await site.client.deleteChannel('/live/by-hand')).snapshotVersion)
  })
})

describe('while it lasts', () => {
  test('a key that is deleted or a grant that expires cuts nobody; live stop does, and live delete ends all', async () => {
    const { privatePem, publicPem: pem } = await generateKeyPair('p256')
    const key = await site.client.importKey({ name: 'short-lived', pem, group: 'default' })
    const grants = {
      '/live/expired': site.sign('/live/expired', { seconds: 3 }),
      '/live/deleted': site.sign('/live/deleted', { by: createSigner(privatePem, key.id) }),
    }
    await site.channels(...Object.keys(grants))
    const encoders = Object.values(grants).map(({ url }) => publishFilm(file('film.mp4'), url))
    await Promise.all(Object.keys(grants).map(wholeSegment))
    await site.settled((await site.client.deleteKey(key.id)).snapshotVersion)
    await until('the grant has expired', () =>
      Promise.resolve(systemClock.now() > grants['/live/expired'].expires || undefined),
    )
    for (const [at, reason] of [
      ['/live/expired', 'expired'],
      ['/live/deleted', 'unknown-key'],
    ] as const) {
      const { app, stream } = splitUrl(grants[at].url)
      expect([at, (await asks(app, stream)).heard]).toEqual([at, `error NetStream.Publish.Denied ${reason}`])
    }
    for (const at of Object.keys(grants)) {
      const before = (await mediaPlaylist(at)).text
      await until(`${at} goes on`, async () => ((await mediaPlaylist(at)).text === before ? undefined : true))
      expect(await site.client.channel(at)).toMatchObject({ state: 'live', advice: [] })
    }
    expect(encoders.map(encoder => encoder.running())).toEqual([true, true])

    const [expired, deleted] = encoders
    expect((await sluice.cli('live', 'stop', '/live/expired')).code).toBe(0)
    expect(await expired?.ended).toMatchObject({ said: expect.stringContaining('stopped: ') as string })
    await until('the playlist of the stopped channel ends', async () =>
      (await mediaPlaylist('/live/expired')).text.includes('#EXT-X-ENDLIST') ? true : undefined,
    )
    const { url } = await mediaPlaylist('/live/deleted')
    expect((await sluice.cli('live', 'delete', '/live/deleted')).code).toBe(0)
    expect(await deleted?.ended).toMatchObject({ said: expect.stringContaining('no-channel: ') as string })
    await until('nothing is left of the deleted channel', async () => {
      const statuses = await Promise.all(
        [site.playlist('/live/deleted'), url].map(async at => (await fetch(at)).status),
      )
      return statuses.every(status => status === 404) ? true : undefined
    })
    await until('both are told as ended', () =>
      Promise.resolve(Object.keys(grants).every(at => site.events(at).at(-1) === 'ended') || undefined),
    )
    // Gateway and origin hear of it in any order; the stream ends for both at once.
    for (const at of Object.keys(grants)) {
      const kinds = site.events(at)
      expect([at, kinds]).toEqual([at, ['connected', 'live', 'ended']])
    }
  }, 60_000)

  test('an encoder that is lost is waited for; then the broadcast ends', async () => {
    const { snapshotVersion } = await site.client.createChannel({ path: '/live/lost', reconnectSeconds: 1 })
    await site.settled(snapshotVersion)
    const encoder = publishFilm(file('film.mp4'), site.sign('/live/lost').url)
    await wholeSegment('/live/lost')
    encoder.kill()
    await until('the broadcast ends', () =>
      Promise.resolve(site.events('/live/lost').includes('ended') || undefined),
    )
    expect(site.events('/live/lost')).toEqual(['connected', 'live', 'disconnected', 'ended'])
    expect((await mediaPlaylist('/live/lost')).text).toContain('#EXT-X-ENDLIST')
  })

  test('a channel shows its facts, and advises an encoder with a keyframe every 8 s', async () => {
    await until(
      'the interval between two keyframes is known',
      async () => (await site.client.channel(SLOW)).ingest?.video?.keyframeInterval ?? undefined,
      20_000,
    )
    const { code, json } = await sluice.cli<ChannelInfo>('live', 'show', SLOW)
    expect(code).toBe(0)
    expect(json).toMatchObject({
      ...{ path: SLOW, state: 'live', keyGroup: 'default', reconnectSeconds: 30, viewers: 0 },
      ingest: {
        address: '127.0.0.1',
        encoder: expect.stringContaining('Lavf') as string,
        video: { codec: 'avc1.42c00d', width: 320, height: 180, framesPerSecond: 30, keyframeInterval: 8 },
        audio: { codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2 },
        gaps: 0,
      },
      advice: ['keyframe every 8 s: set Keyframe Interval to 2 s in OBS → Output'],
    })
    expect(site.events(SLOW)).toEqual(['connected', 'live'])
  })
})

interface AwsKey {
  privateKey: string
  keyPairId: string
  algorithm?: 'SHA256'
}

import { createServer, request } from 'node:http'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/core/index.ts'
import { complaints, ffmpeg, frameHashes } from '../../e2e/media-tools.ts'
import { openOrigin, type OriginUnderTest } from '../origin-under-test.ts'
import { byWord, channel, GivenOver, PATH, until } from './live-under-test.ts'

let folder: string
const film = (name: string): string => join(folder, `${name}.flv`)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-live-'))
  await encode('large', '320x180', 6)
  await encode('small', '160x90', 4)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** H.264 with B-frames and a keyframe every two seconds, and AAC. */
async function encode(name: string, size: string, seconds: number): Promise<void> {
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30:duration=${seconds}`],
    ...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-g', '60', '-sc_threshold', '0'],
    ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-ac', '2', film(name)],
  )
}

async function openReal(): Promise<OriginUnderTest> {
  const origin = await openOrigin({ peers: byWord, clock: systemClock })
  onTestFinished(() => origin.close())
  origin.live.table.apply([channel()])
  return origin
}

/** Gives a whole file over, in pieces as small as a gateway's. */
async function give(origin: OriginUnderTest, name: string, epoch: string): Promise<GivenOver> {
  const given = new GivenOver(origin.port, { epoch })
  expect(await given.accepted()).toMatchObject({ status: 200 })
  const bytes = await readFile(film(name))
  for (let at = 0; at < bytes.length; at += 1000) given.write(bytes.subarray(at, at + 1000))
  await given.taken()
  return given
}

/** What players see who cannot say that they are a node. */
async function asNode(origin: OriginUnderTest): Promise<string> {
  const server = createServer((asked, answer) => {
    const { method, url: path } = asked
    const headers = { 'sluice-node': 'edge', ...(asked.headers.range ? { range: asked.headers.range } : {}) }
    request({ host: '127.0.0.1', port: origin.port, method, path, headers }, response => {
      answer.writeHead(response.statusCode ?? 0, response.headers)
      response.pipe(answer)
    }).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on TCP
}

test('what was published plays, picture by picture, without a complaint', async () => {
  const origin = await openReal()
  const given = await give(origin, 'large', 'u1')
  given.request.end()
  await given.closed()
  const url = `${await asNode(origin)}${PATH}/index.m3u8`
  const entry = await (await fetch(url)).text()
  expect(entry.replace(/\bb[a-z0-9]{9}\b/g, 'B').replace(/(BANDWIDTH)=\d+/g, '$1=N')).toBe(
    [
      '#EXTM3U',
      '#EXT-X-VERSION:7',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="B/audio/playlist.m3u8"',
      '#EXT-X-STREAM-INF:BANDWIDTH=N,AVERAGE-BANDWIDTH=N,CODECS="avc1.64000d,mp4a.40.2",RESOLUTION=320x180,FRAME-RATE=30.000,AUDIO="audio"',
      'B/video/playlist.m3u8',
      '',
    ].join('\n'),
  )
  expect(await complaints(url)).toBe('')
  expect(await frameHashes(url)).toEqual(await frameHashes(film('large')))
})

test('an encoder that comes back with another size goes on after a discontinuity', async () => {
  const origin = await openReal()
  const first = await give(origin, 'large', 'u1')
  first.request.destroy()
  await until(() => origin.live.table.at(PATH)?.state === 'disconnected', 'the loss is seen')
  const second = await give(origin, 'small', 'u2')
  second.request.end()
  await second.closed()
  const base = await asNode(origin)
  const entry = await (await fetch(`${base}${PATH}/index.m3u8`)).text()
  expect(entry).toContain('RESOLUTION=160x90')
  const [, uri = ''] = /^(b\w+\/video\/)playlist\.m3u8$/m.exec(entry) ?? []
  const playlist = await (await fetch(`${base}${PATH}/${uri}playlist.m3u8`)).text()
  expect(playlist.match(/#EXT-X-(DISCONTINUITY|MAP|ENDLIST)\b(?!-)/g)).toEqual([
    '#EXT-X-MAP',
    '#EXT-X-DISCONTINUITY',
    '#EXT-X-MAP',
    '#EXT-X-ENDLIST',
  ])
  const durations = [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map(([, seconds]) => Number(seconds))
  expect(durations.reduce((sum, seconds) => sum + seconds, 0)).toBeCloseTo(10, 1)
  // ffmpeg itself skips every init segment but the first of a playlist, so each epoch is decoded on its own.
  for (const [at, name] of ['large', 'small'].entries()) {
    const epoch = playlist.split('#EXT-X-DISCONTINUITY\n')[at] ?? ''
    const files = [.../MAP:URI="([^"]+)"/.exec(epoch)!.slice(1), ...(epoch.match(/^e\w+-\d+\.m4s$/gm) ?? [])] // each has one
    const pieces = await Promise.all(files.map(file => fetch(`${base}${PATH}/${uri}${file}`)))
    const bytes = await Promise.all(pieces.map(piece => piece.arrayBuffer()))
    const whole = join(folder, `${name}.mp4`)
    await writeFile(whole, Buffer.concat(bytes.map(each => Buffer.from(each))))
    expect(await complaints(whole)).toBe('')
    expect(await frameHashes(whole)).toEqual(await frameHashes(film(name)))
  }
})

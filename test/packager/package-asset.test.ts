import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AssetId } from '../../src/core/index.ts'
import { createPackager, type PackageOutcome, type PackageRequest } from '../../src/packager/index.ts'
import { memoryStore, objectKey, openStore, type ObjectStore } from '../../src/storage/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { ffmpeg } from '../e2e/media-tools.ts'

const source = objectKey('uploads/p1')
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25']
const SECONDS = 6

let samples: string
const sample = (name: string) => join(samples, name)
beforeAll(async () => {
  samples = await mkdtemp(join(tmpdir(), 'sluice-samples-'))
  const film = [
    ...['-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=25:duration=${SECONDS}`],
    ...['-f', 'lavfi', '-i', `sine=frequency=440:duration=${SECONDS}`],
  ]
  await ffmpeg(...film, ...H264, '-c:a', 'aac', sample('whole.mp4'))
  await ffmpeg('-i', sample('whole.mp4'), '-c', 'copy', '-movflags', '+faststart', sample('front.mp4'))
  await ffmpeg('-i', sample('whole.mp4'), '-c', 'copy', sample('whole.mkv'))
  await ffmpeg('-i', sample('whole.mp4'), '-c', 'copy', sample('whole.flv'))
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=640x360:rate=30:duration=30',
    '-c:v',
    'mpeg4',
    sample('long.avi'),
  )
})
afterAll(() => rm(samples, { recursive: true, force: true }))

let workDir: string
let store: ObjectStore
beforeEach(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'sluice-work-'))
  store = memoryStore()
})
afterEach(() => rm(workDir, { recursive: true, force: true }))

async function keys(): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of store.list('')) found.push(key)
  return found
}

async function attempt(parts: Partial<PackageRequest> = {}, ffmpegPath?: string): Promise<PackageOutcome> {
  const packager = createPackager({
    ...{ store, workDir, log: silentLogger },
    ...(ffmpegPath === undefined ? {} : { ffmpeg: ffmpegPath }),
  })
  await packager.start()
  return packager.package({ source, assetId: 'a1' as AssetId, version: 1, attempt: 'job1-1', ...parts }) // a made-up id
}

async function cut(name: string, share: number): Promise<Buffer> {
  const copy = sample(`cut-${name}`)
  const whole = await readFile(sample(name))
  await writeFile(copy, whole)
  await truncate(copy, Math.floor(whole.length * share))
  return readFile(copy)
}

const NOT_MEDIA = /^the file is not a film or sound that can be read \(.+\)$/

describe('a file that cannot be published', () => {
  it.each<[string, () => Promise<Buffer> | Buffer, string, RegExp]>([
    [
      'nothing',
      () => Buffer.alloc(0),
      'empty',
      /^the file is empty: nothing arrived, or it was never written$/,
    ],
    ['a text', () => Buffer.from('This is not a film.\n'.repeat(500)), 'not-media', NOT_MEDIA],
    ['noise', () => randomBytes(100_000), 'not-media', NOT_MEDIA],
    [
      'a ZIP archive',
      () => Buffer.concat([Buffer.from('PK\x03\x04'), randomBytes(5000)]),
      'not-media',
      NOT_MEDIA,
    ],
    [
      'a playlist that names another file',
      () => Buffer.from('#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:/etc/passwd\n#EXT-X-ENDLIST\n'),
      'not-media',
      NOT_MEDIA,
    ],
    [
      'a list of files to put together',
      () => Buffer.from(`ffconcat version 1.0\nfile '${sample('whole.mp4')}'\n`),
      'not-media',
      NOT_MEDIA,
    ],
    [
      'a picture',
      async () => {
        await ffmpeg('-i', sample('whole.mp4'), '-frames:v', '1', sample('one.png'))
        return readFile(sample('one.png'))
      },
      'not-media',
      NOT_MEDIA,
    ],
    [
      'an MP4 without its end, where its header is',
      () => cut('whole.mp4', 0.6),
      'cut-short',
      /^the file is cut short, export or copy it again \(The .+\)$/,
    ],
    [
      'an MP4 without its end, with its header',
      () => cut('front.mp4', 0.6),
      'cut-short',
      /^the file is cut short, export or copy it again \(The .+\)$/,
    ],
    ['Matroska without its end', () => cut('whole.mkv', 0.6), 'cut-short', /^the file is cut short: .+/],
    ['Flash video without its end', () => cut('whole.flv', 0.6), 'cut-short', /^the file is cut short: .+/],
  ])(
    '%s is errored with a code and a sentence, and nothing of it is left',
    async (_name, bytes, code, sentence) => {
      await store.put(source, await bytes())
      const outcome = await attempt()
      expect(outcome).toMatchObject({ kind: 'errored', error: { code } })
      const message = outcome.kind === 'errored' ? outcome.error.message : ''
      expect(message).toMatch(sentence)
      expect(message).not.toMatch(/\n|\/tmp|0x/)
      expect(await keys()).toEqual([])
      expect(await readdir(join(workDir, 'attempts'))).toEqual([])
    },
  )

  it('is missed when its upload is gone', async () => {
    expect(await attempt()).toEqual({
      kind: 'errored',
      error: { code: 'upload-missing', message: 'the uploaded file is gone: publish it again' },
    })
  })

  it('needs ffmpeg where there is none: the sentence says how to get it', async () => {
    await store.put(source, await readFile(sample('whole.mkv')))
    expect(await attempt({}, '/nowhere/ffmpeg')).toEqual({
      kind: 'errored',
      error: {
        code: 'ffmpeg-missing',
        message:
          'this file needs ffmpeg, which is not installed: get it with `sudo apt-get install ffmpeg` on Debian and Ubuntu or `brew install ffmpeg` on macOS, and publish again',
      },
    })
    expect(await keys()).toEqual([])
  })

  it('finds no room in storage for what was made of it', async () => {
    const bytes = await readFile(sample('whole.mkv'))
    store = memoryStore({ capacity: bytes.length + 1000 })
    await store.put(source, bytes)
    expect(await attempt()).toMatchObject({ kind: 'errored', error: { code: 'storage-full' } })
    expect(await keys()).toEqual([])
  })
})

describe('a conforming file', () => {
  it('is published in place without ffmpeg', async () => {
    await store.put(source, await readFile(sample('whole.mp4')))
    const progress: string[] = []
    const outcome = await attempt({ onProgress: ({ stage }) => progress.push(stage) }, '/nowhere/ffmpeg')
    expect(outcome).toMatchObject({
      kind: 'packaged',
      how: 'in-place',
      media: 'assets/a1/v1/source.mp4',
      index: 'assets/a1/v1/index',
      durationSeconds: SECONDS,
      renditions: [
        {
          rendition: {
            kind: 'video',
            codec: 'avc1.42c00d',
            width: 320,
            height: 240,
            durationSeconds: SECONDS,
          },
          ...{ track: 0, frameRate: 25 },
        },
        { rendition: { kind: 'audio', codec: 'mp4a.40.2' }, track: 1, channels: 1 },
      ],
    })
    expect(new Set(progress)).toEqual(new Set(['probing', 'indexing']))
    expect(await keys()).toEqual(['assets/a1/v1/index', 'assets/a1/v1/source.mp4'])
  })

  it('gets the same names again when it is published again, and others when a byte is another', async () => {
    const names = async (bytes: Buffer, version: number) => {
      await store.put(source, bytes)
      const outcome = await attempt({ version })
      return outcome.kind === 'packaged' ? outcome.renditions.map(({ rendition }) => rendition.name) : []
    }
    const bytes = await readFile(sample('whole.mp4'))
    const first = await names(bytes, 1)
    expect(first).toEqual([
      expect.stringMatching(/^video-[0-9a-f]{10}$/),
      expect.stringMatching(/^audio-[0-9a-f]{10}$/),
    ])
    expect(await names(bytes, 2)).toEqual(first)
    bytes[100] = (bytes[100] ?? 0) ^ 1
    const other = await names(bytes, 3)
    expect(other).not.toContain(first[0])
    expect(other).not.toContain(first[1])
  })

  it('is published by the next attempt when one was killed after it had moved the upload', async () => {
    await store.put(objectKey('assets/a1/v1/source.mp4'), await readFile(sample('whole.mp4')))
    expect(await attempt()).toMatchObject({ kind: 'packaged', how: 'in-place' })
    expect(await keys()).toEqual(['assets/a1/v1/index', 'assets/a1/v1/source.mp4'])
  })

  it('keeps its upload when storage fails in a way that may pass', async () => {
    await store.put(source, await readFile(sample('whole.mp4')))
    const whole = store
    store = { ...whole, move: () => Promise.reject(new Error('the network is down')) }
    await expect(attempt()).rejects.toThrow('the network is down')
    expect(await keys()).toEqual(['uploads/p1'])
    store = whole
    expect(await attempt()).toMatchObject({ kind: 'packaged' })
  })
})

describe('a conversion', () => {
  it('that is aborted leaves the upload and nothing else', async () => {
    await store.put(source, await readFile(sample('long.avi')))
    const stop = new AbortController()
    const onProgress: PackageRequest['onProgress'] = ({ stage, fraction }) => {
      if (stage === 'encoding' && fraction > 0.03) stop.abort(new Error('the lease is lost'))
    }
    await expect(attempt({ signal: stop.signal, onProgress })).rejects.toThrow('the lease is lost')
    expect(await keys()).toEqual(['uploads/p1'])
    expect(await readdir(join(workDir, 'attempts'))).toEqual([])
  })

  it('reports how far it is, never backwards', async () => {
    await store.put(source, await readFile(sample('long.avi')))
    const fractions: number[] = []
    const outcome = await attempt({ onProgress: ({ fraction }) => fractions.push(fraction) })
    expect(outcome).toMatchObject({ kind: 'packaged', how: 'encode' })
    expect(fractions.length).toBeGreaterThan(3)
    expect([...fractions].sort((a, b) => a - b)).toEqual(fractions)
    expect(fractions.at(-1)).toBe(1)
    // The upload goes when the result is visible, which is not this room's to decide.
    expect(await keys()).toEqual(['assets/a1/v1/index', 'assets/a1/v1/media.mp4', 'uploads/p1'])
  })

  it('starts afresh where a killed attempt left its files', async () => {
    const left = join(workDir, 'attempts', 'job0-1')
    await mkdir(left, { recursive: true })
    await writeFile(join(left, 'media.mp4'), 'half')
    await store.put(source, await readFile(sample('whole.mkv')))
    expect(await attempt()).toMatchObject({ kind: 'packaged', how: 'remux' })
    expect(await readdir(join(workDir, 'attempts'))).toEqual([])
  })

  it('reads a file of the filesystem where it lies', async () => {
    store = await openStore({ kind: 'filesystem', folder: join(workDir, 'storage') })
    await store.put(source, await readFile(sample('whole.mkv')))
    expect(await attempt()).toMatchObject({ kind: 'packaged', how: 'remux', media: 'assets/a1/v1/media.mp4' })
  })
})

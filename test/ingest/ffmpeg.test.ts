import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { ingestUnderTest, until, type IngestUnderTest, type UnderTestOptions } from './ingest-under-test.ts'

let folder: string
let tls: { certificateFile: string; keyFile: string }
const running: IngestUnderTest[] = []

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-ingest-'))
  tls = await makeCertificate(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ ingest }) => ingest.close()))
})

async function start(options: UnderTestOptions = {}): Promise<IngestUnderTest> {
  const underTest = await ingestUnderTest(options)
  running.push(underTest)
  return underTest
}

/** Publishes two seconds of a test picture and a tone, as fast as it may. */
async function ffmpeg(url: string, ...output: string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn('ffmpeg', [
    ...[
      '-v',
      'warning',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=320x180:rate=30',
      '-f',
      'lavfi',
      '-i',
      'sine=sample_rate=48000',
    ],
    ...[
      '-t',
      '2',
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-g',
      '30',
      '-c:a',
      'aac',
      ...output,
      '-f',
      'flv',
      '-flvflags',
      'no_duration_filesize',
      url,
    ],
  ])
  let stderr = ''
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, stderr }
}

test('ffmpeg publishes, every frame arrives, and its end is an end', async () => {
  const underTest = await start()
  const { code, stderr } = await ffmpeg(
    `rtmp://127.0.0.1:${underTest.port}/live/stage?Signature=abc~d_e-f&Expires=1`,
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [taken] = underTest.taken
  await until(() => taken!.ends.length > 0, 'the end')
  const { path, query, scheme, authority, address, encoder } = taken!.request
  expect({ path, query, scheme, authority, address }).toEqual({
    path: '/live/stage',
    query: 'Signature=abc~d_e-f&Expires=1',
    scheme: 'rtmp',
    authority: `127.0.0.1:${underTest.port}`,
    address: '127.0.0.1',
  })
  expect(encoder).toMatch(/^FMLE\/3\.0 \(compatible; Lavf/)
  expect(taken!.ends).toEqual(['unpublished'])
  const count = (type: string) => taken!.tags.filter(tag => tag.type === type).length
  // Sixty frames, their configuration and ffmpeg's end of sequence.
  expect(count('video')).toBe(62)
  expect(count('audio')).toBeGreaterThanOrEqual(94)
  expect(count('script')).toBeGreaterThanOrEqual(1)
  expect(Buffer.from(taken!.tags[0]!.data.subarray(0, 13)).toString('latin1')).toBe('\x02\0\x0aonMetaData')
})

test.each([
  ['two slashes', 'members/live/stage?a=1', [], '/members/live/stage', 'a=1'],
  ['more slashes', 'a/b/c/stage?a=1', [], '/a/b/c/stage', 'a=1'],
  // What OBS sends for Server rtmp://h/members/live?Policy=x and Stream Key stage.
  [
    'OBS, signature in the server',
    '',
    ['-rtmp_app', 'members/live?Policy=x~&Key-Pair-Id=K', '-rtmp_playpath', 'stage'],
    '/members/live/stage',
    'Policy=x~&Key-Pair-Id=K',
  ],
  [
    'OBS, signature in the key',
    '',
    ['-rtmp_app', 'members/live', '-rtmp_playpath', 'stage?Policy=x~'],
    '/members/live/stage',
    'Policy=x~',
  ],
  [
    'OBS, a key of two segments',
    '',
    ['-rtmp_app', 'members', '-rtmp_playpath', 'live/stage?Policy=x~'],
    '/members/live/stage',
    'Policy=x~',
  ],
])('ffmpeg publishes to the channel with %s', async (_, url, flags, path, query) => {
  const underTest = await start()
  const { code } = await ffmpeg(`rtmp://127.0.0.1:${underTest.port}/${url}`, ...flags)
  expect(code).toBe(0)
  expect(underTest.requests.map(request => [request.path, request.query])).toEqual([[path, query]])
})

test('ffmpeg publishes over TLS', async () => {
  const underTest = await start({ tls })
  const { code } = await ffmpeg(`rtmps://127.0.0.1:${underTest.port}/live/stage`)
  expect(code).toBe(0)
  const [taken] = underTest.taken
  await until(() => taken!.ends.length > 0, 'the end')
  expect(taken!.request).toMatchObject({ path: '/live/stage', scheme: 'rtmps' })
  expect(taken!.ends).toEqual(['unpublished'])
  expect(taken!.tags.filter(({ type }) => type === 'video')).toHaveLength(62)
})

test('a refused ffmpeg prints the reason and sends no media', async () => {
  const underTest = await start()
  const { code, stderr } = await ffmpeg(`rtmp://127.0.0.1:${underTest.port}/live/refused?Signature=abc`)
  expect(code).not.toBe(0)
  expect(stderr).toContain('Server error: bad-signature: the signature does not fit')
  expect(underTest.requests).toHaveLength(1)
  expect(underTest.taken).toEqual([])
})

test('ffmpeg cannot play, and hears that', async () => {
  const underTest = await start()
  const { code, stderr } = await play(underTest.port)
  expect(code).not.toBe(0)
  expect(stderr).toContain('no-play: ')
  expect(underTest.requests).toEqual([])
})

async function play(port: number): Promise<{ code: number | null; stderr: string }> {
  const child = spawn('ffmpeg', [
    '-v',
    'info',
    '-i',
    `rtmp://127.0.0.1:${port}/live/stage`,
    '-f',
    'null',
    '-',
  ])
  let stderr = ''
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, stderr }
}

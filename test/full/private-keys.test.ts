import { execFile, execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { after, codeOf, systemClock } from '../../src/core/index.ts'
import { createSigner, signCookies, signPublish, type Signer } from '../../src/signing/index.ts'
import {
  cli,
  COMMAND,
  cleanEnvironment,
  makeFilm,
  startSluice,
  temporaryFolder,
  until,
  type Sluice,
} from '../e2e/sluice.ts'
import { encode, mediaUrls } from '../e2e/live.ts'
import { kill, LIVE_ROLES, whole } from '../e2e/roles.ts'

// Each private key is swapped for a named pipe: whoever opens one to read waits there until somebody writes, and its
// end for writing opens without waiting only when somebody is reading (fifo(7)).

let folder: string
let data: string
let sluice: Sluice
let signer: Signer
/** The pipes, and what stood in the files whose names they have. */
let pipes: { file: string; pem: string }[] = []

beforeAll(async () => {
  folder = temporaryFolder('private-keys')
  data = path.join(folder, 'data')
  await makeFilm(path.join(folder, 'film.mp4'), 4)
  sluice = await startSluice({ data })
  const second = await sluice.cli('keys', 'create', 'second', '--type', 'rsa2048')
  expect(second.code).toBe(0)
  const keys = path.join(data, 'keys')
  pipes = readdirSync(keys).map(name => {
    const file = path.join(keys, name)
    const pem = readFileSync(file, 'utf8')
    renameSync(file, path.join(folder, name))
    execFileSync('mkfifo', ['-m', '600', file])
    return { file, pem }
  })
  expect(pipes).toHaveLength(2)
  const { file, pem } = pipes[0] ?? { file: '', pem: '' }
  signer = createSigner(pem, path.basename(file, '.pem'))
}, 120_000)

afterAll(async () => {
  await sluice?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** The pipes that somebody waits at. */
function waitedAt(): string[] {
  return pipes.map(({ file }) => file).filter(file => writerOf(file, closeSync) !== undefined)
}

/** Opens the end for writing; undefined when nobody reads. */
function writerOf(file: string, use: (descriptor: number) => void): true | undefined {
  try {
    use(openSync(file, constants.O_WRONLY | constants.O_NONBLOCK))
    return true
  } catch (error) {
    if (codeOf(error) === 'ENXIO') return undefined
    throw error
  }
}

afterEach(() => {
  expect(waitedAt()).toEqual([])
})

const inAnHour = (): ReturnType<typeof after> => after(systemClock.now(), 3_600_000)

async function watch(at: string): Promise<number> {
  const cookies = signCookies(signer, { resource: `*://*${path.posix.dirname(at)}/*`, expires: inAnHour() })
  const cookie = Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
  return (await fetch(`${sluice.ready.http}${at}`, { headers: { cookie } })).status
}

test('no role opens a private key to publish, to let viewers in, or to follow changes', async () => {
  // From elsewhere: with the keys at hand the command signs a URL to open.
  const { token } = JSON.parse(readFileSync(path.join(data, 'client.json'), 'utf8')) as { token: string } // as `up` writes it
  const elsewhere = {
    SLUICE_CONTROL: sluice.ready.control,
    SLUICE_TOKEN: token,
    SLUICE_DATA: path.join(folder, 'none'),
  }
  expect((await cli(['publish', path.join(folder, 'film.mp4'), '/members/talk'], elsewhere)).code).toBe(0)
  expect(await watch('/members/talk/index.m3u8')).toBe(200)
  expect((await fetch(`${sluice.ready.http}/members/talk/index.m3u8`)).status).toBe(403)
  expect((await sluice.cli('keys', 'group', 'default', '--sha1', 'refuse')).code).toBe(0)
  expect((await sluice.cli('keys', 'list')).code).toBe(0)
  expect(await watch('/members/talk/index.m3u8')).toBe(200)
}, 60_000)

test('nor for a broadcast', async () => {
  expect((await sluice.cli('live', 'create', '/live/stage')).code).toBe(0)
  const { url } = signPublish(signer, new URL(sluice.ready.rtmp ?? '').host, '/live/stage', {
    expires: inAnHour(),
  })
  const encoder = encode(url)
  await mediaUrls(`${sluice.ready.http}/live/stage`)
  await encoder.stop()
}, 60_000)

test('nor when it starts, alone or with all others', async () => {
  for (const role of LIVE_ROLES) await kill(sluice, role)
  await whole(sluice)
  expect(await watch('/members/talk/index.m3u8')).toBe(200)
  expect(waitedAt()).toEqual([])
  expect(await sluice.close()).toBe(0)
  sluice = await startSluice({ data })
  expect(await watch('/members/talk/index.m3u8')).toBe(200)
}, 90_000)

test('the command line does, so that the pipes would have told', async () => {
  const { file, pem } = pipes[0] ?? { file: '', pem: '' }
  const args = [COMMAND, 'sign', 'url', '/members/talk/a', '--key', signer.keyId, '--json']
  const signing = promisify(execFile)(process.execPath, args, {
    env: cleanEnvironment({ SLUICE_DATA: data }),
  })
  await until('the command reads its key', () =>
    Promise.resolve(
      writerOf(file, descriptor => {
        writeSync(descriptor, pem)
        closeSync(descriptor)
      }),
    ),
  )
  expect((await signing).stdout).toContain(`Key-Pair-Id=${signer.keyId}`)
}, 30_000)

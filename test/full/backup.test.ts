// needs: rsync [rsync]
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

let folder: string
let sluice: Sluice
let backup: string
let mediaCommand: string
/** Signed before the backup was made, with the key of then: a path that opens by itself, and cookies. */
let signed: string
let cookies: Record<string, string>

const PATH = '/members/talk'
const ISSUER = { name: 'site', issuer: 'https://issuer.example/', jwksUrl: 'https://issuer.example/keys' }

interface Written {
  file: string
  rows: number
  files: number
  media: { objects: number; command: string }
}

/** What the server behind the second distribution gives for a day. */
let text = 'of before the backup'
let site: Server

const ARGS = ['--allow-origin', '127.0.0.0/8', '--trusted-proxies', '127.0.0.0/8']

const place = (name: string): string => path.join(folder, name)

async function publish(film: string): Promise<void> {
  const published = await sluice.cli('publish', film, PATH)
  expect(published.code, published.stderr).toBe(0)
}

beforeAll(async () => {
  folder = temporaryFolder('backup')
  site = createServer((_request, response) => {
    response.setHeader('cache-control', 'max-age=86400')
    response.end(text)
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  await makeFilm(place('one.mp4'), 2)
  sluice = await startSluice({ data: place('first'), args: ARGS })
  await publish(place('one.mp4'))
  for (const words of [
    ['live', 'create', '/live/stage'],
    ['keys', 'create', 'second'],
    ['distribution', 'create', '--origin', `http://127.0.0.1:${(site.address() as AddressInfo).port}`],
    [
      'issuers',
      'create',
      ISSUER.name,
      '--issuer',
      ISSUER.issuer,
      '--audience',
      'us',
      '--jwks',
      ISSUER.jwksUrl,
    ],
    ['invalidate', '/a/*'],
  ]) {
    const done = await sluice.cli(...words)
    expect(done.code, `${words.join(' ')}: ${done.stderr}`).toBe(0)
  }
  const token = await sluice.cli<{ url: string }>('sign', 'path', PATH)
  signed = new URL(token.json.url).pathname
  cookies = (await sluice.cli<Record<string, string>>('sign', 'cookies', PATH)).json
  const made = await sluice.cli<Written>('backup', place('backup.gz'))
  expect(made.code, made.stderr).toBe(0)
  backup = made.json.file
  mediaCommand = made.json.media.command
  copyMedia(mediaCommand, place('media'))
}, 120_000)

afterAll(async () => {
  await sluice?.close()
  site?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** As somebody does who reads the command and fills in where to. */
function copyMedia(command: string, elsewhere: string): void {
  execFileSync('sh', ['-c', command.replace('ELSEWHERE', elsewhere)])
}

/** What plays at a path that was signed before the backup. */
async function playlist({ ready }: Sluice): Promise<string> {
  const answer = await fetch(`${ready.http}${signed}`)
  expect(answer.status).toBe(200)
  return answer.text()
}

async function listsOf(of: Sluice): Promise<unknown[]> {
  const words = [
    ['assets'],
    ['live'],
    ['keys', 'list'],
    ['issuers', 'list'],
    ['distribution', 'list'],
    ['tokens', 'list'],
  ]
  return Promise.all(words.map(async each => (await of.cli(...each)).json))
}

/** Files below a folder that hold a text. */
function filesWith(folder: string, wanted: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .filter(entry => readFileSync(path.join(entry.parentPath, entry.name)).includes(wanted)).length
}

test('of a Sluice that runs is for its user alone, and restored elsewhere it is that Sluice again', async () => {
  expect(statSync(backup).mode & 0o777).toBe(0o600)
  const [was, lists] = [await playlist(sluice), await listsOf(sluice)]
  const { token } = clientFile(sluice.data)
  const data = place('second')
  const restored = await cli<Written & { media: { missing: number } }>(['restore', backup, '--data', data])
  expect(restored.code, restored.stderr).toBe(0)
  expect(restored.json.media.missing).toBe(restored.json.media.objects)
  copyMedia(restored.json.media.command, place('media'))
  const second = await startSluice({ data, args: ARGS })
  try {
    expect(await listsOf(second)).toEqual(lists)
    expect(await playlist(second)).toBe(was)
    const cookie = Object.entries(cookies).map(([name, value]) => `${name}=${value}`)
    const open = await fetch(`${second.ready.http}${PATH}/index.m3u8`, {
      headers: { cookie: cookie.join('; ') },
    })
    expect([open.status, await open.text()]).toEqual([200, was])
    expect((await fetch(`${second.ready.http}${PATH}/index.m3u8`)).status).toBe(403)
    expect(clientFile(data).token).toBe(token)
    const again = await second.cli<{ url: string }>('sign', 'path', PATH)
    expect((await fetch(`${second.ready.http}${new URL(again.json.url).pathname}`)).status).toBe(200)
    // Its folder is in use.
    expect(await cli(['restore', backup, '--data', data])).toMatchObject({
      code: 4,
      json: { error: { code: 'data-folder-in-use' } },
    })
  } finally {
    await second.close()
  }
}, 120_000)

test('on the folder that it is of, viewers get nothing that was stored after the backup', async () => {
  const song = async (): Promise<string> => {
    const [, own] = (await sluice.cli<{ domain: string }[]>('distribution', 'list')).json
    const headers = { 'x-forwarded-host': own?.domain ?? '' }
    return (await fetch(`${sluice.ready.http}/song`, { headers })).text()
  }
  for (const name of ['/b', '/c', '/song']) await sluice.cli('invalidate', name)
  text = 'of after the backup'
  // The edge keeps it, on its disk as well, under a number that the backup does not know.
  expect(await song()).toBe(text)
  const cache = path.join(sluice.data, 'edge', 'cache')
  await until('it is on the disk', () => Promise.resolve(filesWith(cache, text) > 0 || undefined))
  await sluice.close()
  const { data } = sluice
  expect(await cli(['restore', backup, '--data', data])).toMatchObject({
    code: 4,
    json: { error: { code: 'database-not-empty' } },
  })
  renameSync(path.join(data, 'control', 'db'), place('lost'))
  const restored = await cli<Written & { media: { missing: number } }>(['restore', backup, '--data', data])
  expect([restored.code, restored.json.media.missing]).toEqual([0, 0])
  text = 'another'
  sluice = await startSluice({ data, args: ARGS })
  expect(await song()).toBe('another')
  expect(await playlist(sluice)).toContain('#EXTM3U')
}, 120_000)

test('a restore that is killed is refused by the next start, and can be done again', async () => {
  const data = place('killed')
  const args = [COMMAND, 'restore', backup, '--data', data]
  const child = spawn(process.execPath, args, { env: cleanEnvironment(), stdio: 'ignore' })
  const ended = new Promise(resolve => child.once('exit', resolve))
  await until('it has a database', () =>
    Promise.resolve(existsSync(path.join(data, 'control', 'db')) || undefined),
  )
  child.kill('SIGKILL')
  await ended
  const again = await cli(['restore', backup, '--data', data])
  expect(again.code, again.stderr).toBe(0)
}, 60_000)

function clientFile(data: string): { token: string } {
  return JSON.parse(readFileSync(path.join(data, 'client.json'), 'utf8')) as { token: string } // our own file
}

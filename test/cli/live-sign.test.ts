import { generateKeyPairSync } from 'node:crypto'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { instant, type KeyId } from '../../src/core/index.ts'
import { LONGEST_STREAM, trustedKeys } from '../../src/signing/index.ts'
import { arriving, verdictOf } from '../signing/edge.ts'
import { NOW, sluice, stubControl, workFolder, type Ran, type Routes } from './stub-control.ts'

const CHANNEL = { path: '/live/stage', state: 'idle', keyGroup: 'default', broadcast: null }
const NOT_FOUND = { status: 404, body: { error: { code: 'not-found', message: 'Nothing is there.' } } }

const ROUTES: Routes = {
  'GET /v1/channels/at': ({ url }) => {
    const path = url.searchParams.get('path')
    if (path === '/live/stage') return { body: CHANNEL }
    return path === '/live/a/b/studio' ? { body: { ...CHANNEL, path, keyGroup: 'studios' } } : NOT_FOUND
  },
  'GET /v1/key-groups': {
    body: {
      keyGroups: [
        { id: 'kg-1', name: 'default', keys: ['KOLD', 'KNEW'], sha1: 'accept' },
        { id: 'kg-2', name: 'studios', keys: ['KSTUDIO'], sha1: 'accept' },
      ],
    },
  },
}

function pemPair(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

async function place(urls: Record<string, string | undefined> = {}, routes: Routes = ROUTES) {
  const stub = await stubControl(routes)
  const cwd = workFolder(stub, urls)
  const pems = new Map<string, string>()
  for (const [id, age] of [
    ['KOLD', 3],
    ['KNEW', 2],
    ['KSTUDIO', 1],
    ['KSTRANGER', 0],
  ] as const) {
    const pair = pemPair()
    const file = join(cwd, '.sluice', 'keys', `${id}.pem`)
    writeFileSync(file, pair.privateKey, { mode: 0o600 })
    utimesSync(file, NOW / 1000 - age, NOW / 1000 - age)
    pems.set(id, pair.publicKey)
  }
  return { cwd, pems, stub }
}

interface Signed {
  server: string
  streamKey: string
  url: string
  expires: string
}

function signed(ran: Ran): Signed {
  expect(ran.code, ran.stderr).toBe(0)
  const value = ran.json as Signed // compared below
  expect(Object.keys(value)).toEqual(['server', 'streamKey', 'url', 'expires'])
  expect(value.url).toBe(`${value.server}/${value.streamKey}`)
  return value
}

/** What a gateway says to a URL that an encoder uses. */
function gateway(url: string, pems: Map<string, string>, at = NOW): string {
  const keys = [...pems].map(([id, pem]) => ({ id: id as KeyId, type: 'p256' as const, pem })) // ids of tests
  const trusted = trustedKeys([{ sha1: 'refuse', keys }])
  const verdict = verdictOf(arriving(url, { action: 'publish' }), trusted, instant(at))
  if (verdict.kind === 'allowed') return verdict.keyId
  return verdict.kind === 'refused' ? verdict.reason : verdict.kind
}

const HOUR = 3_600_000

test('live sign prints server, stream key, the whole URL and until when it is good', async () => {
  const { cwd, pems } = await place()
  const { server, streamKey, url, expires } = signed(
    await sluice(cwd, ['live', 'sign', 'live/stage', '--json']),
  )
  expect([server, expires]).toEqual(['rtmp://127.0.0.1:1935/live', '2026-11-22T12:00:00Z'])
  expect(streamKey).toMatch(
    /^stage\?Policy=[\w~-]+&Signature=[\w~-]+&Key-Pair-Id=KNEW&Hash-Algorithm=SHA256$/,
  )
  expect(gateway(url, pems)).toBe('KNEW')
  expect(gateway(url, pems, NOW + 12 * HOUR - 1000)).toBe('KNEW')
  expect(gateway(url, pems, NOW + 12 * HOUR)).toBe('expired')
})

test('the grant is for that channel, for publishing, by RTMP or RTMPS at any host, and for nothing else', async () => {
  const { cwd, pems } = await place()
  const { url } = signed(await sluice(cwd, ['live', 'sign', '/live/stage', '--ttl', '1h', '--json']))
  const query = url.slice(url.indexOf('?'))
  expect(gateway(`rtmps://media.example.com:1936/live/stage${query}`, pems)).toBe('KNEW')
  expect(gateway(`rtmp://192.0.2.7/live/stage${query}`, pems)).toBe('KNEW')
  expect(gateway(`rtmp://127.0.0.1:1935/live/stage2${query}`, pems)).toBe('wrong-resource')
  expect(gateway(`rtmp://127.0.0.1:1935/live${query}`, pems)).toBe('wrong-resource')
  expect(gateway(`http://127.0.0.1:8080/live/stage${query}`, pems)).toBe('wrong-resource')
  expect(gateway(`rtmp://127.0.0.1:1935/live/stage${query}`, pems, NOW + HOUR)).toBe('expired')
})

test('a longer path leaves its last segment to the stream key, and the key is of the channel’s group', async () => {
  const { cwd, pems } = await place()
  const { server, streamKey, url } = signed(await sluice(cwd, ['live', 'sign', '/live/a/b/studio', '--json']))
  expect([server, streamKey.split('?')[0]]).toEqual(['rtmp://127.0.0.1:1935/live/a/b', 'studio'])
  expect(gateway(url, pems)).toBe('KSTUDIO')
})

test.each<[string, Record<string, string | undefined>, string[], string]>([
  ['the client file', { rtmp: 'rtmp://192.0.2.7:2935' }, [], 'rtmp://192.0.2.7:2935/live'],
  ['a name of this machine', { rtmp: 'rtmp://e1.cdn.localhost:2935' }, [], 'rtmp://127.0.0.1:2935/live'],
  ['all interfaces', { rtmp: 'rtmp://[::]:2935' }, [], 'rtmp://127.0.0.1:2935/live'],
  ['control’s host', { rtmp: undefined, rtmps: undefined }, [], 'rtmp://127.0.0.1:1935/live'],
  ['--host', {}, ['--host', 'Media.example.com'], 'rtmp://media.example.com:1935/live'],
  [
    '--host and the real port',
    { rtmp: 'rtmp://h:2935' },
    ['--host', '192.0.2.9'],
    'rtmp://192.0.2.9:2935/live',
  ],
  ['--host with a port', {}, ['--host', 'media.example.com:80'], 'rtmp://media.example.com:80/live'],
  ['--host with IPv6', {}, ['--host', '[2001:db8::7]'], 'rtmp://[2001:db8::7]:1935/live'],
])('the server is that of %s', async (_what, urls, flags, server) => {
  const { cwd, pems } = await place(urls)
  const value = signed(await sluice(cwd, ['live', 'sign', '/live/stage', ...flags, '--json']))
  expect(value.server).toBe(server)
  expect(gateway(value.url, pems)).toBe('KNEW')
  const query = value.url.slice(value.url.indexOf('?'))
  const elsewhere = gateway(`rtmp://elsewhere.example/live/stage${query}`, pems)
  expect(elsewhere).toBe(flags.length > 0 ? 'wrong-resource' : 'KNEW')
})

test('people get lines to paste, and an example', async () => {
  const { cwd } = await place()
  const { stdout, stderr } = await sluice(cwd, ['live', 'sign', '/live/stage'])
  const key = /Stream Key {2}(.*)/.exec(stdout)?.[1]
  expect(stdout).toBe(
    [
      'OBS: Settings → Stream, Service "Custom…"',
      '  Server      rtmp://127.0.0.1:1935/live',
      '  Server      rtmps://127.0.0.1:1936/live   (encrypted, with the same Stream Key)',
      `  Stream Key  ${key}`,
      'ffmpeg:',
      `  ffmpeg -re -i FILM.mp4 -c copy -f flv 'rtmp://127.0.0.1:1935/live/${key}'`,
      '',
    ].join('\n'),
  )
  expect(stderr).toBe('good for /live/stage until 2026-11-22T12:00:00Z; whoever has it can publish there\n')
})

test('a channel that does not exist is told with what makes it', async () => {
  const { cwd } = await place()
  expect(await sluice(cwd, ['live', 'sign', '/live/none', '--json'])).toMatchObject({
    code: 3,
    json: {
      error: {
        code: 'no-channel',
        message: 'There is no channel /live/none: make it with "sluice live create /live/none".',
      },
    },
  })
  const file = join(cwd, '.sluice', 'keys', 'KNEW.pem')
  expect((await sluice(cwd, ['live', 'sign', '/live/none', '--key-file', file, '--json'])).code).toBe(3)
})

test('a key that the channel does not trust signs when it is named, with a warning', async () => {
  const { cwd } = await place()
  const ran = await sluice(cwd, ['live', 'sign', '/live/stage', '--key', 'KSTRANGER', '--json'])
  expect(signed(ran).streamKey).toContain('Key-Pair-Id=KSTRANGER')
  expect(ran.stderr).toContain(
    'warning: the key KSTRANGER is not in the key group "default" of /live/stage, so encoders will be refused with it.',
  )
})

test('control away: the newest key of the data folder signs, and a warning says what is not known', async () => {
  const { cwd, pems } = await place({ url: 'http://127.0.0.1:9' })
  const ran = await sluice(cwd, ['live', 'sign', '/live/stage', '--json'])
  expect(gateway(signed(ran).url, pems)).toBe('KSTRANGER')
  expect(ran.stderr).toContain(
    'warning: whether the channel /live/stage exists is not known: nothing answers',
  )
})

test('no server at all: a key file signs, and the host is to be named', async () => {
  const cwd = workFolder()
  const { privateKey, publicKey } = pemPair()
  writeFileSync(join(cwd, 'KFILE.pem'), privateKey)
  const sign = ['live', 'sign', '/live/stage', '--key-file', 'KFILE.pem', '--json']
  const guessed = await sluice(cwd, sign)
  expect(signed(guessed).server).toBe('rtmp://127.0.0.1:1935/live')
  expect(guessed.stderr).toContain('name the host with --host')
  const named = await sluice(cwd, [...sign, '--host', 'media.example.com'])
  expect(signed(named).server).toBe('rtmp://media.example.com:1935/live')
  expect(named.stderr).not.toContain('warning')
  expect(gateway(signed(named).url, new Map([['KFILE', publicKey]]))).toBe('KFILE')
})

test('what encoders would cut is refused, and a long path fits with P-256', async () => {
  const stem = `/live/${'x'.repeat(120)}/${'y'.repeat(120)}`
  const cwd = workFolder()
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  writeFileSync(join(cwd, 'KRSA.pem'), rsa.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(join(cwd, 'KEC.pem'), pemPair().privateKey)
  const sign = (file: string) => sluice(cwd, ['live', 'sign', stem, '--key-file', file, '--json'])
  expect(await sign('KRSA.pem')).toMatchObject({ code: 2, json: { error: { code: 'too-long' } } })
  const { url } = signed(await sign('KEC.pem'))
  expect(new URL(url).pathname.length + new URL(url).search.length).toBeLessThanOrEqual(LONGEST_STREAM)
})

test.each([
  [['/live/stage', '--ttl', '12'], 2, 'bad-ttl'],
  [['/stage'], 2, 'bad-path'],
  [['/live/../stage'], 2, 'bad-path'],
  [['/live/stage', '--host', 'rtmp://h'], 2, 'bad-host'],
  [['/live/stage', '--host', '*'], 2, 'bad-host'],
  [['/live/stage', '--host', '2001:db8::7'], 2, 'bad-host'],
  [['/live/stage', '--key', 'KNONE'], 3, 'no-key'],
  [['/live/stage', '--key-file', 'none.pem', '--key', 'KX'], 3, 'no-key'],
])('live sign %j ends with %i', async (argv, code, reason) => {
  const { cwd } = await place()
  expect(await sluice(cwd, ['live', 'sign', ...argv, '--json'])).toMatchObject({
    code,
    json: { error: { code: reason } },
  })
})

test('without a trusted key here, the sentence names the group to make one in', async () => {
  const groups = { keyGroups: [{ id: 'kg-2', name: 'studios', keys: [], sha1: 'accept' }] }
  const { cwd } = await place({}, { ...ROUTES, 'GET /v1/key-groups': { body: groups } })
  const ran = await sluice(cwd, ['live', 'sign', '/live/a/b/studio', '--json'])
  expect(ran).toMatchObject({ code: 1, json: { error: { code: 'no-key' } } })
  expect(ran.stderr).toContain('sluice keys create NAME --group studios')
})

test('sign cookies of a channel opens all of it', async () => {
  const routes: Routes = { ...ROUTES, 'GET /v1/distributions': { body: { distributions: [] } } }
  const { cwd } = await place({}, routes)
  const ran = await sluice(cwd, ['sign', 'cookies', '/live/stage', '--key', 'KNEW', '--json'])
  expect([ran.code, ran.stderr]).toEqual([0, 'opens *://*/live/stage/* until 2026-11-22T06:00:00Z\n'])
})

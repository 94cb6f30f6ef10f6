import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { printConfiguration, resolveConfiguration } from '../../src/app/configuration.ts'
import { storageOptions, tryStorage } from '../../src/app/storage.ts'
import { systemClock } from '../../src/core/index.ts'
import { S3Server } from '../contracts/s3-server.ts'
import { freshFolder } from './folder.ts'

const KEYS = { SLUICE_STORAGE_ACCESS_KEY_ID: 'AKOWNER', SLUICE_STORAGE_SECRET_ACCESS_KEY: 'owner/secret+' }

const resolved = (env: Record<string, string>) => resolveConfiguration({ env, cwd: freshFolder() })
const optionsOf = (env: Record<string, string>) =>
  storageOptions({ configuration: resolved(env).configuration, folder: '/data/storage', env })

test('media lies in the data folder, or in the bucket that is named', () => {
  expect(optionsOf({})).toEqual({ kind: 'filesystem', folder: '/data/storage' })
  const named = { kind: 's3', bucket: 'films', accessKeyId: 'AKOWNER', secretAccessKey: 'owner/secret+' }
  expect(optionsOf({ ...KEYS, SLUICE_STORAGE: 's3://films' })).toEqual({
    ...{ ...named, prefix: '', region: 'us-east-1', addressing: 'host' },
  })
  const elsewhere = {
    ...KEYS,
    SLUICE_STORAGE: 's3://films/a/media/',
    SLUICE_STORAGE_ENDPOINT: 'http://store:9000/',
  }
  expect(optionsOf({ ...elsewhere, SLUICE_STORAGE_REGION: 'eu-central-1' })).toEqual({
    ...{
      ...named,
      prefix: 'a/media/',
      endpoint: 'http://store:9000',
      region: 'eu-central-1',
      addressing: 'path',
    },
  })
  expect(optionsOf({ ...elsewhere, SLUICE_STORAGE_PATH_STYLE: 'no' })).toMatchObject({ addressing: 'host' })
  expect(
    optionsOf({ ...KEYS, SLUICE_STORAGE: 's3://films', SLUICE_STORAGE_PATH_STYLE: 'true' }),
  ).toMatchObject({
    addressing: 'path',
  })
})

test.each<[Record<string, string>, string]>([
  [{ SLUICE_STORAGE: 'films' }, 'write s3://BUCKET or s3://BUCKET/FOLDER, without keys'],
  [{ SLUICE_STORAGE: 's3://AKID:hush@films' }, 'SLUICE_STORAGE is something, which is not valid'],
  [{ SLUICE_STORAGE: 's3://films/../other' }, 'in the folder of the bucket'],
  [{ SLUICE_STORAGE_ENDPOINT: 'https://AKID:hush@store' }, 'without a path and without keys'],
  [{ SLUICE_STORAGE_ENDPOINT: 'https://store/path' }, 'without a path and without keys'],
  [{ SLUICE_STORAGE_ENDPOINT: 'https://store' }, 'storage.endpoint is set and storage.url is not'],
  [{ SLUICE_STORAGE_REGION: 'eu central' }, 'write a region such as eu-central-1'],
  [{ SLUICE_STORAGE_PATH_STYLE: 'maybe' }, 'use one of auto, yes, no'],
  [{ SLUICE_STORAGE: 's3://films' }, 'set SLUICE_STORAGE_ACCESS_KEY_ID and SLUICE_STORAGE_SECRET_ACCESS_KEY'],
])('%j is refused: %s', (env, sentence) => {
  expect(() => optionsOf(env)).toThrow(sentence)
  expect(() => optionsOf(env)).not.toThrow('hush')
})

test('the configuration that is printed has no key to the bucket', () => {
  const text = printConfiguration(resolved({ ...KEYS, SLUICE_STORAGE: 's3://films' }))
  expect(text).toContain('storage:\n  # ')
  expect(text).toContain('  url: "s3://films"\n')
  expect(text).not.toContain('owner/secret')
})

let double: S3Server
beforeAll(async () => {
  double = await S3Server.start()
})
beforeEach(() => {
  double.skewMs = 0
  double.conditions = true
  double.fault = () => undefined
  double.users = [
    { accessKeyId: 'AKOWNER', secretAccessKey: 'owner/secret+', may: ['films:read', 'films:write'] },
    { accessKeyId: 'AKREADER', secretAccessKey: 'reader', may: ['films:read'] },
  ]
  double.bucket('films')
})
afterAll(() => double.close())

const attempt = async (more: Record<string, string> = {}): Promise<string[]> => {
  const shown: string[] = []
  const env = {
    ...{ ...KEYS, SLUICE_STORAGE: 's3://films/media', SLUICE_STORAGE_ENDPOINT: double.url },
    ...{ SLUICE_STORAGE_REGION: 'eu-central-1', ...more },
  }
  await tryStorage(optionsOf(env), { now: systemClock.now(), show: line => shown.push(line) })
  return shown
}

test('a bucket that does all that is needed is taken without a word, and nothing is left in it', async () => {
  expect(await attempt()).toEqual([])
  expect([...double.buckets.get('films')!.objects]).toEqual([])
})

test('a store without conditional writes is taken for one origin', async () => {
  double.conditions = false
  expect(await attempt()).toEqual([
    'storage: the store of films does not obey conditional writes, so only one origin should use it',
  ])
})

test.each<[string, Record<string, string>, string]>([
  ['is not there', { SLUICE_STORAGE: 's3://others' }, 'There is no bucket others at http'],
  [
    'does not know the key',
    { SLUICE_STORAGE_ACCESS_KEY_ID: 'AKNOBODY' },
    'mend SLUICE_STORAGE_ACCESS_KEY_ID.',
  ],
  [
    'does not take the secret',
    { SLUICE_STORAGE_SECRET_ACCESS_KEY: 'no' },
    'mend SLUICE_STORAGE_SECRET_ACCESS_KEY.',
  ],
  [
    'may not be listed and written',
    { SLUICE_STORAGE_ACCESS_KEY_ID: 'AKREADER', SLUICE_STORAGE_SECRET_ACCESS_KEY: 'reader' },
    'refuses (AccessDenied): give the access key the rights',
  ],
  ['lies elsewhere', { SLUICE_STORAGE_REGION: 'us-east-1' }, 'set storage.region to eu-central-1.'],
  [
    'cannot be reached',
    { SLUICE_STORAGE_ENDPOINT: 'http://127.0.0.1:1' },
    'cannot be reached (ECONNREFUSED)',
  ],
])('a bucket that %s ends the start with one sentence', async (_what, env, sentence) => {
  await expect(attempt(env)).rejects.toThrow(sentence)
})

test('a clock that is off ends the start with one sentence', async () => {
  double.skewMs = 20 * 60_000
  await expect(attempt()).rejects.toThrow("their clocks differ: set this machine's clock.")
})

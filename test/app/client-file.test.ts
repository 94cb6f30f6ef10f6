import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { accessKeyOf, readClientFile, writeClientFile } from '../../src/app/client-file.ts'
import { freshFolder } from './folder.ts'

const URLS = { url: 'http://127.0.0.1:9000', http: 'http://127.0.0.1:8080' }
const OLD = { url: 'http://127.0.0.1:9', token: 'a-token-that-scripts-hold' }

test('the token and the access key outlive the ports', () => {
  const path = join(freshFolder(), 'client.json')
  const first = writeClientFile(path, OLD)
  const again = writeClientFile(path, URLS)
  expect(again).toEqual({ ...first, ...URLS })
  expect(readClientFile(path)).toEqual(again)
  expect(accessKeyOf(again)).toEqual({ id: first.accessKeyId, secret: first.secretAccessKey })
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('a file from before gets an access key and keeps its token', () => {
  const path = join(freshFolder(), 'client.json')
  writeFileSync(path, JSON.stringify(OLD))
  expect(accessKeyOf(OLD)).toBeUndefined()
  const written = writeClientFile(path, URLS)
  expect(written.token).toBe(OLD.token)
  expect(written.accessKeyId).toMatch(/^SLCE[A-Z2-7]{16}$/)
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(written)
})

// needs: initdb [postgresql]
// needs: postgres [postgresql]
// needs: setpriv [util-linux]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cli, startSluice, type Sluice } from '../e2e/sluice.ts'
import { startPostgres, type Postgres } from './postgres.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'backup-postgres-'))
let server: Postgres
let url: string

beforeAll(async () => {
  server = await startPostgres(folder)
  const client = new Client(server.url)
  await client.connect()
  await client.query('create database restored template template0')
  await client.end()
  url = server.url.replace(/\/postgres$/, '/restored')
}, 60_000)

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const place = (name: string): string => path.join(folder, name)

async function withSluice<T>(
  name: string,
  env: Record<string, string>,
  work: (sluice: Sluice) => Promise<T>,
): Promise<T> {
  const sluice = await startSluice({ data: place(name), env })
  try {
    return await work(sluice)
  } finally {
    await sluice.close()
  }
}

async function backUp(sluice: Sluice, file: string): Promise<unknown[]> {
  const made = await sluice.cli('backup', place(file))
  expect(made.code, made.stderr).toBe(0)
  const words = [['live'], ['keys', 'list'], ['distribution', 'list'], ['tokens', 'list']]
  return Promise.all(words.map(async each => (await sluice.cli(...each)).json))
}

async function restore(file: string, name: string, env: Record<string, string>): Promise<void> {
  const done = await cli(['restore', place(file), '--data', place(name)], env)
  expect(done.code, done.stderr).toBe(0)
}

test('the embedded database goes to a server, and back', async () => {
  const first = await withSluice('embedded', {}, async sluice => {
    await sluice.cli('live', 'create', '/live/stage')
    await sluice.cli('tokens', 'create', 'of "a" script', '--scope', 'publish')
    return backUp(sluice, 'one.gz')
  })
  const env = { DATABASE_URL: url }
  await restore('one.gz', 'served', env)
  expect(await cli(['restore', place('one.gz'), '--data', place('other')], env)).toMatchObject({
    code: 4,
    json: { error: { code: 'database-not-empty' } },
  })
  const second = await withSluice('served', env, sluice => backUp(sluice, 'two.gz'))
  expect(second).toEqual(first)
  await restore('two.gz', 'again', {})
  expect(await withSluice('again', {}, sluice => backUp(sluice, 'three.gz'))).toEqual(first)
}, 180_000)

import { createHash } from 'node:crypto'
import { Client } from 'pg'
import type { Engine } from '../../src/control/database/engine.ts'
import { openPglite } from '../../src/control/database/pglite.ts'
import { openPostgres } from '../../src/control/database/postgres.ts'
import { copyEmptyDatabase } from './empty-database.ts'

/** The URL of a PostgreSQL server on which to run instead of PGlite; test/full sets it. */
export function serverUnderTest(): string | undefined {
  return process.env['SLUICE_TEST_POSTGRES']
}

/** An empty database for a control whose data folder this is. */
export async function makeEmptyDatabase(dataDir: string): Promise<void> {
  const server = serverUnderTest()
  if (server === undefined) return copyEmptyDatabase(dataDir)
  const client = new Client(server)
  await client.connect()
  await client.query(`create database ${nameOf(dataDir)} template template0`)
  await client.end()
}

/** What control is told of it. */
export function databaseUrlOf(dataDir: string): string | undefined {
  const server = serverUnderTest()
  if (server === undefined) return undefined
  const url = new URL(server)
  url.pathname = `/${nameOf(dataDir)}`
  return url.href
}

/** Under control's feet, while no control has it open. */
export function openEngine(dataDir: string): Promise<Engine> {
  const url = databaseUrlOf(dataDir)
  return url === undefined ? openPglite(dataDir) : openPostgres(url, { pulse: 1_000, onError: () => {} })
}

function nameOf(dataDir: string): string {
  return `t${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`
}

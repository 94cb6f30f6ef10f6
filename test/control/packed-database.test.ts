import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packedDatabase, unpackDatabase } from '../../src/control/database/empty-database.ts'
import { openPglite } from '../../src/control/database/pglite.ts'

/** What the build has put beside the built code. */
const PACKED = packedDatabase().replace('/src/', '/dist/')

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-database-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the empty database of the build', () => {
  it('is where a first start begins, with nothing in it and for its user alone', async () => {
    const dataDir = join(folder, 'data')
    const engine = await openPglite(dataDir, PACKED)
    try {
      const { rows } = await engine.executeSql(`select nspname as name from pg_namespace order by 1`)
      expect(rows.map(({ name }) => name)).toEqual(['information_schema', 'pg_catalog', 'pg_toast', 'public'])
      const things = await engine.executeSql(
        `select relname from pg_class where relnamespace = 'public'::regnamespace`,
      )
      expect(things.rows).toEqual([])
    } finally {
      await engine.close()
    }
    expect(readdirSync(dataDir)).toEqual(['db'])
    expect((await stat(join(dataDir, 'db'))).mode & 0o777).toBe(0o700)
    expect((await stat(join(dataDir, 'db/global/pg_control'))).mode & 0o777).toBe(0o600)
  })

  const whole = (): Buffer => readFileSync(PACKED)
  const unpacked = (): Buffer => gunzipSync(whole())
  const CASES: [string, () => Buffer][] = [
    ['torn', () => whole().subarray(0, -1000)],
    ['empty', () => Buffer.alloc(0)],
    ['not packed', () => Buffer.from('nonsense')],
    ['without a list', () => gzipSync('nonsense\n')],
    ['with another list', () => gzipSync('[{"name":"a","kind":"link","size":0}]\n')],
    ['shorter than its list says', () => gzipSync(unpacked().subarray(0, -1), { level: 1 })],
    ['longer than its list says', () => gzipSync(Buffer.concat([unpacked(), Buffer.alloc(1)]), { level: 1 })],
  ]
  it.each(CASES)('is none when it is %s, and leaves nothing behind', async (name, bytes) => {
    const [packed, target] = [join(folder, 'packed.gz'), join(folder, `none of ${name}`)]
    await writeFile(packed, bytes())
    expect(await unpackDatabase(packed, target)).toBe('none')
    expect(existsSync(target)).toBe(false)
  })

  it('is none when the build has made none', async () => {
    expect(await unpackDatabase(join(folder, 'nowhere.gz'), join(folder, 'target'))).toBe('none')
  })
})

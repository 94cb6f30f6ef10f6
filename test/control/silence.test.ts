import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase, saveOriginAccess, type Database } from '../../src/control/database/index.ts'
import { newOriginAccessId, systemClock } from '../../src/core/index.ts'
import { databaseUrlOf, makeEmptyDatabase } from './database-under-test.ts'

let database: Database
let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'silence-'))
  await makeEmptyDatabase(root)
  database = await openDatabase({
    url: databaseUrlOf(root),
    dataDir: root,
    clock: systemClock,
    onError: () => {},
  })
})

afterAll(async () => {
  await database.close()
  await rm(root, { recursive: true })
})

describe('a statement that the database refuses', () => {
  it('says why, and none of its values', async () => {
    const credentials = { accessKeyId: 'AKID', secretAccessKey: 'value-hush' }
    const save = (): Promise<number> =>
      database.transaction(tx =>
        saveOriginAccess(tx, {
          ...{ id: newOriginAccessId(), name: 'same', kind: 'control', signing: 'always' },
          credentials,
        }),
      )
    await save()
    // The second of the same name breaks a constraint.
    const error = await save().then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    expect(error).toMatchObject({ code: 'database-failed' })
    expect(error?.message).toContain('origin_access_name_unique')
    const everything = `${error?.message} ${error?.stack} ${String(error?.cause)}`
    expect(everything).not.toContain('hush')
  })
})

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openPglite } from '../../src/control/database/pglite.ts'

it('a first start without the empty database of the build makes one itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'first-database-'))
  const engine = await openPglite(folder, join(folder, 'nowhere.gz'))
  const { rows } = await engine.executeSql('select 1 as one')
  await engine.close()
  expect(rows).toEqual([{ one: 1 }])
  expect(await readdir(folder)).toEqual(['db'])
  await rm(folder, { recursive: true })
}, 120_000)

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseEngineContract } from '../contracts/database-engine.ts'
import { makeEmptyDatabase, openEngine, serverUnderTest } from './database-under-test.ts'

databaseEngineContract(serverUnderTest() === undefined ? 'PGlite' : 'PostgreSQL', async () => {
  const root = await mkdtemp(join(tmpdir(), 'engine-'))
  await makeEmptyDatabase(root)
  const engine = await openEngine(root)
  return {
    engine,
    async close() {
      await engine.close()
      await rm(root, { recursive: true })
    },
  }
})

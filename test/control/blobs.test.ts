import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDatabase, saveBlob } from '../../src/control/database/index.ts'
import { MiB, systemClock } from '../../src/core/index.ts'
import { makeEmptyDatabase, serverUnderTest } from './database-under-test.ts'

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true })
  const sizes = await Promise.all(names.map(async name => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, each) => sum + each, 0)
}

// A server has a vacuum of its own.
it.skipIf(serverUnderTest() !== undefined)(
  'give their room back when nothing names them any more, so that changes do not fill the disk',
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'blobs-'))
    await makeEmptyDatabase(dataDir)
    const database = await openDatabase({ dataDir, clock: systemClock, onError: () => {} })
    const change = async (): Promise<void> => {
      await database.transaction(tx => saveBlob(tx, randomBytes(MiB / 2)))
      await database.sweepBlobs()
    }
    for (let at = 0; at < 4; at++) await change()
    const before = await sizeOf(join(dataDir, 'db', 'base'))
    for (let at = 0; at < 8; at++) await change()
    expect((await sizeOf(join(dataDir, 'db', 'base'))) - before).toBeLessThan(2 * MiB)
    await database.close()
    await rm(dataDir, { recursive: true })
  },
)

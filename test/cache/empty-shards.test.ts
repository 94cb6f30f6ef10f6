import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { DiskTier, emptyShards, shardOf, shardsOf, type StoredObject } from '../../src/cache/index.ts'
import { instant, MiB, systemClock, type CanonicalPath, type DistributionId } from '../../src/core/index.ts'
import { cacheKey } from '../../src/http/index.ts'
import { createLogger } from '../../src/telemetry/index.ts'

const SITE = 'E1' as DistributionId // a test's own

function objectAt(at: string): StoredObject {
  const now = systemClock.now()
  return {
    ...{ key: cacheKey(SITE, at as CanonicalPath, ''), distributionId: SITE, path: at }, // likewise
    ...{ sequence: 0, status: 200, headers: [], body: Buffer.from(at), staleOnError: false },
    validators: { etag: undefined, lastModified: undefined },
    ...{ bornAt: now, freshUntil: instant(now + 3_600_000) },
  }
}

test('a worker whose disk cannot be trusted begins without what was on it, and the others keep theirs', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'empty-shards-'))
  const open = async (index: number): Promise<DiskTier> => {
    const log = createLogger('test', 'silent')
    const shards = shardsOf(index, 2)
    const tier = new DiskTier({ folder, maxBytes: 256 * MiB, clock: systemClock, shards, log })
    await tier.start()
    return tier
  }
  const objects = Array.from({ length: 20 }, (_, n) => objectAt(`/${n}`))
  const tiers = [await open(0), await open(1)]
  for (const object of objects) for (const tier of tiers) tier.set(object)
  for (const tier of tiers) await tier.close()
  await emptyShards(folder, shardsOf(1, 2))
  const [kept, emptied] = [await open(0), await open(1)]
  for (const { key } of objects) {
    const owner = shardOf(key) % 2
    const found = await [kept, emptied][owner]?.get(key)
    expect([owner, found?.key]).toEqual([owner, owner === 0 ? key : undefined])
  }
  expect(emptied.objects).toBe(0)
  for (const tier of [kept, emptied]) await tier.close()
  expect(readdirSync(folder)).toContain('01')
  rmSync(folder, { recursive: true })
})

import { expect, test } from 'vitest'
import type { CanonicalPath, DistributionId } from '../../src/core/index.ts'
import { ObjectCache, type CacheTier, type StoredObject, type UpstreamAnswer } from '../../src/cache/index.ts'
import { compileInvalidations, type Invalidation } from '../../src/distribution/index.ts'
import { cacheKey } from '../../src/http/index.ts'
import { ScriptedBody, START } from './scripted-upstream.ts'

const SITE = 'ETEST' as DistributionId // a test's own

function answer(): UpstreamAnswer {
  const body = new ScriptedBody().push('hello', 'end')
  const headers = ['Cache-Control', 'max-age=600']
  return { status: 200, headers, requestedAt: START, respondedAt: START, body, destroy: () => {} }
}

interface Filled {
  get: (at: number) => Promise<string>
  invalidate: (pattern: string) => void
  /** Since it was asked last. */
  cost: () => { touched: number; compared: number }
}

/** A cache with so many objects, on a disk that counts how often it is touched. */
async function filled(objects: number): Promise<Filled> {
  const files = new Map<string, StoredObject>()
  let touched = 0
  const disk: CacheTier = {
    get: key => (touched++, files.get(key)),
    set: object => void (touched++, files.set(object.key, object)),
    delete: key => void (touched++, files.delete(key)),
    get objects() {
      return files.size
    },
    bytes: 0,
  }
  const list: Invalidation[] = []
  let compiled = compileInvalidations(list)
  let compared = 0
  const cache = new ObjectCache({
    ...{ maxBytes: 64 * 1024 * 1024, largestObject: 1024 * 1024, clock: { now: () => START }, disk },
    invalidations: {
      applied: () => list.length,
      newest: (site, path) => (compared++, compiled.newest(site, path)),
    },
  })
  const get = async (at: number): Promise<string> => {
    const path = `/folder/${at}` as CanonicalPath // a test's own
    const found = await cache.lookup({
      ...{ key: cacheKey(SITE, path, ''), distributionId: SITE, path },
      bounds: { minimum: 0, default: 86_400, maximum: 31_536_000 },
      ask: () => Promise.resolve(answer()),
    })
    if (found.kind === 'filling') await found.whole
    return found.kind
  }
  for (let at = 0; at < objects; at++) await get(at)
  return {
    get,
    invalidate(pattern) {
      list.push({ sequence: list.length + 1, distributionId: SITE, pattern })
      compiled = compileInvalidations(list)
    },
    cost() {
      const cost = { touched, compared }
      touched = compared = 0
      return cost
    },
  }
}

test('an invalidation touches nothing that is stored, and what a lookup costs after it does not grow with that', async () => {
  const costs = []
  for (const objects of [10, 10_000]) {
    const cache = await filled(objects)
    cache.cost()
    cache.invalidate('/folder/*')
    const itself = cache.cost()
    expect([await cache.get(7), await cache.get(7)]).toEqual(['filling', 'hit'])
    costs.push({ itself, lookups: cache.cost() })
  }
  const [few, many] = costs
  expect(many).toEqual(few)
  expect(few?.itself).toEqual({ touched: 0, compared: 0 })
})

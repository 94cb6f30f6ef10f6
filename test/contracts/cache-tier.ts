import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CacheTier, StoredObject } from '../../src/cache/index.ts'
import { instant, type Clock, type DistributionId } from '../../src/core/index.ts'
import type { CacheKey } from '../../src/http/index.ts'

/** A tier under test, empty, with room for some 1 MiB of objects. */
export interface TierUnderTest {
  tier: CacheTier
  /** When nothing of what was set or deleted is still under way. */
  settled(): Promise<void>
  close(): Promise<void>
}

export const NOON = instant(1_800_000_000_000)
export const noonClock: Clock = { now: () => NOON }

export function objectOf(key: string, body: Buffer | string, more: Partial<StoredObject> = {}): StoredObject {
  return {
    key: key as CacheKey,
    distributionId: 'E1A2B3C4D5E6F7' as DistributionId,
    path: '/a',
    sequence: 3,
    status: 200,
    headers: ['Content-Type', 'video/mp4', 'ETag', '"v1"'],
    validators: { etag: '"v1"', lastModified: undefined },
    body: Buffer.from(body),
    bornAt: NOON,
    freshUntil: instant(NOON + 3_600_000),
    staleOnError: true,
    ...more,
  }
}

const keyOf = (text: string) => text as CacheKey

/** What every tier of the cache promises (src/cache/contract.ts). */
export function cacheTierContract(name: string, open: () => Promise<TierUnderTest>): void {
  describe(`the contract of cache tiers: ${name}`, () => {
    let under: TierUnderTest
    let tier: CacheTier
    beforeEach(async () => {
      under = await open()
      tier = under.tier
    })
    afterEach(() => under.close())

    it('has nothing at first', async () => {
      expect(await tier.get(keyOf('none'))).toBeUndefined()
      tier.delete(keyOf('none'))
      expect([tier.objects, tier.bytes]).toEqual([0, 0])
    })

    it('gives back what was set, every field and byte of it', async () => {
      const whole = objectOf(
        'D /a?b=ü "\n\\',
        Buffer.from(Array.from({ length: 512 }, (_, at) => at % 256)),
        {
          path: '/a/%0A',
          sequence: 0,
          status: 404,
          headers: ['X-Twice', '1', 'x-twice', '', 'X-Latin', '\u00e9\u00ff'],
          validators: { etag: undefined, lastModified: 'Mon, 23 Nov 2026 00:00:00 GMT' },
          staleOnError: false,
          refreshUntil: instant(NOON + 1),
          staleUntil: instant(NOON + 2),
          askedAt: instant(NOON - 1),
          varies: { names: ['accept', 'x-a'], generation: 'g' },
          large: { length: 2 ** 40, generation: 'h' },
          ...{ yetToCome: { any: ['thing'] } },
        },
      )
      tier.set(whole)
      expect(await tier.get(whole.key)).toEqual(whole)
      await under.settled()
      expect(await tier.get(whole.key)).toEqual(whole)
      expect([tier.objects, tier.bytes > 512]).toEqual([1, true])
    })

    it('holds an empty body', async () => {
      tier.set(objectOf('empty', ''))
      await under.settled()
      expect((await tier.get(keyOf('empty')))?.body).toEqual(Buffer.alloc(0))
    })

    it('keeps the newer of two under one key, however close they come', async () => {
      for (let n = 0; n < 20; n++) tier.set(objectOf('a', `body ${n}`, { sequence: n }))
      expect(await tier.get(keyOf('a'))).toEqual(objectOf('a', 'body 19', { sequence: 19 }))
      await under.settled()
      expect(await tier.get(keyOf('a'))).toEqual(objectOf('a', 'body 19', { sequence: 19 }))
      expect(tier.objects).toBe(1)
    })

    it('never gives the head of one and the body of another', async () => {
      const seen = new Set<string>()
      for (let n = 0; n < 200; n++) {
        tier.set(objectOf('a', `body ${n}`, { sequence: n }))
        if (n % 3 === 0) await under.settled()
        const got = await tier.get(keyOf('a'))
        if (got) seen.add(`${got.body.toString()} of ${got.sequence}`)
      }
      expect([...seen].filter(each => !/^body (\d+) of \1$/.test(each))).toEqual([])
      expect(seen.size).toBeGreaterThan(0)
    })

    it('forgets what was deleted, also what was set a moment before', async () => {
      tier.set(objectOf('a', 'one'))
      tier.delete(keyOf('a'))
      expect(await tier.get(keyOf('a'))).toBeUndefined()
      await under.settled()
      expect(await tier.get(keyOf('a'))).toBeUndefined()
      tier.set(objectOf('a', 'two'))
      await under.settled()
      tier.delete(keyOf('a'))
      tier.set(objectOf('a', 'three'))
      await under.settled()
      expect((await tier.get(keyOf('a')))?.body.toString()).toBe('three')
      tier.delete(keyOf('a'))
      await under.settled()
      expect(await tier.get(keyOf('a'))).toBeUndefined()
      expect([tier.objects, tier.bytes]).toEqual([0, 0])
    })

    it('is bounded: what was not used goes, what is used stays', async () => {
      const body = Buffer.alloc(16 * 1024, 7)
      for (let n = 0; n < 300; n++) {
        tier.set(objectOf(`key ${n}`, body))
        await under.settled()
        await tier.get(keyOf('key 0'))
        expect(tier.bytes).toBeLessThanOrEqual(1024 * 1024)
      }
      expect(tier.objects).toBeGreaterThan(20)
      expect(tier.objects).toBeLessThan(64)
      expect(await tier.get(keyOf('key 1'))).toBeUndefined()
      expect((await tier.get(keyOf('key 299')))?.body).toEqual(body)
    })

    it('does not take an object that is larger than its limit, and forgets the smaller one that stood there', async () => {
      tier.set(objectOf('a', 'small'))
      await under.settled()
      tier.set(objectOf('a', Buffer.alloc(900 * 1024)))
      await under.settled()
      expect(await tier.get(keyOf('a'))).toBeUndefined()
      expect(tier.objects).toBe(0)
    })
  })
}

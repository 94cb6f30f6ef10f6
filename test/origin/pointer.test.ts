import { describe, expect, test } from 'vitest'
import { instant, type AssetId } from '../../src/core/index.ts'
import { expire, withVersion, type Pointer } from '../../src/origin/pointer.ts'

const NOW = instant(Date.UTC(2026, 10, 22))
const HOUR = 3_600_000

function pointer(version: number, change: Partial<Pointer> = {}): Pointer {
  return {
    ...{
      format: 1,
      path: '/films/one',
      assetId: 'a1' as AssetId,
      version,
      publishedAt: NOW,
      durationSeconds: 60,
    }, // a made-up id
    ...{ media: `v${version}/media`, index: `v${version}/index`, renditions: [], previous: [] },
    ...change,
  }
}

describe('a version that is replaced', () => {
  test.each([
    ['a day, when the film is short', 60, 24 * HOUR],
    ['a day, when the film lasts half of one', 12 * 3600, 24 * HOUR],
    ['twice the film, when that is longer', 20 * 3600, 40 * HOUR],
  ])('lives for %s', (_name, durationSeconds, life) => {
    const { version, previous } = withVersion(pointer(1, { durationSeconds }), pointer(2), NOW)
    expect([version, previous.map(old => [old.version, old.deleteAfter])]).toEqual([2, [[1, NOW + life]]])
  })

  test('does not live on under another asset, whose removal would miss it', () => {
    const other = pointer(1, { assetId: 'a0' as AssetId }) // a made-up id
    expect(withVersion(other, pointer(1), NOW).previous).toEqual([])
  })
})

test('the replaced versions whose time is over expire, and the oldest of more than a hundred', () => {
  let all = pointer(0)
  for (let version = 1; version <= 105; version++) all = withVersion(all, pointer(version), NOW)
  expect(all.previous).toHaveLength(105)
  const crowded = expire(all, NOW)
  expect([crowded.kept.previous.length, crowded.expired]).toEqual([100, [4, 3, 2, 1, 0]])
  const later = expire(crowded.kept, instant(NOW + 24 * HOUR))
  expect([later.kept.previous.length, later.expired.length]).toEqual([0, 100])
})

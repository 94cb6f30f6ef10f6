import { expect, test } from 'vitest'
import { Places } from '../../src/delivery/upstream/places.ts'

/** Takes places until there are no more, and counts them. */
function fill(places: Places, owner: string | undefined): number {
  let count = 0
  while (places.take(owner)) count++
  return count
}

test('one may take a fifth, and whoever comes after ten of them finds room', () => {
  const places = new Places(2_000)
  const taken = Array.from({ length: 10 }, (_, index) => fill(places, `/live/${index}`))
  expect(taken[0]).toBe(400)
  expect(taken.reduce((sum, count) => sum + count)).toBeLessThan(1_900)
  expect(fill(places, '/live/late')).toBeGreaterThan(20)
})

test('there are so many and no more, whoever asks', () => {
  const places = new Places(3)
  expect(fill(places, undefined)).toBe(3)
  expect(places.take('/live/a')).toBeUndefined()
})

test('a place that is left is free again, for the same and for others', () => {
  const places = new Places(2)
  const leave = places.take('/live/a')
  expect(places.take('/live/a')).toBeUndefined()
  leave?.()
  expect(places.take('/live/a')).toBeDefined()
  expect(places.take('/live/b')).toBeDefined()
})

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { pause } from '../../src/core/index.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a pause lasts for its span and leaves nothing on the signal', async () => {
  const { signal } = new AbortController()
  const removed = vi.spyOn(signal, 'removeEventListener')
  let over = false
  const paused = pause(1000, signal).then(() => (over = true))
  await vi.advanceTimersByTimeAsync(999)
  expect(over).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  await paused
  expect(removed).toHaveBeenCalledOnce()
})

test.each(['before', 'during'])(
  'an abort %s it ends a pause without an error and without its timer',
  async when => {
    const stop = new AbortController()
    if (when === 'before') stop.abort()
    const paused = pause(1000, stop.signal)
    stop.abort()
    await paused
    expect(vi.getTimerCount()).toBe(0)
  },
)

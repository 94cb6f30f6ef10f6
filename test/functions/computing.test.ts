import { describe, expect, test } from 'vitest'
import { ComputingMeter, spentByProcess } from '../../src/functions/computing-meter.ts'
import { limitsOf } from '../../src/functions/index.ts'
import { Stopwatch } from '../../src/functions/thread/stopwatch.ts'

/** As a machine does that has no processor for it. */
function standStill(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

describe('a stopwatch', () => {
  test.each([
    ['cloudfront-js-2.0', 'viewer-request'],
    ['sluice-js-1', 'playlist-response'],
  ] as const)(
    'does not cut off %s, which computes nothing, while its thread stands still',
    (runtime, event) => {
      const { time, clock } = limitsOf(runtime, event)
      const watch = new Stopwatch()
      watch.start({ computing: time, clock })
      for (let times = 0; times < 4; times++) {
        standStill(400)
        expect([watch.look(), watch.isSlow]).toEqual([false, false])
      }
    },
  )

  test('ends what computes without end by that alone, and what waits by the clock', () => {
    const watch = new Stopwatch()
    watch.start({ computing: 50, clock: Infinity })
    while (!watch.look());
    expect([watch.isOver, watch.isSlow]).toEqual([true, true])
    watch.start({ computing: Infinity, clock: 20 })
    expect(watch.look()).toBe(false)
    standStill(20)
    expect(watch.look()).toBe(true)
  })
})

describe('what a thread can have computed', () => {
  test('is what its process has, since the slice was seen', () => {
    const meter = new ComputingMeter()
    expect([meter.read(1000, 70), meter.read(1000.000_001, 95), meter.read(999.999_999, 700)]).toEqual([
      ...[0, 25, 630],
    ])
    expect([meter.read(1010, 700), meter.read(1010, 701)]).toEqual([0, 1])
  })

  test('grows as this process computes, and not while it stands still', () => {
    const before = spentByProcess()
    const from = performance.now()
    while (spentByProcess() - before < 20);
    expect(performance.now()).toBeGreaterThan(from)
  })
})

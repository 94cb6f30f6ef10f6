import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FlvReader, LiveMuxer, encodeFlvHeader, encodeFlvTag, type FlvTag } from '../../src/cmaf/index.ts'
import { SluiceError, instant } from '../../src/core/index.ts'
import { SMALL, STEREO, audioFrame, audioHeader, both, videoFrame, videoHeader } from './live-built.ts'
import { ARRIVAL, epochsOf, play } from './live-feed.ts'

const SECONDS = 4

/** Calls until the time is over; anything but a SluiceError fails. */
function forSeconds(seconds: number, attempt: (random: () => number) => void): void {
  const until = performance.now() + seconds * 1000
  let seed = 1
  const random = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return seed / 2 ** 32
  }
  while (performance.now() < until) {
    try {
      attempt(random)
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      expect(['bad-flv', 'unsupported-codec']).toContain(error.code)
    }
  }
}

function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  for (let changes = Math.ceil(random() * 4); changes > 0 && copy.length > 0; changes--) {
    copy[Math.floor(random() * Math.min(copy.length, random() < 0.7 ? 16 : copy.length))] = Math.floor(
      random() * 256,
    )
  }
  return random() < 0.2 ? copy.subarray(0, Math.floor(random() * copy.length)) : copy
}

describe('whatever comes', () => {
  test('the muxer throws nothing but its own errors, and holds little', () => {
    const clean = both({ from: 0, to: 3000 })
    let muxer = new LiveMuxer()
    let round = 0
    let bytes = 0
    let events: ReturnType<LiveMuxer['push']> = []
    const before = process.memoryUsage()
    forSeconds(SECONDS, random => {
      if (++round % 50 === 0) {
        epochsOf([...events, ...muxer.end()])
        muxer = new LiveMuxer()
        events = []
      }
      if (round % 17 === 0) events.push(...muxer.discontinue())
      const shift = Math.floor(random() * 2 ** 32)
      for (const tag of clean) {
        const timestamp = random() < 0.02 ? Math.floor(random() * 2 ** 32) : (tag.timestamp + shift) >>> 0
        const data = random() < 0.1 ? mutated(tag.data, random) : tag.data
        try {
          events.push(
            ...muxer.push({ ...tag, data, timestamp }, instant(ARRIVAL + round * 3000 + tag.timestamp)),
          )
        } catch (error) {
          if (!(error instanceof SluiceError)) throw error
        }
        bytes += data.length
      }
    })
    expect(bytes).toBeGreaterThan(5_000_000)
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(200 * 2 ** 20)
  })

  test('the events of a muxer keep their order', () => {
    const tag = fc.oneof(
      {
        weight: 8,
        arbitrary: fc
          .record({ at: fc.nat(400), key: fc.boolean() })
          .map(({ at, key }) => videoFrame(at, { keyframe: key, bytes: 20 })),
      },
      { weight: 8, arbitrary: fc.nat(400).map(at => audioFrame(at, 20)) },
      { weight: 1, arbitrary: fc.nat(400).map(at => videoHeader(SMALL, at)) },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom('1190', '1208', '1210', 'ff')
          .map(hex => audioHeader(Buffer.from(hex, 'hex'))),
      },
      {
        weight: 1,
        arbitrary: fc
          .uint8Array({ maxLength: 30 })
          .map((data): FlvTag => ({ type: 'video', timestamp: 0, data })),
      },
      {
        weight: 1,
        arbitrary: fc
          .uint8Array({ maxLength: 30 })
          .map((data): FlvTag => ({ type: 'audio', timestamp: 0, data })),
      },
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(tag, fc.integer({ min: -20, max: 120 })), { maxLength: 300 }), steps => {
        let at = 5000
        const feed = steps.map(([tag, step]): FlvTag => {
          at += step * (step > 115 ? 20 : 1)
          return { ...tag, timestamp: (at + (tag.timestamp % 30)) >>> 0 }
        })
        const epochs = epochsOf(play([videoHeader(), audioHeader(STEREO), ...feed]).events)
        const ends = { video: 10, audio: 10 }
        for (const { parts } of epochs) {
          for (const part of [...parts.video, ...parts.audio]) {
            expect(part.duration).toBeGreaterThan(0)
            expect(part.decodeTime).toBeGreaterThanOrEqual(ends[part.track] - 1e-6)
            ends[part.track] = part.decodeTime + part.duration
          }
          expect([true, undefined]).toContain(parts.video[0]?.independent)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('the reader throws nothing but its own errors, and gives no more than came', () => {
    const file = Buffer.concat([encodeFlvHeader(), ...both({ from: 0, to: 500 }).flatMap(encodeFlvTag)])
    forSeconds(2, random => {
      const bytes = mutated(file, random)
      const reader = new FlvReader()
      let given = 0
      for (let at = 0; at < bytes.length;) {
        const size = 1 + Math.floor(random() * 400)
        for (const { data } of reader.push(bytes.subarray(at, at + size))) given += data.length
        at += size
        expect(given).toBeLessThanOrEqual(bytes.length)
      }
    })
  })
})

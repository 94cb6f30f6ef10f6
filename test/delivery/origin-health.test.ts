import { describe, expect, test } from 'vitest'
import { instant, type DistributionId } from '../../src/core/index.ts'
import { OriginHealth, type Turn } from '../../src/delivery/upstream/origin-health.ts'

const name = { distribution: 'E1' as DistributionId, origin: 'site' } // a test's own
const at = (ms: number): ReturnType<typeof instant> => instant(1_000_000 + ms)

/** What the questions at these instants are to do. */
const turns = (health: OriginHealth, ...times: number[]): Turn[] =>
  times.map(time => health.turn(name, at(time)))

describe('an origin of a group', () => {
  test('is asked as long as connections come about, and after one that did not', () => {
    const health = new OriginHealth()
    expect(turns(health, 0)).toEqual(['ask'])
    health.unconnected(name, at(1))
    expect(turns(health, 1, 2)).toEqual(['ask', 'ask'])
    health.connected(name)
    health.unconnected(name, at(3))
    expect(turns(health, 3)).toEqual(['ask'])
  })

  test('rests after two in a row, is probed once each five seconds, and is asked again after an answer', () => {
    const health = new OriginHealth()
    health.unconnected(name, at(0))
    health.unconnected(name, at(10))
    expect(turns(health, 10, 5_009, 5_010, 5_011, 10_009)).toEqual(['skip', 'skip', 'probe', 'skip', 'skip'])
    expect(health.resting(at(10_009))).toBe(1)
    expect(turns(health, 10_010)).toEqual(['probe'])
    health.unconnected(name, at(11_000))
    expect(turns(health, 15_999, 16_000)).toEqual(['skip', 'probe'])
    health.connected(name)
    expect(turns(health, 16_001)).toEqual(['ask'])
    expect(health.resting(at(16_001))).toBe(0)
  })

  test('does not rest for longer when the clock is set back', () => {
    const health = new OriginHealth()
    health.unconnected(name, at(0))
    health.unconnected(name, at(0))
    expect(turns(health, -100_000, -99_999)).toEqual(['probe', 'skip'])
  })

  test('is told apart by distribution, and forgotten with its group', () => {
    const health = new OriginHealth()
    const other = { ...name, distribution: 'E2' as DistributionId } // a test's own
    for (const each of [name, name, other]) health.unconnected(each, at(0))
    health.passedOn(name)
    health.passedOn(name)
    health.passedOn(other)
    expect([...health.failovers()]).toEqual([
      [name, 2],
      [other, 1],
    ])
    expect([health.turn(name, at(1)), health.turn(other, at(1))]).toEqual(['skip', 'ask'])
    health.keep([other])
    expect([...health.failovers()]).toEqual([[other, 1]])
    expect(health.turn(name, at(1))).toBe('ask')
  })

  test('is one of a thousand at most: functions may choose ever new ones', () => {
    const health = new OriginHealth()
    for (let n = 0; n < 1_001; n++) health.passedOn({ ...name, origin: `origin-${n}` })
    const told = [...health.failovers()].map(([member]) => member.origin)
    expect([told.length, told[0], told.at(-1)]).toEqual([1_000, 'origin-1', 'origin-1000'])
  })
})

import { describe, expect, it } from 'vitest'
import {
  comparePositions,
  formatPosition,
  judgeReach,
  parseLiveMark,
  parsePosition,
  renderLiveMark,
  type LiveMark,
  type Reach,
} from '../../src/hls/index.ts'

describe('a position', () => {
  it.each([
    ['1790000000.4', { sequence: 1_790_000_000, part: 4 }],
    ['7.-1', { sequence: 7, part: -1 }],
  ])('is written as %s', (text, position) => {
    expect(formatPosition(position)).toBe(text)
    expect(parsePosition(text)).toEqual(position)
  })

  it.each(['', '7', '7.', '.4', '7.-2', '-7.1', '7.4.1', '7.4 ', '1e3.1', '7.1e3', '1234567890123456.1'])(
    'is not read from %j',
    text => {
      expect(parsePosition(text)).toBeUndefined()
    },
  )

  it('is further by its segment, then by its part', () => {
    const sorted = ['7.-1', '7.0', '7.11', '8.-1', '8.2'].flatMap(text => parsePosition(text) ?? [])
    expect([...sorted].reverse().sort(comparePositions)).toEqual(sorted)
  })
})

describe('the mark of a live playlist', () => {
  it('says position and targets', () => {
    const mark: LiveMark = { sequence: 1_790_000_000, part: 4, targetDuration: 2, partTarget: 0.2 }
    expect(renderLiveMark(mark)).toBe('1790000000.4;target=2;part=0.2')
    expect(parseLiveMark('1790000000.4;target=2;part=0.2')).toEqual(mark)
  })

  it('rounds to microseconds', () => {
    const mark = { sequence: 1, part: -1, targetDuration: 2, partTarget: 10 / 48 }
    expect(renderLiveMark(mark)).toBe('1.-1;target=2;part=0.208333')
  })

  it('passes over what a newer node adds', () => {
    expect(parseLiveMark('1.0;later=x;target=2;part=0.2')).toMatchObject({ sequence: 1, part: 0 })
  })

  it.each([
    '',
    '1.0',
    '1.0;target=2',
    '1.0;part=0.2',
    '1;target=2;part=0.2',
    '1.0;target=x;part=0.2',
    '1.0;target=-2;part=0',
  ])('is not read from %j', text => {
    expect(parseLiveMark(text)).toBeUndefined()
  })
})

describe('the newest position', () => {
  const at = { sequence: 100, part: 4 }

  it.each<[number, number | undefined, Reach]>([
    [99, undefined, 'ready'],
    [99, 40, 'ready'],
    [100, 0, 'ready'],
    [100, 4, 'ready'],
    // It does not say whether segment 100 is closed.
    [100, undefined, 'wait'],
    [100, 5, 'wait'],
    // 3 / 0.2 parts beyond the newest.
    [100, 19, 'wait'],
    [100, 20, 'too-far'],
    [101, 14, 'wait'],
    [101, 15, 'too-far'],
    [102, undefined, 'wait'],
    [102, 0, 'wait'],
    [103, undefined, 'too-far'],
    [103, 0, 'too-far'],
  ])('100.4 in parts of 0.2 s: segment %s, part %s is %s', (sequence, part, reach) => {
    expect(judgeReach({ position: at, partTarget: 0.2 }, { sequence, part })).toBe(reach)
  })

  it.each<[number, number | undefined, Reach]>([
    [100, undefined, 'ready'],
    [100, 9, 'ready'],
    [101, undefined, 'wait'],
    [101, 2, 'wait'],
    [101, 3, 'too-far'],
  ])('100 without parts: segment %s, part %s is %s', (sequence, part, reach) => {
    const position = { sequence: 100, part: -1 }
    expect(judgeReach({ position, partTarget: 0 }, { sequence, part })).toBe(reach)
  })

  it('allows three parts ahead where parts last a second or more', () => {
    const known = { position: at, partTarget: 2 }
    expect(judgeReach(known, { sequence: 100, part: 7 })).toBe('wait')
    expect(judgeReach(known, { sequence: 100, part: 8 })).toBe('too-far')
  })

  it('answers who asks for nothing in particular', () => {
    expect(judgeReach({ position: at, partTarget: 0.2 }, undefined)).toBe('ready')
  })
})

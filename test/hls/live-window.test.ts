import { describe, expect, it } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { LiveWindow, renderLive, type Reach, type WindowOptions } from '../../src/hls/index.ts'

const NOON = instant(Date.UTC(2026, 10, 22, 12))
const OPTIONS: WindowOptions = { firstSequence: 100, firstDiscontinuity: 7, targetDuration: 2 }

function opened(options: Partial<WindowOptions> = {}): LiveWindow {
  const window = new LiveWindow({ ...OPTIONS, ...options })
  window.openEpoch({ epoch: 'e1', init: 'e1-init.mp4', partTarget: 0.5 })
  return window
}

/** Opens a segment with so many parts of half a second, and leaves it open. */
function fill(window: LiveWindow, parts: number, duration = 0.5): void {
  window.openSegment(NOON)
  for (let i = 0; i < parts; i++) window.addPart({ duration, independent: i === 0 })
}

function fillWhole(window: LiveWindow, segments: number, parts = 4): void {
  for (let i = 0; i < segments; i++) {
    fill(window, parts)
    window.closeSegment()
  }
}

const tags = (window: LiveWindow): string[] =>
  renderLive(window.playlist([]), 'none')
    .trimEnd()
    .split('\n')
    .filter(line => !/^#EXT-X-(VERSION|INDEP|SERVER|PROGRAM)|^#EXTM3U/.test(line))

describe('a live window', () => {
  it('names segments and parts by epoch and number, and the part that comes next', () => {
    const window = new LiveWindow(OPTIONS)
    expect([window.position, window.hint]).toEqual([undefined, undefined])
    window.openEpoch({ epoch: 'e1', init: 'e1-init.mp4', partTarget: 0.5 })
    expect([window.position, window.hint]).toEqual([undefined, 'e1-100.0.m4s'])
    window.openSegment(NOON)
    expect([window.position, window.hint]).toEqual([undefined, 'e1-100.0.m4s'])
    expect(window.addPart({ duration: 0.5, independent: true })).toBe('e1-100.0.m4s')
    expect([window.position, window.hint]).toEqual([{ sequence: 100, part: 0 }, 'e1-100.1.m4s'])
    expect(window.addPart({ duration: 0.25, independent: false })).toBe('e1-100.1.m4s')
    expect(window.closeSegment()).toEqual({
      uri: 'e1-100.m4s',
      parts: ['e1-100.0.m4s', 'e1-100.1.m4s'],
      duration: 0.75,
    })
    expect([window.position, window.hint]).toEqual([{ sequence: 100, part: 1 }, 'e1-101.0.m4s'])
    expect(tags(window)).toEqual([
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-PART-INF:PART-TARGET=0.5',
      '#EXT-X-MEDIA-SEQUENCE:100',
      '#EXT-X-DISCONTINUITY-SEQUENCE:7',
      '#EXT-X-MAP:URI="e1-init.mp4"',
      '#EXT-X-PART:DURATION=0.5,URI="e1-100.0.m4s",INDEPENDENT=YES',
      '#EXT-X-PART:DURATION=0.25,URI="e1-100.1.m4s"',
      '#EXTINF:0.75,',
      'e1-100.m4s',
      '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="e1-101.0.m4s"',
    ])
  })

  it('begins its discontinuities at a number that players can count up to', () => {
    const window = opened({ firstSequence: 1_790_000_000, firstDiscontinuity: 1_790_000_000 })
    fill(window, 1)
    expect(window.playlist([])).toMatchObject({
      discontinuitySequence: 1_790_000_000 % 65_536,
      segments: [{ sequence: 1_790_000_000 }],
    })
  })

  it('uses the number of a segment without parts again', () => {
    const window = opened()
    window.openSegment(NOON)
    expect(window.closeSegment()).toBeUndefined()
    expect(window.closeSegment()).toBeUndefined()
    window.openSegment(NOON)
    expect(window.addPart({ duration: 0.5, independent: true })).toBe('e1-100.0.m4s')
  })

  it('lets a new epoch close the open segment and break the timeline', () => {
    const window = opened()
    fill(window, 1)
    expect(window.openEpoch({ epoch: 'e2', init: 'e2-init.mp4', partTarget: 0.25 })).toEqual({
      uri: 'e1-100.m4s',
      parts: ['e1-100.0.m4s'],
      duration: 0.5,
    })
    expect(window.hint).toBe('e2-101.0.m4s')
    fill(window, 1, 0.25)
    expect(tags(window)).toEqual([
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-PART-INF:PART-TARGET=0.5',
      '#EXT-X-MEDIA-SEQUENCE:100',
      '#EXT-X-DISCONTINUITY-SEQUENCE:7',
      '#EXT-X-MAP:URI="e1-init.mp4"',
      '#EXT-X-PART:DURATION=0.5,URI="e1-100.0.m4s",INDEPENDENT=YES',
      '#EXTINF:0.5,',
      'e1-100.m4s',
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-MAP:URI="e2-init.mp4"',
      '#EXT-X-PART:DURATION=0.25,URI="e2-101.0.m4s",INDEPENDENT=YES',
      '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="e2-101.1.m4s"',
    ])
  })

  it('counts epochs that left nothing, so that both tracks count alike', () => {
    const window = opened()
    window.openEpoch({ epoch: 'e2', init: 'e2-init.mp4', partTarget: 0.5 })
    fill(window, 1)
    expect(window.playlist([])).toMatchObject({
      discontinuitySequence: 8,
      segments: [{ discontinuities: 0, init: 'e2-init.mp4' }],
    })
    window.openEpoch({ epoch: 'e3', init: 'e3-init.mp4', partTarget: 0.5 })
    window.openSegment(NOON)
    window.openEpoch({ epoch: 'e4', init: 'e4-init.mp4', partTarget: 0.5 })
    fill(window, 1)
    expect(window.playlist([]).segments[1]).toMatchObject({ discontinuities: 2, init: 'e4-init.mp4' })
    expect(window.takeDropped()).toEqual(['e1-init.mp4', 'e3-init.mp4'])
  })

  it('ends with its open segment whole, nothing hinted, and takes nothing more', () => {
    const window = opened()
    fill(window, 1)
    expect(window.end()).toEqual({ uri: 'e1-100.m4s', parts: ['e1-100.0.m4s'], duration: 0.5 })
    expect(tags(window)).toEqual([
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-PART-INF:PART-TARGET=0.5',
      '#EXT-X-MEDIA-SEQUENCE:100',
      '#EXT-X-DISCONTINUITY-SEQUENCE:7',
      '#EXT-X-MAP:URI="e1-init.mp4"',
      '#EXT-X-PART:DURATION=0.5,URI="e1-100.0.m4s",INDEPENDENT=YES',
      '#EXTINF:0.5,',
      'e1-100.m4s',
      '#EXT-X-ENDLIST',
    ])
    expect(window.judge({ sequence: 999, part: 9 })).toBe('ready')
    expect(window.end()).toBeUndefined()
    for (const late of [
      () => window.openEpoch({ epoch: 'e2', init: 'i', partTarget: 1 }),
      () => window.openSegment(NOON),
      () => window.addPart({ duration: 1, independent: true }),
    ]) {
      expect(late).toThrow(expect.objectContaining({ code: 'bad-window' }))
    }
  })

  it.each<[string, (window: LiveWindow) => void]>([
    ['a segment without an epoch', window => window.openSegment(NOON)],
    ['a part without a segment', window => window.addPart({ duration: 1, independent: true })],
    [
      'a segment within another',
      window => {
        window.openEpoch({ epoch: 'e1', init: 'i', partTarget: 1 })
        fill(window, 1)
        window.openSegment(NOON)
      },
    ],
  ])('refuses %s', (_, misuse) => {
    expect(() => misuse(new LiveWindow(OPTIONS))).toThrow(expect.objectContaining({ code: 'bad-window' }))
  })

  it('lists eight whole segments and the parts of three, and says what it let go', () => {
    const window = opened()
    fillWhole(window, 3)
    expect(window.takeDropped()).toEqual([])
    fill(window, 1)
    expect(window.takeDropped()).toEqual(['e1-100.0.m4s', 'e1-100.1.m4s', 'e1-100.2.m4s', 'e1-100.3.m4s'])
    window.closeSegment()
    fillWhole(window, 4)
    window.takeDropped()
    window.openEpoch({ epoch: 'e2', init: 'e2-init.mp4', partTarget: 0.5 })
    expect(window.playlist([]).segments.map(segment => segment.parts.length)).toEqual([
      0, 0, 0, 0, 0, 4, 4, 4,
    ])
    fillWhole(window, 1)
    expect(window.takeDropped().filter(uri => !/\.\d\./.test(uri))).toEqual(['e1-100.m4s'])
    expect(window.playlist([])).toMatchObject({ discontinuitySequence: 7 })
    // The init of the first epoch is let go with its last segment; the discontinuity with the one it stands before.
    fillWhole(window, 7)
    expect(window.takeDropped()).toContain('e1-init.mp4')
    expect(window.playlist([])).toMatchObject({ discontinuitySequence: 7 })
    fillWhole(window, 1)
    expect(window.playlist([])).toMatchObject({ discontinuitySequence: 8 })
  })

  it('lets go of a segment with the parts that it still lists', () => {
    const window = opened({ length: 1, withParts: 9 })
    fillWhole(window, 4)
    expect(window.takeDropped()).toEqual([
      ...['e1-100.m4s', 'e1-100.0.m4s', 'e1-100.1.m4s', 'e1-100.2.m4s', 'e1-100.3.m4s'],
    ])
  })

  it('keeps more segments than its length until three target durations are full, within bounds', () => {
    const window = opened()
    fillWhole(window, 12, 1)
    expect(window.playlist([]).segments).toHaveLength(12)
    fillWhole(window, 1, 1)
    expect(window.playlist([]).segments).toHaveLength(12)
    const flood = opened({ targetDuration: 600 })
    fillWhole(flood, 100, 1)
    expect(flood.playlist([]).segments).toHaveLength(32)
  })

  it('never lets its targets shrink, and has grown them before a long segment is closed', () => {
    const window = opened()
    fill(window, 5)
    expect(window.playlist([])).toMatchObject({ targetDuration: 3 })
    window.addPart({ duration: 0.75, independent: false })
    window.closeSegment()
    fillWhole(window, 30)
    expect(window.playlist([])).toMatchObject({ targetDuration: 3, partTarget: 0.75, partHoldBack: 2.25 })
  })

  it('says the same targets as the window beside it', () => {
    const video = opened()
    const audio = new LiveWindow({ ...OPTIONS, beside: video })
    audio.openEpoch({ epoch: 'e1', init: 'e1-init.mp4', partTarget: 0.6 })
    fill(video, 9)
    fill(audio, 1)
    expect(video.playlist([])).toMatchObject({ targetDuration: 5, partTarget: 0.5 })
    expect(audio.playlist([])).toMatchObject({ targetDuration: 5, partTarget: 0.6 })
    const control = (window: LiveWindow) =>
      /#EXT-X-SERVER-CONTROL:.*/.exec(renderLive(window.playlist([]), 'none'))?.[0]
    expect(control(video)).toBe(
      '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=30,PART-HOLD-BACK=1.8,HOLD-BACK=15',
    )
    expect(control(audio)).toBe(control(video))
  })

  it('gives playlists that stay as they are', () => {
    const window = opened()
    fill(window, 1)
    const before = window.playlist([])
    const text = renderLive(before, 'none')
    window.addPart({ duration: 0.5, independent: false })
    window.closeSegment()
    expect(renderLive(before, 'none')).toBe(text)
  })
})

describe('a question to a live window', () => {
  it.each<[number, number | undefined, Reach]>([
    [101, undefined, 'ready'],
    [101, 3, 'ready'],
    // Beyond the last part of 101 means the first of 102.
    [101, 4, 'ready'],
    [102, 1, 'ready'],
    [102, 2, 'wait'],
    [102, undefined, 'wait'],
    [103, 0, 'wait'],
    [104, undefined, 'wait'],
    [105, undefined, 'too-far'],
    // 3 / 0.5 parts ahead.
    [102, 7, 'wait'],
    [102, 8, 'too-far'],
    [1, 1, 'ready'],
  ])('while 102.1 is the newest: segment %s, part %s is %s', (sequence, part, reach) => {
    const window = opened()
    fillWhole(window, 2)
    fill(window, 2)
    expect(window.judge({ sequence, part })).toBe(reach)
  })

  it.each<[number, number | undefined, Reach]>([
    [101, undefined, 'ready'],
    [101, 3, 'ready'],
    [101, 4, 'wait'],
    [102, 0, 'wait'],
    [103, undefined, 'wait'],
    [104, undefined, 'too-far'],
  ])('while 101 is closed and none is open: segment %s, part %s is %s', (sequence, part, reach) => {
    const window = opened()
    fillWhole(window, 2)
    expect(window.judge({ sequence, part })).toBe(reach)
  })

  it('before there is anything waits, unless it is beyond all reason', () => {
    const window = opened()
    expect(window.judge(undefined)).toBe('wait')
    expect(window.judge({ sequence: 100, part: 0 })).toBe('wait')
    expect(window.judge({ sequence: 101, part: undefined })).toBe('wait')
    expect(window.judge({ sequence: 102, part: undefined })).toBe('too-far')
  })
})

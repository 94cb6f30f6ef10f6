import HLS from 'hls-parser'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { renderLive, type LivePlaylist, type LiveSegment } from '../../src/hls/index.ts'

// The oracle: everything we write passes the library's strict reading.
beforeEach(() => HLS.setOptions({ strictMode: true }))
afterEach(() => HLS.setOptions({ strictMode: false }))

const NOON = Date.UTC(2026, 10, 22, 12)

/** A whole segment of two seconds without parts; the first has number 100. */
function whole(sequence: number, more: Partial<LiveSegment> = {}): LiveSegment {
  return {
    sequence,
    init: 'e1-init.mp4',
    discontinuities: 0,
    programDateTime: instant(NOON + (sequence - 100) * 2000),
    uri: `e1-${sequence}.m4s`,
    duration: 2,
    parts: [],
    ...more,
  }
}

function parts(sequence: number, count: number, duration = 0.5, epoch = 'e1'): LiveSegment['parts'] {
  return Array.from({ length: count }, (_, i) => ({
    uri: `${epoch}-${sequence}.${i}.m4s`,
    duration,
    independent: i === 0,
  }))
}

function playlist(segments: LiveSegment[], more: Partial<LivePlaylist> = {}): LivePlaylist {
  return {
    targetDuration: 2,
    partTarget: 0.5,
    partHoldBack: 1.5,
    discontinuitySequence: 7,
    segments,
    state: 'live',
    hint: 'e1-next.m4s',
    reports: [],
    ...more,
  }
}

const text = (...lines: string[]): string => `${lines.join('\n')}\n`

describe('a live playlist', () => {
  it('lists whole segments, the parts of the newest, what comes next and where the other track stands', () => {
    const written = renderLive(
      playlist(
        [
          whole(100),
          whole(101, { parts: parts(101, 4) }),
          whole(102, {
            discontinuities: 1,
            init: 'e2-init.mp4',
            uri: undefined,
            duration: 0.5,
            parts: parts(102, 1, 0.5, 'e2'),
          }),
        ],
        {
          hint: 'e2-102.1.m4s',
          reports: [{ uri: '../audio/playlist.m3u8', lastSequence: 102, lastPart: 0 }],
        },
      ),
      'none',
    )
    expect(written).toBe(
      text(
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-TARGETDURATION:2',
        '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5,HOLD-BACK=6',
        '#EXT-X-PART-INF:PART-TARGET=0.5',
        '#EXT-X-MEDIA-SEQUENCE:100',
        '#EXT-X-DISCONTINUITY-SEQUENCE:7',
        '#EXT-X-MAP:URI="e1-init.mp4"',
        '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T12:00:00.000Z',
        '#EXTINF:2,',
        'e1-100.m4s',
        '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T12:00:02.000Z',
        '#EXT-X-PART:DURATION=0.5,URI="e1-101.0.m4s",INDEPENDENT=YES',
        '#EXT-X-PART:DURATION=0.5,URI="e1-101.1.m4s"',
        '#EXT-X-PART:DURATION=0.5,URI="e1-101.2.m4s"',
        '#EXT-X-PART:DURATION=0.5,URI="e1-101.3.m4s"',
        '#EXTINF:2,',
        'e1-101.m4s',
        '#EXT-X-DISCONTINUITY',
        '#EXT-X-MAP:URI="e2-init.mp4"',
        '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T12:00:04.000Z',
        '#EXT-X-PART:DURATION=0.5,URI="e2-102.0.m4s",INDEPENDENT=YES',
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="e2-102.1.m4s"',
        '#EXT-X-RENDITION-REPORT:URI="../audio/playlist.m3u8",LAST-MSN=102,LAST-PART=0',
      ),
    )
    expect(HLS.parse(written)).toMatchObject({
      mediaSequenceBase: 100,
      discontinuitySequenceBase: 7,
      lowLatencyCompatibility: { canBlockReload: true, canSkipUntil: 12, partHoldBack: 1.5, holdBack: 6 },
      renditionReports: [{ uri: '../audio/playlist.m3u8', lastMSN: 102, lastPart: 0 }],
    })
  })

  it('that has ended promises nothing more and skips nothing', () => {
    const segments = Array.from({ length: 9 }, (_, i) => whole(100 + i))
    const written = renderLive(
      playlist(segments.slice(7), {
        state: 'ended',
        reports: [{ uri: '../audio/playlist.m3u8', lastSequence: 108, lastPart: -1 }],
      }),
      'none',
    )
    expect(written).toBe(
      text(
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-TARGETDURATION:2',
        '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5,HOLD-BACK=6',
        '#EXT-X-PART-INF:PART-TARGET=0.5',
        '#EXT-X-MEDIA-SEQUENCE:107',
        '#EXT-X-DISCONTINUITY-SEQUENCE:7',
        '#EXT-X-MAP:URI="e1-init.mp4"',
        '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T12:00:14.000Z',
        '#EXTINF:2,',
        'e1-107.m4s',
        '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T12:00:16.000Z',
        '#EXTINF:2,',
        'e1-108.m4s',
        '#EXT-X-ENDLIST',
      ),
    )
    expect(HLS.parse(written)).toMatchObject({ endlist: true })
    const all = playlist(segments, { state: 'ended' })
    expect(renderLive(all, 'segments')).toBe(renderLive(all, 'none'))
  })

  it('without parts is plain HLS', () => {
    const written = renderLive(
      playlist([whole(100)], { partTarget: 0, partHoldBack: 0, hint: undefined }),
      'none',
    )
    expect(written).toBe(
      text(
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-TARGETDURATION:2',
        '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,HOLD-BACK=6',
        '#EXT-X-MEDIA-SEQUENCE:100',
        '#EXT-X-DISCONTINUITY-SEQUENCE:7',
        '#EXT-X-MAP:URI="e1-init.mp4"',
        '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T12:00:00.000Z',
        '#EXTINF:2,',
        'e1-100.m4s',
      ),
    )
    expect(HLS.parse(written)).toMatchObject({ segments: [{ uri: 'e1-100.m4s', duration: 2 }] })
  })

  it('counts every epoch of which this track has nothing', () => {
    const written = renderLive(playlist([whole(100), whole(101, { discontinuities: 2 })]), 'none')
    expect(written.match(/#EXT-X-DISCONTINUITY\n/g)).toHaveLength(2)
  })

  it('leaves out of a report the part that the other does not list', () => {
    const reports = [{ uri: 'playlist.m3u8', lastSequence: 8, lastPart: -1 }]
    expect(renderLive(playlist([whole(100)], { reports }), 'none')).toContain(
      '#EXT-X-RENDITION-REPORT:URI="playlist.m3u8",LAST-MSN=8\n',
    )
  })

  it.each([
    [1e-9, '0'],
    [0.2, '0.2'],
    [3 * 0.2, '0.6'],
    [1024 / 48_000, '0.021333'],
    [10, '10'],
    [100.000_000_4, '100'],
  ])('writes %d seconds as %s', (duration, written) => {
    expect(renderLive(playlist([whole(100, { duration })]), 'none')).toContain(`#EXTINF:${written},\n`)
  })

  it.each<[string, LivePlaylist]>([
    ['nothing', playlist([])],
    [
      'an end with a segment open',
      playlist([whole(100, { uri: undefined, parts: parts(100, 1) })], { state: 'ended' }),
    ],
    ['a URI with a quote', playlist([whole(100, { init: 'a"b' })])],
    ['a hint with a line break', playlist([whole(100)], { hint: 'a\nb' })],
    [
      'a report of another site',
      playlist([whole(100)], { reports: [{ uri: 'http://x/', lastSequence: 1, lastPart: 1 }] }),
    ],
    [
      'a report that climbs late',
      playlist([whole(100)], { reports: [{ uri: 'a/../b', lastSequence: 1, lastPart: 1 }] }),
    ],
  ])('refuses %s', (_, unfit) => {
    expect(() => renderLive(unfit, 'none')).toThrow(expect.objectContaining({ code: 'bad-playlist' }))
  })
})

describe('a delta update', () => {
  const nine = Array.from({ length: 9 }, (_, i) => whole(100 + i))

  it('replaces the segments that end more than six target durations before the end', () => {
    const segments = nine.map(segment =>
      segment.sequence === 102 ? { ...segment, discontinuities: 1, init: 'e2-init.mp4' } : segment,
    )
    const lines = renderLive(playlist(segments), 'segments').split('\n')
    expect(lines.slice(0, 14)).toEqual([
      '#EXTM3U',
      '#EXT-X-VERSION:9',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5,HOLD-BACK=6',
      '#EXT-X-PART-INF:PART-TARGET=0.5',
      '#EXT-X-MEDIA-SEQUENCE:100',
      '#EXT-X-DISCONTINUITY-SEQUENCE:7',
      // 102 ends 12 s before the end: not further than the boundary.
      '#EXT-X-SKIP:SKIPPED-SEGMENTS=2',
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-MAP:URI="e2-init.mp4"',
      '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T12:00:04.000Z',
      '#EXTINF:2,',
      'e1-102.m4s',
    ])
  })

  it('names the init that was named among what it skips', () => {
    const written = renderLive(playlist(nine), 'segments')
    expect(written.match(/#EXT-X-MAP:URI="e1-init.mp4"\n/g)).toHaveLength(1)
    expect(HLS.parse(written)).toMatchObject({ skip: 2 })
  })

  it('measures to the end of the open segment', () => {
    const open = whole(109, { uri: undefined, duration: 0.5, parts: parts(109, 1) })
    expect(renderLive(playlist([...nine, open]), 'segments')).toContain('SKIPPED-SEGMENTS=3\n')
  })

  it('is the whole when there is nothing to skip', () => {
    const few = playlist(nine.slice(0, 7))
    expect(renderLive(few, 'segments')).toBe(renderLive(few, 'none'))
  })
})

import fc from 'fast-check'
import HLS from 'hls-parser'
import { expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import {
  comparePositions,
  judgeReach,
  LiveWindow,
  positionOf,
  renderLive,
  type LivePlaylist,
} from '../../src/hls/index.ts'
import { readAsPlayer, type SeenPlaylist } from './playlist-client.ts'

const FIRST = 1_790_000_000

/** What happens to a window; what makes no sense at its place is left out by `apply`. */
type Happening =
  | { kind: 'part'; duration: number; independent: boolean }
  | { kind: 'cut' }
  | { kind: 'epoch'; partTarget: number }
  | { kind: 'end' }

const duration = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0.2, 0.192, 1024 / 5000, 0.171) },
  { weight: 1, arbitrary: fc.double({ min: 0.001, max: 3, noNaN: true }) },
)
const happenings = fc.array(
  fc.oneof(
    {
      weight: 300,
      arbitrary: fc.record({ kind: fc.constant('part' as const), duration, independent: fc.boolean() }),
    },
    { weight: 60, arbitrary: fc.constant<Happening>({ kind: 'cut' }) },
    {
      weight: 10,
      arbitrary: fc.record({ kind: fc.constant('epoch' as const), partTarget: fc.constantFrom(0.2, 0.25) }),
    },
    { weight: 1, arbitrary: fc.constant<Happening>({ kind: 'end' }) },
  ),
  { minLength: 20, maxLength: 400, size: 'max' },
)

/** Drives a window and keeps what must hold from one playlist to the next. */
class Watcher {
  readonly window = new LiveWindow({ firstSequence: FIRST, firstDiscontinuity: FIRST, targetDuration: 1 })
  before: { playlist: LivePlaylist; seen: SeenPlaylist } | undefined
  #epochs = 0
  #open = false
  #ended = false
  readonly dropped = new Set<string>()
  /** What each number stood for when it was first seen whole. */
  readonly known = new Map<number, string>()

  apply(happening: Happening): void {
    const { window } = this
    if (this.#ended) return
    if (happening.kind === 'end') {
      window.end()
      this.#ended = true
    } else if (happening.kind === 'epoch' || this.#epochs === 0) {
      const name = `e${++this.#epochs}`
      window.openEpoch({ epoch: name, init: `${name}-init.mp4`, partTarget: 0.2 })
      this.#open = false
    } else if (happening.kind === 'cut') {
      window.closeSegment()
      this.#open = false
    } else {
      if (!this.#open) window.openSegment(instant(1000))
      this.#open = true
      const hinted = window.hint
      const made = window.addPart(happening)
      if (made !== hinted) expect(made).toBe(hinted)
    }
  }

  check(): void {
    const playlist = this.window.playlist([
      { uri: '../audio/playlist.m3u8', lastSequence: FIRST, lastPart: 3 },
    ])
    expect(this.window.position).toEqual(positionOf(playlist))
    if (playlist.segments.length === 0) return
    const full = readAsPlayer(renderLive(playlist, 'none'), undefined)
    const delta = renderLive(playlist, 'segments')
    expect(readAsPlayer(delta, this.before?.seen)).toEqual(full)
    this.#agrees(playlist, full)
    if (this.before !== undefined) this.#follows(playlist, this.before.playlist)
    this.#dropsWhatLeft(playlist)
    this.#judges(playlist)
    this.before = { playlist, seen: full }
  }

  /** The text says what the value says, and keeps the rules about targets. */
  #agrees(playlist: LivePlaylist, seen: SeenPlaylist): void {
    let continuity = playlist.discontinuitySequence
    const read = [...seen.segments].map(([sequence, { init, uri, continuity, parts }]) => {
      return { sequence, init, uri, continuity, parts: parts.map(line => /URI="(.*?)"/.exec(line)?.[1]) }
    })
    const meant = playlist.segments.map(({ sequence, init, uri, parts, discontinuities }) => {
      continuity += discontinuities
      return { sequence, init, uri, continuity, parts: parts.map(part => part.uri) }
    })
    expect(read).toEqual(meant)
    for (const { sequence, init, continuity, uri, parts } of meant) {
      const now = `${init} ${continuity} ${(uri ?? parts[0])?.split('-')[0]}`
      const first = this.known.get(sequence) ?? now
      this.known.set(sequence, first)
      if (now !== first) expect(now).toBe(first)
    }
    const durations = [...seen.segments.values()].map(segment => Math.round(segment.duration ?? 0))
    expect(Math.max(...durations)).toBeLessThanOrEqual(playlist.targetDuration)
    const lines = [...seen.segments.values()].flatMap(segment => segment.parts)
    const partDurations = lines.map(line => Number(/DURATION=([\d.]+)/.exec(line)?.[1]))
    expect(Math.max(0, ...partDurations)).toBeLessThanOrEqual(playlist.partTarget)
    expect(seen.ended).toBe(playlist.state === 'ended')
    expect(seen.hint).toBe(playlist.hint)
  }

  /** Numbers and targets only grow, and no number is left out. */
  #follows(now: LivePlaylist, before: LivePlaylist): void {
    const [a, b] = [positionOf(before), positionOf(now)]
    expect(a && b && comparePositions(b, a)).toBeGreaterThanOrEqual(0)
    const first = (playlist: LivePlaylist) => playlist.segments[0]?.sequence ?? 0
    expect(first(now)).toBeGreaterThanOrEqual(first(before))
    expect(first(now)).toBeLessThanOrEqual((before.segments.at(-1)?.sequence ?? 0) + 1)
    expect(now.discontinuitySequence).toBeGreaterThanOrEqual(before.discontinuitySequence)
    expect(now.targetDuration).toBeGreaterThanOrEqual(before.targetDuration)
    expect(now.partTarget).toBeGreaterThanOrEqual(before.partTarget)
    const whole = now.segments.filter(segment => segment.uri !== undefined)
    if (first(now) > first(before) && whole.length < 32) {
      const lasting = whole.reduce((sum, segment) => sum + segment.duration, 0)
      expect(lasting).toBeGreaterThanOrEqual(3 * now.targetDuration)
      expect(whole.length).toBeGreaterThanOrEqual(8)
    }
  }

  /** Whatever was named before and is not now has been dropped once; nothing that is named has. */
  #dropsWhatLeft(playlist: LivePlaylist): void {
    const dropped = this.window.takeDropped()
    expect(dropped.filter(uri => this.dropped.has(uri))).toEqual([])
    for (const uri of dropped) this.dropped.add(uri)
    const named = namesIn(playlist)
    expect([...named].filter(uri => this.dropped.has(uri))).toEqual([])
    if (this.before === undefined) return
    const left = [...namesIn(this.before.playlist)].filter(uri => !named.has(uri))
    // What was hinted when an epoch ended was never made.
    const { hint } = this.before.playlist
    expect(left.filter(uri => uri !== hint && !this.dropped.has(uri))).toEqual([])
  }

  #judges(playlist: LivePlaylist): void {
    const position = positionOf(playlist)
    if (position === undefined) return
    const known = { position, partTarget: playlist.partTarget }
    for (let sequence = position.sequence - 2; sequence <= position.sequence + 3; sequence++) {
      for (const part of [undefined, 0, 1, position.part, position.part + 1, position.part + 14, 99]) {
        const until = { sequence, part }
        const judged = this.window.judge(until)
        const reach = judgeReach(known, until)
        const right =
          playlist.state === 'ended'
            ? judged === 'ready'
            : (judged === 'ready') === holds(playlist, until) &&
              // A position alone never promises or refuses what the window would not.
              (reach === judged || (reach === 'wait' && judged === 'ready'))
        if (!right) expect([until, judged, reach]).toBe('right')
      }
    }
  }
}

/** rfc8216bis 6.2.5.2, read from the playlist itself. */
function holds({ segments }: LivePlaylist, until: { sequence: number; part: number | undefined }): boolean {
  return (
    segments.some(segment => {
      if (segment.sequence > until.sequence) return segment.uri !== undefined || segment.parts.length > 0
      if (segment.sequence < until.sequence) return false
      return until.part === undefined ? segment.uri !== undefined : segment.parts.length > until.part
    }) || (segments[0]?.sequence ?? 0) > until.sequence
  )
}

function namesIn(playlist: LivePlaylist): Set<string> {
  const names = new Set(playlist.hint === undefined ? [] : [playlist.hint])
  for (const { init, uri, parts } of playlist.segments) {
    names.add(init)
    if (uri !== undefined) names.add(uri)
    for (const part of parts) names.add(part.uri)
  }
  return names
}

test('whatever happens, playlists stay valid, follow from each other, and are what was promised', () => {
  fc.assert(
    fc.property(happenings, list => {
      const watcher = new Watcher()
      for (const happening of list) {
        watcher.apply(happening)
        watcher.check()
      }
    }),
    { numRuns: 40 },
  )
})

test('another parser reads every playlist as it was meant', () => {
  HLS.setOptions({ silent: true })
  fc.assert(
    fc.property(happenings, list => {
      const watcher = new Watcher()
      for (const happening of list) watcher.apply(happening)
      const playlist = watcher.window.playlist([])
      if (playlist.segments.length === 0) return
      const parsed = HLS.parse(renderLive(playlist, 'none'))
      if ('variants' in parsed) throw new Error('it was read as a multivariant playlist')
      const { targetDuration, partTarget } = playlist
      expect(parsed).toMatchObject({
        targetDuration,
        partTargetDuration: partTarget,
        endlist: playlist.state === 'ended',
      })
      expect(parsed.mediaSequenceBase).toBe(playlist.segments[0]?.sequence)
      expect(parsed.discontinuitySequenceBase).toBe(playlist.discontinuitySequence)
      const whole = playlist.segments.filter(segment => segment.uri !== undefined)
      const read = parsed.segments.filter(segment => segment.uri !== '')
      // The library hands the open segment the wrong map, and every other one its own.
      expect(read.map(({ uri, map }) => [uri, map.uri])).toEqual(whole.map(({ uri, init }) => [uri, init]))
      const parts = parsed.segments.flatMap(segment => segment.parts.map(part => part.uri))
      const meant = playlist.segments.flatMap(segment => segment.parts.map(part => part.uri))
      expect(parts).toEqual(playlist.hint === undefined ? meant : [...meant, playlist.hint])
    }),
    { numRuns: 100 },
  )
})

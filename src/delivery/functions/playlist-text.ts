import type { Json, SeenRequest, Unusable } from '../../functions/index.ts'
import { isUnusable, playlistEvent, readStretch, unusable, type GivenStretch } from '../../functions/index.ts'
import { playlistLines, PlaylistReader } from '../../hls/index.ts'
import type { Chunks } from '../answer/send-stream.ts'
import type { Exchange } from '../exchange.ts'
import { functionFailed } from './failure-words.ts'
import type { Use } from './node-functions.ts'
import { contextOf, ranFor } from './seen.ts'

/** So many entries a function is handed at once, so that no long playlist is ever whole in its sandbox. */
const BATCH = 2_000
/** And no more text than so many UTF-16 units, of which what a function may return is a multiple. */
const MOST_WAITING = 1024 * 1024
/** No line of a playlist is longer; what is is none. */
const LONGEST_LINE = 256 * 1024

/**
 * A playlist's text as a function has it, stretch by stretch as it comes. What does not begin as a playlist goes out as it is.
 * Throws as its source does, and with the function's reason where that fails.
 */
export async function* playlistText(
  x: Exchange,
  use: Use,
  request: SeenRequest,
  source: Chunks,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = linesOf(source)
  const reader = new PlaylistReader()
  let [first, written, isOne] = [0, '', false]
  let state: Json = null
  let begun = false
  for await (const { line, raw } of pieces) {
    if (!begun) {
      begun = true
      isOne = line?.trimEnd() === '#EXTM3U'
    }
    if (!isOne) {
      yield raw
      continue
    }
    if (line !== undefined) reader.read(line)
    const last = line === undefined
    if (!last && reader.length < BATCH && reader.units < MOST_WAITING) continue
    if (!last && reader.length === 0)
      throw functionFailed(unusable('function-result', 'it would be given a playlist of tags without an end'))
    const playlist = reader.take(last ? 'whole' : 'more')
    const count = playlist.entries.length
    const given = await run(x, use, request, { playlist, first, last, state })
    if (isUnusable(given)) throw functionFailed(given)
    const lines = playlistLines(given.playlist, reader.lineEnd)
    if (lines.length > 0) {
      yield Buffer.from(`${written}${lines.join('\n')}`)
      written = '\n'
    }
    if (last && reader.end !== '') yield Buffer.from(reader.end)
    first += count
    state = given.state
  }
}

async function run(
  x: Exchange,
  use: Use,
  request: SeenRequest,
  stretch: Parameters<typeof readStretch>[1],
): Promise<GivenStretch | Unusable> {
  const { functions } = x.node
  if (functions === undefined || use.runtime === undefined)
    return unusable('function-failed', 'it is not known here')
  const argument = playlistEvent(contextOf(x, use), request, stretch)
  return functions.run(use, argument, ranFor(x), value => readStretch(value, stretch))
}

interface Piece {
  /** Without its `\n`; undefined behind the last. */
  line: string | undefined
  /** The bytes that it came in, for what is no playlist. */
  raw: Uint8Array
}

const NOTHING = new Uint8Array(0)

async function* linesOf(source: Chunks): AsyncGenerator<Piece, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rest = ''
  let isFirst = true
  let before: Uint8Array = NOTHING
  for await (const chunk of source) {
    // Until its first line is there nobody knows whether it is one; what is not goes out byte by byte.
    const known = isFirst ? Buffer.concat([before, chunk]) : chunk
    if (isFirst && !couldBeOne(known)) {
      yield { line: '', raw: known }
      for await (const more of source) yield { line: '', raw: more }
      return
    }
    before = known
    let text
    try {
      text = decoder.decode(chunk, { stream: true })
    } catch {
      throw functionFailed(unusable('function-result', 'it would be given a playlist that is no UTF-8'))
    }
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_LINE)
      throw functionFailed(
        unusable('function-result', 'it would be given a playlist with a line without end'),
      )
    for (const line of lines) {
      isFirst = false
      yield { line, raw: NOTHING }
    }
  }
  yield { line: rest, raw: NOTHING }
  yield { line: undefined, raw: NOTHING }
}

const BEGINNING = Buffer.from('#EXTM3U')

function couldBeOne(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, BEGINNING.length)
  return BEGINNING.subarray(0, length).equals(bytes.subarray(0, length))
}

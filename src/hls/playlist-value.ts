import { lineOf, tagOf, type PlaylistTag } from './playlist-line.ts'

/** What a URI names, with the tags that stand before it. */
export interface PlaylistEntry {
  tags: PlaylistTag[]
  uri: string
  /** The line of the URI, where there is more to it than that. */
  text?: string
}

/** A playlist as a value, or a stretch of one: unchanged it is rendered to the very same bytes, whoever has written it. */
export interface PlaylistValue {
  kind: 'multivariant' | 'media'
  /** What is said of the playlist as a whole, before the first entry. */
  header: PlaylistTag[]
  entries: PlaylistEntry[]
  /** What follows the last entry: parts of the next one, hints, the end. */
  tail: PlaylistTag[]
}

const OF_THE_WHOLE = new Set([
  ...['EXTM3U', 'EXT-X-VERSION', 'EXT-X-INDEPENDENT-SEGMENTS', 'EXT-X-START', 'EXT-X-DEFINE'],
  ...['EXT-X-TARGETDURATION', 'EXT-X-MEDIA-SEQUENCE', 'EXT-X-DISCONTINUITY-SEQUENCE', 'EXT-X-PLAYLIST-TYPE'],
  ...['EXT-X-I-FRAMES-ONLY', 'EXT-X-IMAGES-ONLY', 'EXT-X-PART-INF', 'EXT-X-SERVER-CONTROL', 'EXT-X-SKIP'],
  ...['EXT-X-ALLOW-CACHE', 'EXT-X-MEDIA', 'EXT-X-I-FRAME-STREAM-INF', 'EXT-X-SESSION-DATA'],
  ...['EXT-X-SESSION-KEY', 'EXT-X-CONTENT-STEERING', 'EXT-X-IMAGE-STREAM-INF'],
])

const OF_MULTIVARIANT = new Set(['EXT-X-MEDIA', 'EXT-X-STREAM-INF', 'EXT-X-I-FRAME-STREAM-INF'])

/** Reads lines one after another, and hands out stretches of the playlist as they are asked for. */
export class PlaylistReader {
  #place: 'header' | 'entries' = 'header'
  #isMultivariant = false
  #isCarriageReturned: boolean | undefined
  #header: PlaylistTag[] = []
  #entries: PlaylistEntry[] = []
  #tags: PlaylistTag[] = []
  #lines = 0
  #last = ''
  /** Of what waits, and of that the tags whose URI has not come. */
  #units = 0
  #tagUnits = 0

  /** How many entries wait. */
  get length(): number {
    return this.#entries.length
  }

  /** How long what waits is, in UTF-16 units. */
  get units(): number {
    return this.#units
  }

  /** How its lines end, for those that are made anew: as its first does. */
  get lineEnd(): string {
    return this.#isCarriageReturned === true ? '\r' : ''
  }

  /** What stands behind the last line, once all are read: most playlists end with a line's end. */
  get end(): string {
    return this.#last === '' && this.#lines > 1 ? '\n' : ''
  }

  /** A line without its `\n`. */
  read(line: string): void {
    this.#isCarriageReturned ??= line.endsWith('\r')
    this.#lines++
    this.#last = line
    this.#units += line.length + 1
    if (line.trim() !== '' && !line.startsWith('#')) {
      this.#place = 'entries'
      const uri = line.trim()
      const plain = uri + this.lineEnd === line
      this.#entries.push({ tags: this.#tags, uri, ...(!plain && { text: line }) })
      this.#tags = []
      this.#tagUnits = 0
      return
    }
    const end = this.lineEnd
    const isPlain = end !== '' && line.endsWith(end) && !line.slice(0, -1).endsWith(end)
    const tag = isPlain ? tagOf(line.slice(0, -1)) : ended(tagOf(line), line, end)
    const { name } = tag
    if (name !== undefined && OF_MULTIVARIANT.has(name)) this.#isMultivariant = true
    if (this.#place === 'header' && (name === undefined || OF_THE_WHOLE.has(name))) this.#header.push(tag)
    else {
      this.#place = 'entries'
      this.#tags.push(tag)
      this.#tagUnits += line.length + 1
    }
  }

  /** What has been read since the last time; `whole` when no line follows. */
  take(state: 'whole' | 'more'): PlaylistValue {
    // What a function puts last is to be the last line.
    if (state === 'whole' && this.end !== '') (this.#tags.length > 0 ? this.#tags : this.#header).pop()
    const value: PlaylistValue = {
      kind: this.#isMultivariant ? 'multivariant' : 'media',
      header: this.#header,
      entries: this.#entries,
      tail: state === 'whole' ? this.#tags : [],
    }
    this.#header = []
    this.#entries = []
    if (state === 'whole') this.#tags = []
    this.#units = state === 'whole' ? 0 : this.#tagUnits
    return value
  }
}

/** Of a line that ends otherwise than the others the end is a part. */
function ended(tag: PlaylistTag, line: string, end: string): PlaylistTag {
  return end === '' ? tag : { ...tag, text: `${line}\n` }
}

/** A whole playlist. */
export function playlistValue(text: string): { value: PlaylistValue; lineEnd: string; end: string } {
  const reader = new PlaylistReader()
  for (const line of text.split('\n')) reader.read(line)
  return { value: reader.take('whole'), lineEnd: reader.lineEnd, end: reader.end }
}

/** The lines of a value, without their `\n`. */
export function playlistLines({ header, entries, tail }: PlaylistValue, lineEnd: string): string[] {
  const line = (tag: PlaylistTag): string => {
    // Its own end stands in it.
    if (tag.text?.endsWith('\n') === true) {
      const own = tag.text.slice(0, -1)
      const without = { ...tag, text: own }
      return lineOf(without) === own ? own : lineOf(without) + lineEnd
    }
    return lineOf(tag) + lineEnd
  }
  return [
    ...header.map(line),
    ...entries.flatMap(({ tags, uri, text }) => [
      ...tags.map(line),
      text !== undefined && text.trim() === uri ? text : uri + lineEnd,
    ]),
    ...tail.map(line),
  ]
}

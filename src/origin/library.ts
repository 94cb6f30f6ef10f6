import { createHash } from 'node:crypto'
import { initSegment, mediaSegment, type MediaTrack, type Segment } from '../cmaf/index.ts'
import type { Turnstile } from '../core/index.ts'
import { PACKAGER_FORMAT } from '../packager/index.ts'
import type { Representation } from './answer.ts'
import type { Movies } from './movies.ts'
import { mediaPlaylistOf, multivariantOf } from './playlists.ts'
import { versionWith, type Pointer } from './pointer.ts'
import type { Pointers } from './pointers.ts'
import type { Resource } from './resource.ts'

const PLAYLIST = 'application/vnd.apple.mpegurl'
const ENTRY_LIFE = 'public, max-age=60'
const FOREVER = 'public, max-age=31536000, immutable'

export interface LibraryOptions {
  pointers: Pointers
  movies: Movies
  /** Bounds how many segments are in memory at once. */
  turnstile: Turnstile
}

/** Everything that is published here, as it is asked for. */
export class Library {
  readonly #options: LibraryOptions

  constructor(options: LibraryOptions) {
    this.#options = options
  }

  /** Undefined when there is nothing; `sequence` is the invalidation number that the asker has applied. */
  async find(resource: Resource, sequence: number): Promise<Representation | undefined> {
    const pointer = await this.#options.pointers.find(resource.asset, sequence)
    if (!pointer) return undefined
    if (resource.kind === 'multivariant') return entry(pointer)
    const found = versionWith(pointer, resource.rendition)
    if (!found) return undefined
    const movie = await this.#options.movies.open(found.served)
    const opened = movie.tracks[found.stored.track]
    if (!opened) return undefined
    const { track, segments } = opened
    const modified = found.served.publishedAt
    // The name tells content and format apart; the format stands here too, for bytes that a newer program writes.
    const tag = (part: string) => `"${resource.rendition}.${PACKAGER_FORMAT}.${part}"`
    const lasting = { modified, cacheControl: FOREVER }
    switch (resource.kind) {
      case 'playlist':
        return whole(Buffer.from(mediaPlaylistOf(segments)), {
          ...lasting,
          type: PLAYLIST,
          etag: tag('playlist'),
        })
      case 'init':
        return whole(initSegment(track), { ...lasting, type: mp4(track), etag: tag('init') })
      case 'segment': {
        const segment: Segment | undefined = segments[resource.number]
        if (!segment) return undefined
        return {
          ...lasting,
          type: mp4(track),
          etag: tag(String(segment.number)),
          size: segment.bytes,
          bytes: () => this.#options.turnstile.pass(() => mediaSegment(track, segment, movie.source)),
        }
      }
    }
  }
}

function entry(pointer: Pointer): Representation {
  const body = Buffer.from(multivariantOf(pointer))
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`
  return whole(body, { type: PLAYLIST, etag, modified: pointer.publishedAt, cacheControl: ENTRY_LIFE })
}

function whole(body: Uint8Array, rest: Omit<Representation, 'size' | 'bytes'>): Representation {
  return { ...rest, size: body.length, bytes: () => body }
}

function mp4(track: MediaTrack): string {
  return `${track.kind}/mp4`
}
